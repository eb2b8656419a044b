//! Who is asked for a review: the reviewers of the nearest OWNERS file above all that changes.

use std::collections::{BTreeMap, BTreeSet};

use crate::plan::PullRequest;
use crate::yaml::{self, Node};

/// The word in `forge.reviewers` that stands for OWNERS.
pub const OWNERS: &str = "owners";
/// The file with names of groups.
const ALIASES: &str = "OWNERS_ALIASES";
/// How many reviewers of OWNERS are asked: one more than it takes.
const ASKED: usize = 2;

/// The files that say who the reviewers are: those with aliases first, then the nearest OWNERS to the farthest.
pub fn files(wanted: &PullRequest) -> Vec<String> {
    let mut paths = wanted.files.iter().map(|file| file.path.as_str());
    let Some(first) = paths.next() else { return Vec::new() };
    let mut common = first.rsplit_once('/').map_or("", |(dir, _)| dir);
    for path in paths {
        while !(common.is_empty() || path.strip_prefix(common).is_some_and(|rest| rest.starts_with('/'))) {
            common = common.rsplit_once('/').map_or("", |(dir, _)| dir);
        }
    }
    let mut files = vec![ALIASES.to_owned()];
    while !common.is_empty() {
        files.push(format!("{common}/OWNERS"));
        common = common.rsplit_once('/').map_or("", |(dir, _)| dir);
    }
    files.push("OWNERS".to_owned());
    files
}

/// Picks reviewers out of those files' texts. The same pull request asks the same people; others ask others.
pub fn pick(texts: &BTreeMap<String, String>, files: &[String], wanted: &PullRequest) -> Vec<String> {
    let aliases = texts.get(ALIASES).map(|text| aliases(text)).unwrap_or_default();
    let owners = files
        .iter()
        .filter(|file| *file != ALIASES)
        .filter_map(|file| texts.get(file));
    let people = owners
        .map(|text| reviewers(text, &aliases))
        .find(|people| !people.is_empty());
    let people: Vec<String> = people.unwrap_or_default().into_iter().collect();
    if people.is_empty() {
        return people;
    }
    let seed = super::text::hash(&wanted.scope.to_string());
    let start = seed
        .get(..8)
        .and_then(|digits| usize::from_str_radix(digits, 16).ok())
        .unwrap_or_default();
    let at = |n: usize| people[(start + n) % people.len()].clone();
    (0..ASKED.min(people.len())).map(at).collect()
}

type Aliases = BTreeMap<String, Vec<String>>;

fn names(list: Option<&Node>) -> Vec<String> {
    let items = list.and_then(Node::as_seq).unwrap_or_default();
    items
        .iter()
        .filter_map(|item| item.as_str().map(str::to_lowercase))
        .collect()
}

fn aliases(text: &str) -> Aliases {
    let Ok(root) = yaml::parse(text.as_bytes()) else {
        return Aliases::new();
    };
    let Some(map) = root.get("aliases").and_then(Node::as_map) else {
        return Aliases::new();
    };
    let group = |(name, list): &(yaml::Key, Node)| (name.text.to_lowercase(), names(Some(list)));
    map.entries.iter().map(group).collect()
}

/// The reviewers of an OWNERS file, else its approvers.
fn reviewers(text: &str, aliases: &Aliases) -> BTreeSet<String> {
    let Ok(root) = yaml::parse(text.as_bytes()) else {
        return BTreeSet::new();
    };
    let people = |key: &str| {
        let named = names(root.get(key)).into_iter();
        named
            .flat_map(|name| aliases.get(&name).cloned().unwrap_or_else(|| vec![name]))
            .collect::<BTreeSet<_>>()
    };
    let reviewers = people("reviewers");
    if reviewers.is_empty() {
        people("approvers")
    } else {
        reviewers
    }
}

/// As many approvers are named.
const NAMED: usize = 5;
/// As long a file is looked at, in bytes.
const LONGEST: usize = 64 << 10;
/// As long a name on GitHub can be.
const LOGIN: usize = 39;

/// The first few approvers of a whole repository, groups resolved, in the order of the file. Whatever stands there, only what can be a
/// person's name on GitHub comes out.
pub fn approvers(owners: &str, groups: Option<&str>) -> Vec<String> {
    let Some(root) = Some(owners)
        .filter(|text| text.len() <= LONGEST)
        .and_then(|text| yaml::parse(text.as_bytes()).ok())
    else {
        return Vec::new();
    };
    let groups = groups
        .filter(|text| text.len() <= LONGEST)
        .map(aliases)
        .unwrap_or_default();
    // Instead of names for everything a file may have some for patterns; `.*` is everything.
    let everything = root.get("filters").and_then(|filters| filters.get(".*"));
    let lists = [Some(&root), everything].into_iter().flatten();
    let named = lists.flat_map(|node| names(node.get("approvers")));
    let mut people = Vec::new();
    for login in named.flat_map(|name| groups.get(&name).cloned().unwrap_or_else(|| vec![name])) {
        if is_login(&login) && !people.contains(&login) {
            people.push(login);
        }
    }
    people.truncate(NAMED);
    people
}

/// Whether a word can be somebody's name: letters, digits, and single hyphens within.
fn is_login(word: &str) -> bool {
    let plain = word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let hyphens = word.starts_with('-') || word.ends_with('-') || word.contains("--");
    !word.is_empty() && word.len() <= LOGIN && plain && !hyphens
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Bytes, Desired, Input, Plan};

    fn wanted(paths: &[&str]) -> PullRequest {
        let file = |path: &&str| Desired {
            repo: "o/r".parse().unwrap(),
            branch: "main".into(),
            path: (*path).into(),
            release: "4.16".into(),
            target: "t".into(),
            group: "ci".into(),
            component: None,
            images: Vec::new(),
            before: None,
            after: Some(Bytes::from(&b"x"[..])),
            causes: Vec::new(),
            refused: Vec::new(),
            follows: None,
            notes: Vec::new(),
            held: false,
        };
        let plan = Plan::build(Input {
            desired: paths.iter().map(file).collect(),
            ..Input::default()
        });
        plan.pull_requests[0].clone()
    }

    #[test]
    fn the_nearest_above_all_that_changes() {
        let of = |paths: &[&str]| files(&wanted(paths));
        assert_eq!(of(&["a/b/x", "a/b/y"]), [ALIASES, "a/b/OWNERS", "a/OWNERS", "OWNERS"]);
        assert_eq!(of(&["a/b/x", "a/bc/y"]), [ALIASES, "a/OWNERS", "OWNERS"]);
        assert_eq!(of(&["x", "a/y"]), [ALIASES, "OWNERS"]);
    }

    #[test]
    fn approvers_are_people_and_few() {
        let groups = "aliases:\n  team: [Bob, carol, '@everyone']\n";
        assert_eq!(
            approvers("approvers: [Ann, team, ann]\nreviewers: [dave]\n", Some(groups)),
            ["ann", "bob", "carol"]
        );
        let filtered = "filters:\n  '.*':\n    approvers: [eve]\n  '\\.go$':\n    approvers: [gopher]\n";
        assert_eq!(approvers(filtered, None), ["eve"]);
        let many: Vec<String> = (0..50).map(|n| format!("p{n}")).collect();
        assert_eq!(
            approvers(&format!("approvers: [{}]", many.join(", ")), None).len(),
            NAMED
        );
        let evil = "approvers: ['@everyone', 'openshift/team', 'a b', '</details>', \"x\\u202ey\", 'fixes #1', -a, a-, 'a--b', '', {a: b}, [c], 7]";
        assert_eq!(approvers(evil, None), Vec::<String>::new());
        let long = "x".repeat(LOGIN + 1);
        assert_eq!(approvers(&format!("approvers: [{long}]"), None), Vec::<String>::new());
        let bomb = format!("approvers: [ann]\n# {}", "x".repeat(LONGEST));
        for nothing in ["approvers: ann", "approvers: [", "", "- ann", &bomb] {
            assert_eq!(approvers(nothing, None), Vec::<String>::new());
        }
    }

    #[test]
    fn reviewers_else_approvers_with_groups() {
        let pr = wanted(&["a/x"]);
        let texts: BTreeMap<String, String> = [
            (ALIASES, "aliases:\n  Team: [Bob, carol]\n"),
            ("a/OWNERS", "reviewers: []\napprovers: [team]\n"),
            ("OWNERS", "reviewers: [root]\n"),
        ]
        .map(|(path, text)| (path.to_owned(), text.to_owned()))
        .into();
        let mut picked = pick(&texts, &files(&pr), &pr);
        assert_eq!(picked, pick(&texts, &files(&pr), &pr), "the same each time");
        picked.sort();
        assert_eq!(picked, ["bob", "carol"]);
        assert!(pick(&BTreeMap::new(), &files(&pr), &pr).is_empty());
        let broken = BTreeMap::from([("OWNERS".to_owned(), "reviewers: [".to_owned())]);
        assert!(pick(&broken, &files(&pr), &pr).is_empty());
    }
}
