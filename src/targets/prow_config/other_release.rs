//! Parts of a config that people added and that name another release than the one that the config is for.

use std::collections::{BTreeMap, BTreeSet};

use super::merge::collect_words;
use super::promotion::Streams;
use crate::base::Release;
use crate::facts::ci_config::{Promotion, promotions_of};
use crate::facts::promoted;
use crate::finding::{Finding, Severity};
use crate::yaml::{Mapping, Node, Value};

/// The parts of a config that are never people's.
const OURS: [&str; 3] = ["base_images", "build_root", "zz_generated_metadata"];

/// A part that names another release.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Named {
    /// The line.
    pub line: u32,
    /// What it is, as `base_images.x` or `tests.e2e`.
    pub part: String,
    /// The release that it names.
    pub release: Release,
}

/// What is known of the config's own release.
pub struct Own<'o> {
    /// Its payload.
    pub streams: Streams<'o>,
    /// The tags of images that are derived for the config: their items are not people's.
    pub images: BTreeSet<&'o str>,
    /// All tags of the payload.
    pub payload: BTreeSet<&'o str>,
}

impl Own<'_> {
    /// The other release whose payload's stream a mapping names.
    fn other(&self, node: &Node) -> Option<Release> {
        self.streams.left_from(&Promotion {
            namespace: text(node, "namespace"),
            name: text(node, "name"),
            ..Promotion::default()
        })
    }

    fn is_image(&self, item: &Node) -> bool {
        item.get("to")
            .and_then(Node::text)
            .is_some_and(|to| self.images.contains(to))
    }

    /// The parts of a config that somebody added and that name another release, by their lines.
    pub fn named(&self, root: &Node) -> Vec<Named> {
        let mut found = self.streams_named(root);
        // A number says little by itself: texts are looked through for releases that the config has to do with.
        let mut known: BTreeSet<Release> = found.iter().map(|named| named.release).collect();
        let promotions = root.get("promotion").map(promotions_of).unwrap_or_default();
        let active = promotions.iter().filter(|entry| !entry.disabled);
        known.extend(active.filter_map(|entry| self.streams.left_from(entry)));
        if !known.is_empty() {
            self.texts(root, &known, &mut found);
        }
        found.sort();
        found.dedup_by(|one, other| one.part == other.part && one.release == other.release);
        found
    }

    /// Streams of payloads: base images that a person's part uses, other targets of the promotion, other releases to test on.
    fn streams_named(&self, root: &Node) -> Vec<Named> {
        let used = self.words_of_people(root);
        let named = |part: String, node: &Node, release: Release| Named {
            line: node.pos.line,
            part,
            release,
        };
        let bases = entries(root.get("base_images"));
        let bases = bases.filter(|(key, _)| used.contains(*key));
        let bases = bases.filter_map(|(key, node)| Some(named(format!("base_images.{key}"), node, self.other(node)?)));
        let mut found: Vec<Named> = bases.collect();
        for entry in root.get("promotion").map(promotions_of).unwrap_or_default() {
            if entry.disabled || entry.namespace != self.streams.namespace || self.streams.left_from(&entry).is_some() {
                continue;
            }
            let text = if entry.name.is_empty() { &entry.tag } else { &entry.name };
            let others = releases_in(text)
                .into_iter()
                .filter(|other| *other != self.streams.release);
            found.extend(others.map(|release| Named {
                line: entry.line,
                part: format!("promotion.to of {text}"),
                release,
            }));
        }
        for (name, node) in entries(root.get("releases")).filter(|(name, _)| *name != "latest") {
            let of_kind = entries(Some(node)).find_map(|(_, kind)| self.other(kind));
            // An upgrade starts from the release before.
            let meant = |other: Release| name == "initial" && other.precedes(self.streams.release);
            if let Some(release) = of_kind.filter(|other| !meant(*other)) {
                found.push(named(format!("releases.{name}"), node, release));
            }
        }
        found
    }

    /// All words of what people added: what refers to a base image.
    fn words_of_people(&self, root: &Node) -> BTreeSet<String> {
        let mut words = BTreeSet::new();
        for (key, node) in entries(Some(root)).filter(|(key, _)| !OURS.contains(key)) {
            if key == "images" {
                let items = promoted::images(root).iter();
                items
                    .filter(|item| !self.is_image(item))
                    .for_each(|item| collect_words(item, &mut words));
            } else {
                collect_words(node, &mut words);
            }
        }
        words
    }

    fn texts(&self, root: &Node, known: &BTreeSet<Release>, found: &mut Vec<Named>) {
        let lists = ["tests", "raw_steps"];
        for (key, node) in entries(Some(root)) {
            if OURS.contains(&key) || ["promotion", "releases", "images"].contains(&key) {
                continue;
            }
            match node.as_seq().filter(|_| lists.contains(&key)) {
                Some(items) => {
                    for item in items {
                        texts_of(item, &format!("{key}.{}", name_of(item)), known, found);
                    }
                }
                None => texts_of(node, key, known, found),
            }
        }
        for item in promoted::images(root).iter().filter(|item| !self.is_image(item)) {
            texts_of(item, &format!("images.{}", name_of(item)), known, found);
        }
    }

    /// The finding about a config, at its first part.
    pub fn finding(&self, root: &Node) -> Option<(Finding, u32)> {
        let named = self.named(root);
        let first = named.first()?;
        let mut others: BTreeMap<Release, Vec<String>> = BTreeMap::new();
        for one in &named {
            let place = format!("{} (line {})", one.part, one.line);
            others.entry(one.release).or_default().push(place);
        }
        let told = others
            .iter()
            .map(|(release, places)| format!("{release}: {}", places.join(", ")));
        let told: Vec<String> = told.collect();
        let text = format!(
            "the config is for {}, and what somebody added to it still names {}",
            self.streams.release,
            told.join("; ")
        );
        let finding = Finding::new(Severity::Warning, "names-other-release", text).with_help(format!(
            "move these on to {}, unless they are meant",
            self.streams.release
        ));
        Some((finding, first.line))
    }

    /// The config with all base images moved on that have a tag of their own in the payload; `None`: there are none.
    pub fn moved(&self, root: &Node) -> Option<Node> {
        let used = self.words_of_people(root);
        let plain = |key: &&str, node: &Node| {
            used.contains(*key) && self.other(node).is_some() && self.payload.contains(&*text(node, "tag"))
        };
        let movable: Vec<(&str, &Node)> = entries(root.get("base_images"))
            .filter(|(key, node)| plain(key, node))
            .collect();
        if movable.is_empty() {
            return None;
        }
        let mut moved = root.clone();
        for (key, node) in movable {
            let mut entry = node.clone();
            entry.as_map_mut()?.insert("name", Node::string(self.streams.name));
            let our_key = |name: &str| format!("{}_{name}_{}", text(node, "namespace"), text(node, "tag"));
            let new_key = if key == our_key(&text(node, "name")) {
                our_key(self.streams.name)
            } else {
                key.to_owned()
            };
            let bases = moved.as_map_mut()?.get_mut("base_images")?.as_map_mut()?;
            bases.remove(key);
            bases.insert(new_key.as_str(), entry);
            renamed(&mut moved, key, &new_key);
        }
        Some(moved)
    }
}

/// Puts another word in the place of one, wherever it stands by itself outside of `base_images`.
fn renamed(root: &mut Node, old: &str, new: &str) {
    fn walk(node: &mut Node, old: &str, new: &str) {
        match &mut node.value {
            Value::Map(map) => {
                for (key, value) in &mut map.entries {
                    if &*key.text == old {
                        key.text = new.into();
                    }
                    walk(value, old, new);
                }
            }
            Value::Seq(items) => items.iter_mut().for_each(|item| walk(item, old, new)),
            _ => {
                if node.text() == Some(old) {
                    *node = Node::string(new);
                }
            }
        }
    }
    let Some(map) = root.as_map_mut() else { return };
    for (key, node) in &mut map.entries {
        if &*key.text != "base_images" {
            walk(node, old, new);
        }
    }
}

fn entries(node: Option<&Node>) -> impl Iterator<Item = (&str, &Node)> {
    node.and_then(Node::as_map).into_iter().flat_map(Mapping::iter)
}

fn text(node: &Node, key: &str) -> String {
    node.get(key).and_then(Node::text).unwrap_or_default().to_owned()
}

/// What an item of a list is known by.
fn name_of(item: &Node) -> String {
    let own = ["as", "to"].iter().find_map(|key| item.get(key)?.text());
    let below = || entries(Some(item)).find_map(|(_, body)| body.get("to")?.text());
    own.or_else(below).unwrap_or("?").to_owned()
}

/// Finds texts and keys that name one of the releases.
fn texts_of(node: &Node, part: &str, known: &BTreeSet<Release>, found: &mut Vec<Named>) {
    let mut words = BTreeSet::new();
    collect_words(node, &mut words);
    for release in words.iter().flat_map(|word| releases_in(word)) {
        if known.contains(&release) {
            found.push(Named {
                line: line_of(node, release).unwrap_or(node.pos.line),
                part: part.to_owned(),
                release,
            });
        }
    }
}

/// The line of the first text below a node that names a release.
fn line_of(node: &Node, release: Release) -> Option<u32> {
    match &node.value {
        Value::Map(map) => map.iter().find_map(|(_, value)| line_of(value, release)),
        Value::Seq(items) => items.iter().find_map(|item| line_of(item, release)),
        _ => node
            .text()
            .filter(|text| releases_in(text).contains(&release))
            .map(|_| node.pos.line),
    }
}

/// The releases that a text names: two numbers with a dot between them, not a part of longer numbers.
fn releases_in(text: &str) -> BTreeSet<Release> {
    let number = |c: char| c.is_ascii_digit() || c == '.';
    let runs = text.split(|c: char| !number(c));
    let versions = runs.filter_map(|run| {
        let mut parts = run.trim_matches('.').split('.');
        let (major, minor) = (parts.next()?, parts.next()?);
        format!("{major}.{minor}").parse().ok()
    });
    versions.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::{emit, parse};

    fn own<'o>(images: &[&'o str]) -> Own<'o> {
        Own {
            streams: Streams {
                namespace: "origin",
                name: "scos-4.17",
                former: &[],
                release: Release::new(4, 17),
            },
            images: images.iter().copied().collect(),
            payload: ["cli"].into(),
        }
    }

    fn told(text: &str) -> Vec<String> {
        let root = parse(text.as_bytes()).expect("YAML");
        let named = own(&["beacon"]).named(&root);
        named
            .iter()
            .map(|one| format!("{} {} {}", one.line, one.part, one.release))
            .collect()
    }

    const MOVED: &str = "\
base_images:
  origin_scos-4.16_base: {name: scos-4.16, namespace: origin, tag: base}
  origin_scos-4.16_cli: {name: scos-4.16, namespace: origin, tag: cli}
images:
  items:
  - from: origin_scos-4.16_base
    to: beacon
promotion:
  to:
  - {name: scos-4.16, namespace: origin}
  - {name: scos-4.16-art, namespace: origin}
raw_steps:
- pipeline_image_cache_step:
    commands: echo 4.16.0 and 14.16
    from: origin_scos-4.16_cli
    to: mine
releases:
  initial:
    integration: {name: scos-4.15, namespace: origin}
  latest:
    integration: {name: scos-4.16, namespace: origin}
tests:
- as: e2e
  commands: test $V = 4.16
";

    #[test]
    fn what_people_added_and_names_the_old_release_is_found() {
        assert_eq!(
            told(MOVED),
            [
                "3 base_images.origin_scos-4.16_cli 4.16",
                "11 promotion.to of scos-4.16-art 4.16",
                "14 raw_steps.mine 4.16",
                "19 releases.initial 4.15",
                "24 tests.e2e 4.16"
            ]
        );
    }

    #[test]
    fn an_upgrade_from_the_release_before_is_meant() {
        let text = "releases:\n  initial:\n    integration: {name: scos-4.16, namespace: origin}\ntests:\n- {as: upgrade, commands: from 4.16}\n";
        assert_eq!(told(text), Vec::<String>::new());
    }

    #[test]
    fn nothing_is_told_of_our_own_parts_and_of_other_numbers() {
        let text = "base_images:\n  a: {name: scos-4.16, namespace: team, tag: cli}\n  b: {name: scos-4.16, namespace: origin, tag: base}\nimages: {items: [{from: b, to: beacon}]}\npromotion: {to: [{name: scos-4.17, namespace: origin}]}\ntests:\n- {as: t, commands: a 4.16}\n";
        assert_eq!(told(text), Vec::<String>::new());
    }

    #[test]
    fn a_base_image_moves_where_its_tag_is_in_the_payload() {
        let root = parse(MOVED.as_bytes()).expect("YAML");
        let moved = own(&["beacon"]).moved(&root).expect("a change");
        let text = emit(&moved);
        assert!(
            text.contains("  origin_scos-4.17_cli:\n    name: scos-4.17\n"),
            "{text}"
        );
        assert!(text.contains("    from: origin_scos-4.17_cli\n"), "{text}");
        assert!(text.contains("  origin_scos-4.16_base:\n"), "{text}");
        assert_eq!(own(&["beacon"]).moved(&moved), None);
    }

    #[test]
    fn releases_are_told_from_other_numbers() {
        let of = |text: &str| releases_in(text).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(of("scos-4.16-art v4.17.0 4.18."), ["4.16", "4.17", "4.18"]);
        assert_eq!(of("4 v1 .5 4..6 1.02 x4"), Vec::<String>::new());
    }
}
