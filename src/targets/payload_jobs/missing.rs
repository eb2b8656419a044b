//! A test that a gating config lacks and that its neighbours have: the pieces by which it comes in, as they have it.

use std::ops::Range;

use super::fresh::{at_mut, moved};
use super::gates::{Gates, minor_before};
use crate::base::Release as Number;
use crate::targets::asking::OwnRules;
use crate::targets::shift::Shift;
use crate::yaml::{self, Node};

/// The config of a release before or after.
#[derive(Clone, Copy, Debug)]
pub struct Neighbour<'n> {
    /// The release that it verifies.
    pub release: Number,
    /// Its text.
    pub text: &'n [u8],
}

/// Pieces that come into a text, each with its place.
pub type Pieces = Vec<(Range<usize>, String)>;

/// The pieces by which a release's config gets a test as both neighbours have it, with the base images that both have and it
/// lacks. `None` where they do not have the same but for when it runs, so that somebody has to choose.
pub fn test_of_neighbours<'a>(
    release: impl Into<OwnRules<'a>>,
    gates: &Gates,
    here: &str,
    test: &str,
    (older, newer): (Neighbour<'_>, Neighbour<'_>),
) -> Option<Pieces> {
    let release = release.into();
    let (older, newer) = (on(release, gates, older)?, on(release, gates, newer)?);
    let root = yaml::parse(here.as_bytes()).ok()?;
    let wanted = named(&older, test)?;
    if plain(wanted) != plain(named(&newer, test)?) {
        return None;
    }
    let mut pieces = Pieces::new();
    let images = base_images(&root, &older, &newer)?;
    if needs(wanted)
        .any(|image| has(&older, image) && !has(&root, image) && !images.iter().any(|(key, _)| key == image))
    {
        return None;
    }
    if !images.is_empty() {
        pieces.push(change(here, with_images(root.clone(), images)?)?);
    }
    pieces.push(change(here, with_test(root, &older, wanted)?)?);
    Some(pieces)
}

/// A neighbour's config as it would be for the release.
fn on(release: OwnRules<'_>, gates: &Gates, neighbour: Neighbour<'_>) -> Option<Node> {
    let own = release.number();
    let with = |number| (number, minor_before(release, number));
    let shift = Shift::between(with(neighbour.release), with(own));
    let mut root = yaml::parse(neighbour.text).ok()?;
    for path in &gates.moves {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        moved(&mut root, &path, &shift);
    }
    Some(root)
}

fn tests(root: &Node) -> &[Node] {
    root.get("tests").and_then(Node::as_seq).unwrap_or_default()
}

fn name(test: &Node) -> Option<&str> {
    test.get("as").and_then(Node::text)
}

fn named<'n>(root: &'n Node, test: &str) -> Option<&'n Node> {
    tests(root).iter().find(|one| name(one) == Some(test))
}

/// A test without how often it runs: what is new runs more often for a while.
fn plain(test: &Node) -> Node {
    let mut test = test.clone();
    if let Some(map) = test.as_map_mut() {
        map.remove("interval");
        map.remove("minimum_interval");
    }
    test
}

fn image<'n>(root: &'n Node, key: &str) -> Option<&'n Node> {
    root.get("base_images")?.get(key)
}

fn has(root: &Node, key: &str) -> bool {
    image(root, key).is_some()
}

/// The base images that both neighbours have and the config lacks; `None` where they have one of them differently.
fn base_images(here: &Node, older: &Node, newer: &Node) -> Option<Vec<(String, Node)>> {
    let all = older.get("base_images").and_then(Node::as_map).into_iter();
    let keys = all.flat_map(|map| map.entries.iter().map(|(key, node)| (&*key.text, node)));
    let missing = keys.filter(|(key, _)| !has(here, key) && has(newer, key));
    let one = |(key, node): (&str, &Node)| (image(newer, key) == Some(node)).then(|| (key.to_owned(), node.clone()));
    missing.map(one).collect()
}

/// The images that the steps of a test are run in.
fn needs(test: &Node) -> impl Iterator<Item = &str> {
    let steps = test.get("steps").and_then(Node::as_map).into_iter();
    let lists = steps.flat_map(|steps| steps.entries.iter().filter_map(|(_, node)| node.as_seq()));
    let container = test.get("container").into_iter();
    let all = lists.flatten().chain(container);
    all.filter_map(|step| step.get("from").and_then(Node::text))
}

/// The config with base images, in the order of their keys.
fn with_images(mut root: Node, images: Vec<(String, Node)>) -> Option<Node> {
    if root.get("base_images").is_none() {
        let map = root.as_map_mut()?;
        let at = map.entries.iter().position(|(key, _)| &*key.text > "base_images");
        let entry = ("base_images".into(), Node::map::<&str, Node>([]));
        map.entries.insert(at.unwrap_or(map.entries.len()), entry);
    }
    let map = at_mut(&mut root, &["base_images"])?.as_map_mut()?;
    for (key, node) in images {
        let at = map.entries.iter().position(|(other, _)| *other.text > *key);
        map.entries
            .insert(at.unwrap_or(map.entries.len()), (key.as_str().into(), node));
    }
    Some(root)
}

/// The config with a test, behind the one that it stands behind in the older neighbour's.
fn with_test(mut root: Node, older: &Node, test: &Node) -> Option<Node> {
    let before = tests(older).iter().take_while(|one| *one != test).filter_map(name);
    let here: Vec<&str> = tests(&root).iter().map(|one| name(one).unwrap_or_default()).collect();
    let at = before
        .filter_map(|before| here.iter().position(|one| *one == before))
        .last();
    let at = at.map_or(0, |at| at + 1);
    at_mut(&mut root, &["tests"])?.as_seq_mut()?.insert(at, test.clone());
    Some(root)
}

/// The one piece by which a text means something else.
fn change(text: &str, wanted: Node) -> Option<(Range<usize>, String)> {
    let after = yaml::edit::edit(text, &[wanted], &yaml::edit::How::default()).ok()?;
    Some(yaml::edit::piece(text, &after))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::derive::tests::world::World;
    use crate::targets::release_controller::spliced;

    const HERE: &str = "base_images:\n  upi:\n    name: \"4.16\"\ntests:\n# first\n- as: a\n  interval: 24h\n- as: d\n";

    fn neighbour(release: &str, extra: &str) -> String {
        format!(
            "base_images:\n  far:\n    name: edge\n  upi:\n    name: \"{release}\"\ntests:\n- as: a\n- as: c\n  interval: 168h\n  \
             steps:\n    cluster_profile: aws\n    env:\n      CHANNEL: candidate-{release}\n{extra}- as: d\n"
        )
    }

    fn pieces(here: &str, test: &str, older: &str, newer: &str) -> Option<Pieces> {
        let world = World::new();
        let release = world.release();
        let gates = Gates::of(&release).expect("rules").expect("gates");
        let neighbour = |number: &str, text| Neighbour {
            release: number.parse().expect("a release"),
            text: str::as_bytes(text),
        };
        let around = (neighbour("4.15", older), neighbour("4.17", newer));
        test_of_neighbours(&release, &gates, here, test, around)
    }

    fn made(here: &str, test: &str, older: &str, newer: &str) -> Option<String> {
        Some(spliced(here, pieces(here, test, older, newer)?))
    }

    #[test]
    fn a_test_comes_in_where_the_others_have_it_and_all_else_stays() {
        let (older, newer) = (neighbour("4.15", ""), neighbour("4.17", "").replace("168h", "48h"));
        let after = made(HERE, "c", &older, &newer).expect("a change");
        let test =
            "- as: c\n  interval: 168h\n  steps:\n    cluster_profile: aws\n    env:\n      CHANNEL: candidate-4.16\n";
        let expected = HERE
            .replace("- as: d\n", &format!("{test}- as: d\n"))
            .replace("base_images:\n", "base_images:\n  far:\n    name: edge\n");
        assert_eq!(after, expected);
    }

    #[test]
    fn two_tests_come_in_together() {
        let extra = "- as: cc\n  interval: 1h\n";
        let (older, newer) = (neighbour("4.15", extra), neighbour("4.17", extra));
        let mut all = Pieces::new();
        for test in ["c", "cc"] {
            let more = pieces(HERE, test, &older, &newer).expect("a change").into_iter();
            let new: Pieces = more.filter(|piece| !all.contains(piece)).collect();
            all.extend(new);
        }
        let both = spliced(HERE, all);
        let root = yaml::parse(both.as_bytes()).expect("YAML");
        let names: Vec<&str> = super::tests(&root).iter().filter_map(name).collect();
        assert_eq!(names, ["a", "c", "cc", "d"], "{both}");
    }

    #[test]
    fn what_the_neighbours_have_differently_is_for_people_to_choose() {
        let older = neighbour("4.15", "");
        for (old, new) in [
            ("cluster_profile: aws", "cluster_profile: gcp"),
            ("interval: 168h", "cron: 1 2 * * 3"),
            ("name: edge", "name: other"),
            ("candidate-", "stable-"),
        ] {
            let newer = neighbour("4.17", "").replace(old, new);
            assert_eq!(made(HERE, "c", &older, &newer), None, "{new}");
        }
        let step = "    test:\n    - from: far\n      commands: x\n";
        let (older, newer) = (
            neighbour("4.15", step),
            neighbour("4.17", step).replace("  far:\n    name: edge\n", ""),
        );
        assert_eq!(made(HERE, "c", &older, &newer), None, "its image would be missing");
        assert_eq!(made("tests: [", "c", &older, &older), None);
        assert_eq!(made("[]\n", "c", &older, &older), None);
    }
}
