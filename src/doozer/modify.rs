//! Modifications of a Dockerfile (`doozerlib/source_modifications.py`, `doozerlib/backend/rebaser.py`: `_run_modifications`).

use serde::Serialize;
use serde_json::Value as Json;

use super::merge::at;

/// The rule of the tool.
pub const RULE: &str = "doozerlib/source_modifications.py";

/// The kinds of modifications that the tool knows.
const ACTIONS: [&str; 4] = ["add", "replace", "command", "remove"];

/// What became of one modification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Modification {
    /// Its `action`.
    pub action: String,
    /// What it is about, on one line: the text that is looked for, a path, or a command.
    pub what: String,
    /// What it comes to.
    pub outcome: Outcome,
}

/// What a modification comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It changes the Dockerfile.
    Applies,
    /// Its text does not occur, so the rebase stops.
    NoMatch,
    /// It is of a kind that the tool does not know, or lacks a key that it needs: the rebase stops.
    Unknown,
    /// It changes other files, which are not looked at.
    Elsewhere,
    /// The Dockerfile was not read.
    Unread,
}

impl Outcome {
    /// Whether the rebase stops there.
    pub fn stops(self) -> bool {
        matches!(self, Self::NoMatch | Self::Unknown)
    }
}

/// Makes modifications one after the other, as far as they concern the Dockerfile. Gives what became of each, and the text
/// with those that could be made.
pub fn modify(modifications: &Json, dockerfile: Option<&str>) -> (Vec<Modification>, Option<String>) {
    let mut text = dockerfile.map(str::to_owned);
    let items = modifications.as_array().into_iter().flatten();
    let all = items.map(|item| {
        let action = item["action"].as_str().unwrap_or_default().to_owned();
        let (what, outcome) = match action.as_str() {
            "replace" => replaced(item, &mut text),
            _ if ACTIONS.contains(&action.as_str()) => {
                let about = ["path", "glob", "command", "source"]
                    .into_iter()
                    .find_map(|key| at(item, key));
                (about.map(told).unwrap_or_default(), Outcome::Elsewhere)
            }
            _ => (String::new(), Outcome::Unknown),
        };
        Modification {
            action,
            what: short(&what),
            outcome,
        }
    });
    (all.collect(), text)
}

fn replaced(item: &Json, text: &mut Option<String>) -> (String, Outcome) {
    let Some(wanted) = item["match"].as_str() else {
        return (String::new(), Outcome::Unknown);
    };
    // A replacement that is left empty removes the text; one that is not there at all stops the rebase.
    let Some(replacement) = item.get("replacement").map(|with| with.as_str().unwrap_or_default()) else {
        return (wanted.to_owned(), Outcome::Unknown);
    };
    let outcome = match text {
        None => Outcome::Unread,
        Some(there) => {
            let after = there.replace(wanted, replacement);
            if after == *there {
                Outcome::NoMatch
            } else {
                *there = after;
                Outcome::Applies
            }
        }
    };
    (wanted.to_owned(), outcome)
}

fn told(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The first line of a text, cut to a readable length.
pub fn short(text: &str) -> String {
    const LONGEST: usize = 60;
    let line = text.trim().lines().next().unwrap_or_default();
    match line.char_indices().nth(LONGEST) {
        Some((cut, _)) => format!("{}…", line.get(..cut).unwrap_or_default()),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn outcomes(modifications: &Json, text: Option<&str>) -> (Vec<Outcome>, Option<String>) {
        let (all, text) = modify(modifications, text);
        (all.into_iter().map(|one| one.outcome).collect(), text)
    }

    #[test]
    fn each_sees_what_those_before_it_made() {
        let two = json!([
            {"action": "replace", "match": "a", "replacement": "b"},
            {"action": "replace", "match": "bb", "replacement": null},
        ]);
        assert_eq!(
            outcomes(&two, Some("FROM ab\n")),
            (vec![Outcome::Applies, Outcome::Applies], Some("FROM \n".to_owned()))
        );
        assert_eq!(outcomes(&two, Some("FROM x\n")).0, [Outcome::NoMatch, Outcome::NoMatch]);
        assert_eq!(outcomes(&two, None), (vec![Outcome::Unread, Outcome::Unread], None));
    }

    #[test]
    fn what_changes_nothing_stops_the_rebase() {
        let same = json!([{"action": "replace", "match": "a", "replacement": "a"}]);
        assert_eq!(outcomes(&same, Some("FROM a\n")).0, [Outcome::NoMatch]);
    }

    #[test]
    fn kinds_and_keys_that_are_unknown_stop_it_too() {
        let odd = json!([
            {"action": "sed", "match": "a"},
            {"action": "replace", "replacement": "a"},
            {"action": "replace", "match": "a"},
            {"action": "add", "source": "https://example.com/x", "path": "x"},
            {"action": "command", "command": ["sh", "-c", "x"]},
            {},
        ]);
        let (all, _) = modify(&odd, Some("FROM a\n"));
        let outcomes: Vec<Outcome> = all.iter().map(|one| one.outcome).collect();
        let (stop, other) = (Outcome::Unknown, Outcome::Elsewhere);
        assert_eq!(outcomes, [stop, stop, stop, other, other, stop]);
        assert_eq!(
            (all[3].what.as_str(), all[4].what.as_str()),
            ("x", r#"["sh","-c","x"]"#)
        );
        assert!(outcomes[0].stops() && !outcomes[3].stops());
        assert_eq!(modify(&Json::Null, Some("x")).0, []);
    }
}
