//! What is tried out without touching anything: `--set` changes metadata, and what else differs is taken for merged, so that
//! what a try alone changes can be seen.

use std::collections::{BTreeMap, BTreeSet};

use super::Rendering;
use crate::base::RepoName;
use crate::facts::stream;
use crate::plan::Bytes;
use crate::rules::load::nearest;
use crate::targets::{Actual, Reads};
use crate::yaml::{Mapping, Node, Value};

/// A `--set` of no known form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`--set {0}` has another form than `vars.GO_LATEST=1.23` or `streams.NAME.upstream_image=…`")]
pub struct NoOverride(String);

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
    /// The first that has another form.
    pub fn parse(items: &[String]) -> Result<Self, NoOverride> {
        let mut overrides = Self::default();
        for item in items {
            let fault = || NoOverride(item.clone());
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

    /// Changes the content of `streams.yml`; gives a sentence about each stream or key that is not there.
    pub fn apply_to_streams(&self, root: &mut Node) -> Vec<String> {
        let mut unknown = Vec::new();
        let streams = root.as_map().into_iter().flat_map(Mapping::iter);
        let own = stream::KEYS.iter().filter_map(|key| key.file.split('.').next());
        let mut keys: BTreeSet<String> = own.map(str::to_owned).collect();
        let mut names = Vec::new();
        for (name, node) in streams {
            names.push(name.to_owned());
            let its = node.as_map().into_iter().flat_map(Mapping::iter);
            keys.extend(its.map(|(key, _)| key.to_owned()));
        }
        for (stream, key, value) in &self.streams {
            let said = format!("`--set streams.{stream}.{key}=…`");
            let map = root.as_map_mut().and_then(|map| map.get_mut(stream));
            match map.map(|node| &mut node.value) {
                Some(Value::Map(map)) if keys.contains(key) => set(map, key, value),
                Some(Value::Map(_)) => {
                    let known: Vec<&str> = keys.iter().map(String::as_str).collect();
                    unknown.push(format!("{said}: streams have no key {key}; {}", nearest(key, &known)));
                }
                _ => {
                    let known: Vec<&str> = names.iter().map(String::as_str).collect();
                    unknown.push(format!(
                        "{said}: there is no stream {stream}; {}",
                        nearest(stream, &known)
                    ));
                }
            }
        }
        unknown
    }
}

/// Files that are taken to be there already, by repository and branch; `None`: the file is gone.
#[derive(Clone, Debug, Default)]
pub(super) struct Assumed(BTreeMap<(RepoName, String), BTreeMap<String, Option<Bytes>>>);

impl Assumed {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes what differs for merged; tells whether anything does.
    pub fn add(&mut self, renderings: &[Rendering]) -> bool {
        let files = renderings.iter().flat_map(|rendering| &rendering.files);
        let mut any = false;
        for file in files.filter(|file| file.before != file.after) {
            any = true;
            let at = (file.repo.clone(), file.branch.clone());
            let there = self.0.entry(at).or_default();
            there.insert(file.path.clone(), file.after.clone());
        }
        any
    }

    /// Puts into what a target looked at what it would have seen.
    pub fn put_in(&self, actual: &mut Actual, reads: &Reads) {
        let at = (actual.repo.clone(), actual.branch.clone());
        for (path, content) in self.0.get(&at).into_iter().flatten() {
            if !reads.cover(path) {
                continue;
            }
            actual.unreadable.remove(path);
            match content {
                Some(content) => drop(actual.files.insert(path.clone(), Bytes::clone(content))),
                None => drop(actual.files.remove(path)),
            }
        }
    }
}

fn set(map: &mut Mapping, key: &str, value: &str) {
    map.insert(key, Node::string(value));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(items: &[&str]) -> Result<Overrides, NoOverride> {
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
    fn a_stream_or_key_that_is_not_there_is_told_with_the_nearest() {
        let mut root = crate::yaml::parse(b"golang: {image: a, upstream_image_base: b}\n").expect("YAML");
        let told = |items: &[&str], root: &mut Node| parse(items).expect("a form").apply_to_streams(root);
        let all = [
            "streams.golang.upstraem_image=x",
            "streams.golagn.image=x",
            "streams.golang.upstream_image=y",
        ];
        let told = told(&all, &mut root);
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[0].contains("did you mean `upstream_image`?"), "{told:?}");
        assert!(told[1].contains("did you mean `golang`?"), "{told:?}");
        assert_eq!(root.at(&["golang", "upstream_image"]).and_then(Node::text), Some("y"));
    }

    #[test]
    fn another_form_is_refused_with_an_example() {
        for item in ["GO_LATEST=1", "vars.", "vars.=1", "images.x.y=1", "streams.x=1"] {
            assert!(
                parse(&[item]).is_err_and(|error| error.to_string().contains(item)),
                "{item}"
            );
        }
    }
}
