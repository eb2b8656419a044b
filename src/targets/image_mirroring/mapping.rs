//! Mapping files of promoted images, as CI's `promoted-image-governor` reads their configuration and writes them.

use std::collections::{BTreeMap, BTreeSet};

use crate::yaml::{Mapping, Node};

/// What the configuration of the mapping files says.
#[derive(Debug, Default)]
pub struct MirrorConfig {
    /// Its texts by their keys: `source_namespace`, `target_registry`, …
    pub texts: BTreeMap<String, String>,
    /// For each stream the tags that its images get.
    pub streams: BTreeMap<String, Vec<String>>,
    /// What is wrong with it: the line, and what CI's tool would stop at.
    pub faults: Vec<(u32, String)>,
}

impl MirrorConfig {
    /// Reads the file's content.
    pub fn read(root: &Node) -> Self {
        let mut config = Self::default();
        for (key, node) in root.as_map().into_iter().flat_map(Mapping::iter) {
            match (key, node.text()) {
                ("images", _) => config.read_streams(node),
                (_, Some(text)) => drop(config.texts.insert(key.to_owned(), text.to_owned())),
                _ => {}
            }
        }
        if config.namespace().is_empty() {
            let line = root.pos.line;
            config.faults.push((line, "`source_namespace` is missing".to_owned()));
        }
        config
    }

    fn read_streams(&mut self, images: &Node) {
        for (stream, node) in images.as_map().into_iter().flat_map(Mapping::iter) {
            let Some(items) = node.as_seq() else {
                let what = format!("{stream} has no list of tags");
                self.faults.push((node.pos.line, what));
                continue;
            };
            let mut tags: Vec<String> = Vec::new();
            for item in items {
                match item.as_str() {
                    Some(tag) if tags.iter().any(|known| known == tag) => {
                        let what = format!("{stream} has the tag {tag} twice");
                        self.faults.push((item.pos.line, what));
                    }
                    Some(tag) => tags.push(tag.to_owned()),
                    None => {
                        let text = item.text().unwrap_or("?");
                        let what = format!("the tag {text} of {stream} is no text: it needs quotes");
                        self.faults.push((item.pos.line, what));
                        tags.extend(item.text().map(str::to_owned));
                    }
                }
            }
            self.streams.insert(stream.to_owned(), tags);
        }
    }

    /// The namespace whose streams are mirrored.
    pub fn namespace(&self) -> &str {
        self.texts.get("source_namespace").map_or("", String::as_str)
    }
}

/// How lines and names of files are written: texts with `{stream}`, `{tag}`, `{target_tag}` and the keys of the configuration.
#[derive(Clone, Debug, Default)]
pub struct Form {
    /// The name of a stream's file; `{stream}` has `_` for its dots.
    pub file: String,
    /// The image that is copied.
    pub source: String,
    /// Where it is copied to.
    pub target: String,
}

impl Form {
    /// The name of a stream's file.
    pub fn file_of(&self, config: &MirrorConfig, stream: &str) -> String {
        filled(&self.file, config, &[("stream", &stream.replace('.', "_"))])
    }

    /// Whether a file's name is one that a stream's file could have.
    pub fn is_file(&self, name: &str) -> bool {
        let start = self.file.split('{').next().unwrap_or_default();
        name.starts_with(start)
    }

    /// A stream's file: a line for each tag that is promoted to it, sorted. `kept`: lines that stay whatever is promoted.
    pub fn text(&self, config: &MirrorConfig, stream: &str, tags: &BTreeSet<&str>, kept: &[&str]) -> String {
        let own = config.streams.get(stream).map(Vec::as_slice).unwrap_or_default();
        let mut lines: BTreeMap<String, String> = BTreeMap::new();
        for line in kept.iter().filter(|line| !line.trim().is_empty()) {
            let source = line.split(' ').next().unwrap_or_default();
            lines.insert(source.to_owned(), (*line).to_owned());
        }
        for tag in tags {
            let words = [("stream", stream), ("tag", tag)];
            let source = filled(&self.source, config, &words);
            let targets = own
                .iter()
                .map(|own| filled(&self.target, config, &[words[0], words[1], ("target_tag", own)]));
            let targets: BTreeSet<String> = targets.collect();
            let line = std::iter::once(source.clone()).chain(targets).collect::<Vec<_>>();
            lines.insert(source, line.join(" "));
        }
        lines.into_values().map(|line| line + "\n").collect()
    }

    /// The lines that a configuration needs for a stream that it lacks, after the newest stream of the same form: the tags that
    /// name its release, with the other release in their place.
    pub fn missing(config: &MirrorConfig, stream: &str, release: crate::base::Release) -> Option<String> {
        let others = config.streams.iter();
        let known = others.filter_map(|(name, tags)| Some((release.of_same_form(stream, name)?, tags)));
        let (newest, tags) = known.max_by_key(|(other, _)| *other)?;
        let own = release.to_string();
        let moved = tags.iter().filter_map(|tag| {
            let rest = tag.strip_prefix(&newest.to_string())?;
            (rest.is_empty() || rest.starts_with('.')).then(|| format!("{own}{rest}"))
        });
        let list = Node::map([(stream, Node::seq(moved.collect::<Vec<_>>()))]);
        Some(crate::yaml::emit(&list))
    }
}

/// Puts words into a text's `{…}`, those of the configuration included; what has no word stays.
fn filled(text: &str, config: &MirrorConfig, words: &[(&str, &str)]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let Some((name, behind)) = after.split_once('}') else {
            out.push('{');
            rest = after;
            continue;
        };
        let own = words.iter().find(|(key, _)| *key == name).map(|(_, word)| *word);
        match own.or_else(|| config.texts.get(name).map(String::as_str)) {
            Some(word) => out.push_str(word),
            None => out.push_str(&format!("{{{name}}}")),
        }
        rest = behind;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Release;
    use crate::yaml;

    fn config(text: &str) -> MirrorConfig {
        MirrorConfig::read(&yaml::parse(text.as_bytes()).expect("YAML"))
    }

    const CONFIG: &str = "source_namespace: team\ntarget_registry: reg.example\ntarget_namespace: pub\nimages:\n  s-4.16: ['4.16', 4.16.0, latest]\n  s-4.9: ['4.9']\n";

    fn form() -> Form {
        Form {
            file: "mapping_{source_namespace}_{stream}".to_owned(),
            source: "from/{source_namespace}_{stream}_{tag}".to_owned(),
            target: "{target_registry}/{target_namespace}/{tag}:{target_tag}".to_owned(),
        }
    }

    #[test]
    fn lines_are_sorted_and_so_are_their_targets() {
        let (config, form) = (config(CONFIG), form());
        assert!(config.faults.is_empty(), "{:?}", config.faults);
        assert_eq!(form.file_of(&config, "s-4.16"), "mapping_team_s-4_16");
        let text = form.text(&config, "s-4.16", &["b", "a-x", "a"].into(), &["from/zz kept"]);
        let expected = "from/team_s-4.16_a reg.example/pub/a:4.16 reg.example/pub/a:4.16.0 reg.example/pub/a:latest\n\
                        from/team_s-4.16_a-x reg.example/pub/a-x:4.16 reg.example/pub/a-x:4.16.0 reg.example/pub/a-x:latest\n\
                        from/team_s-4.16_b reg.example/pub/b:4.16 reg.example/pub/b:4.16.0 reg.example/pub/b:latest\n\
                        from/zz kept\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_missing_stream_is_written_after_the_newest_one() {
        let config = config(CONFIG);
        let missing = |stream: &str, release| Form::missing(&config, stream, release);
        assert_eq!(
            missing("s-5.0", Release::new(5, 0)).as_deref(),
            Some("s-5.0:\n- \"5.0\"\n- 5.0.0\n")
        );
        assert_eq!(missing("other-5.0", Release::new(5, 0)), None);
    }

    #[test]
    fn what_the_tool_would_stop_at_is_told() {
        let told = |text: &str| -> Vec<String> {
            let faults = config(text).faults;
            faults.iter().map(|(line, what)| format!("{line} {what}")).collect()
        };
        assert_eq!(
            told("source_namespace: a\nimages:\n  x: y\n  s: [5.0, a, a]\n"),
            [
                "3 x has no list of tags",
                "4 the tag 5.0 of s is no text: it needs quotes",
                "4 s has the tag a twice"
            ]
        );
        assert_eq!(told("images: {}\n"), ["1 `source_namespace` is missing"]);
        assert_eq!(told("[]\n"), ["1 `source_namespace` is missing"]);
    }

    #[test]
    fn braces_without_a_word_stay() {
        assert_eq!(
            filled("{a}{nope}{tag", &config("a: b\nsource_namespace: x\n"), &[]),
            "b{nope}{tag"
        );
    }
}
