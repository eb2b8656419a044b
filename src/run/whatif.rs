//! `--set`: changes of metadata that are tried out without touching anything.

use std::collections::BTreeMap;

use crate::yaml::{Mapping, Node, Value};

/// Changed variables and stream keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// Variables of `group.yml`.
    pub vars: BTreeMap<String, String>,
    /// Keys of streams: stream, key, value.
    pub streams: Vec<(String, String, String)>,
}

impl Overrides {
    /// Reads `vars.NAME=VALUE` and `streams.NAME.KEY=VALUE`. A stream's name may have dots.
    ///
    /// # Errors
    /// A sentence about the first that has another form.
    pub fn parse(items: &[String]) -> Result<Self, String> {
        let mut overrides = Self::default();
        for item in items {
            let fault = || {
                format!("`--set {item}` has another form than `vars.GO_LATEST=1.23` or `streams.NAME.upstream_image=…`")
            };
            let (path, value) = item.split_once('=').ok_or_else(fault)?;
            match path.split_once('.') {
                Some(("vars", name)) if !name.is_empty() => {
                    overrides.vars.insert(name.to_owned(), value.to_owned());
                }
                Some(("streams", rest)) => {
                    let (stream, key) = rest.rsplit_once('.').ok_or_else(fault)?;
                    overrides
                        .streams
                        .push((stream.to_owned(), key.to_owned(), value.to_owned()));
                }
                _ => return Err(fault()),
            }
        }
        Ok(overrides)
    }

    /// Whether nothing is tried out.
    pub fn is_empty(&self) -> bool {
        self.vars.is_empty() && self.streams.is_empty()
    }

    /// Changes the content of `streams.yml`; names of streams that are not there are returned.
    pub fn apply_to_streams(&self, root: &mut Node) -> Vec<String> {
        let mut unknown = Vec::new();
        for (stream, key, value) in &self.streams {
            let map = root.as_map_mut().and_then(|map| map.get_mut(stream));
            match map.map(|node| &mut node.value) {
                Some(Value::Map(map)) => set(map, key, value),
                _ => unknown.push(stream.clone()),
            }
        }
        unknown
    }
}

fn set(map: &mut Mapping, key: &str, value: &str) {
    map.insert(key, Node::string(value));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(items: &[&str]) -> Result<Overrides, String> {
        Overrides::parse(&items.iter().map(|&item| item.to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn variables_and_streams_with_dots_can_be_set() {
        let set = parse(&[
            "vars.GO_LATEST=1.23",
            "streams.rhel-9-golang-1.20.upstream_image=r/n/s:t=x",
        ])
        .expect("both forms");
        assert_eq!(set.vars["GO_LATEST"], "1.23");
        assert_eq!(
            set.streams,
            [("rhel-9-golang-1.20".into(), "upstream_image".into(), "r/n/s:t=x".into())]
        );
    }

    #[test]
    fn another_form_is_refused_with_an_example() {
        for item in ["GO_LATEST=1", "vars.", "vars.=1", "images.x.y=1", "streams.x=1"] {
            assert!(parse(&[item]).is_err_and(|error| error.contains(item)), "{item}");
        }
    }
}
