//! Findings that are new against an earlier commit: what has merely moved to another line is no news.

use std::collections::HashMap;

use crate::finding::Finding;

/// Takes away the findings that were there before, each as often as it was.
pub fn new(findings: Vec<Finding>, before: &[Finding]) -> Vec<Finding> {
    let mut known: HashMap<String, usize> = HashMap::new();
    for finding in before {
        *known.entry(finding.identity()).or_default() += 1;
    }
    let mut is_new = |finding: &Finding| match known.get_mut(&finding.identity()) {
        Some(left) if *left > 0 => {
            *left -= 1;
            false
        }
        _ => true,
    };
    let mut findings = findings;
    findings.sort();
    findings.dedup();
    findings.retain(|finding| is_new(finding));
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Place;
    use crate::finding::{Severity, Subject};

    fn at(line: u32, name: &str) -> Finding {
        let note = Finding::new(Severity::Note, "a-note", format!("{name} is odd"));
        note.with_subject(Subject::Name(name.to_owned())).with_place(Place {
            repo: "o/r".into(),
            commit: Some(format!("{line}")),
            file: "f".into(),
            line: Some(line),
        })
    }

    #[test]
    fn a_moved_line_is_no_news_and_one_more_of_the_same_is() {
        let before = [at(1, "a"), at(2, "b")];
        assert_eq!(new(vec![at(7, "a"), at(9, "b")], &before), []);
        assert_eq!(new(vec![at(7, "a"), at(8, "a")], &before), [at(8, "a")]);
        assert_eq!(new(vec![at(1, "c")], &before), [at(1, "c")]);
    }
}
