//! Why a repository promotes nothing to a release, and what to do about it.

use std::collections::BTreeSet;

use super::RepoBranches;
use crate::base::RepoName;

/// What its configs tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unpromoted {
    /// The end of the message; empty where there is nothing to tell.
    pub why: String,
    /// What to do.
    pub help: String,
}

/// Tells it. `target`: the branch that ocp-build-data names, or empty; `stream`: namespace and name of the image stream that OCP's
/// configs of the release promote to.
pub(super) fn told(repo: &RepoName, target: &str, known: &RepoBranches, stream: (&str, &str)) -> Unpromoted {
    let (namespace, name) = stream;
    if let Some(other) = &known.respelt {
        return Unpromoted {
            why: format!(": the folder of its configs is written {other}"),
            help: format!("write {other} in `content.source.git.url` of ocp-build-data, as CI does"),
        };
    }
    let off = known
        .configs
        .iter()
        .filter(|(_, promotions)| promotions.iter().any(|one| one.goes_to(namespace, name)));
    let off: Vec<&str> = off.map(|(branch, _)| branch.as_str()).collect();
    if let Some(branch) = off.iter().find(|branch| **branch == target).or(off.first()) {
        return Unpromoted {
            why: format!(": the config of {branch} has that promotion, disabled"),
            help: format!(
                "take `disabled: true` out of the OCP config of `{branch}` if the branching left it there, or add a rule that sets \
                 `excluded`; until then what is there for OKD stays as it is"
            ),
        };
    }
    if let Some((fork, branch)) = known.forks.first() {
        return Unpromoted {
            why: format!(": the config of {branch} of {fork} does"),
            help: format!(
                "if the release is built from {fork} now, name it in `content.source.git.url` of ocp-build-data; else move the \
                 promotion back to {repo}, or add a rule that sets `excluded`"
            ),
        };
    }
    let there = known.configs.iter().find(|(branch, _)| branch == target);
    let Some((_, promotions)) = there else {
        return absent(target);
    };
    let active = promotions.iter().filter(|one| !one.disabled);
    let streams: BTreeSet<String> = active
        .map(|one| {
            format!(
                "{}/{}",
                one.namespace,
                if one.name.is_empty() { &one.tag } else { &one.name }
            )
        })
        .collect();
    if streams.is_empty() {
        return Unpromoted {
            why: format!(": the config of {target} is there and promotes nothing"),
            help: format!("add the promotion to the OCP config of `{target}`, or a rule that sets `excluded`"),
        };
    }
    let streams = streams.into_iter().collect::<Vec<_>>().join(" and ");
    Unpromoted {
        why: format!(": the config of {target} is there and promotes to {streams}"),
        help: format!("correct the promotion in the OCP config of `{target}`, or add a rule that sets `excluded`"),
    }
}

fn absent(target: &str) -> Unpromoted {
    let help = if target.is_empty() {
        "add an OCP config that does, or a rule that sets `excluded`".to_owned()
    } else {
        format!("add an OCP config for `{target}` (ocp-build-data's branch) that does, or a rule that sets `excluded`")
    };
    Unpromoted {
        why: String::new(),
        help,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::ci_config::Promotion;

    fn promotion(name: &str, disabled: bool) -> Promotion {
        Promotion {
            namespace: "ocp".to_owned(),
            name: name.to_owned(),
            disabled,
            ..Promotion::default()
        }
    }

    fn said(configs: &[(&str, Vec<Promotion>)], known: RepoBranches) -> Unpromoted {
        let configs = configs.iter().map(|(branch, all)| ((*branch).to_owned(), all.clone()));
        let known = RepoBranches {
            configs: configs.collect(),
            ..known
        };
        told(&"o/r".parse().unwrap(), "release-5.0", &known, ("ocp", "5.0"))
    }

    #[test]
    fn what_is_there_is_told_apart() {
        let later = ("main", vec![promotion("5.1", false)]);
        let why = |own: Vec<Promotion>| said(&[later.clone(), ("release-5.0", own)], RepoBranches::default()).why;
        assert_eq!(
            why(vec![promotion("5.0", true)]),
            ": the config of release-5.0 has that promotion, disabled"
        );
        assert_eq!(
            why(vec![promotion("4.22", false), promotion("4.21", true)]),
            ": the config of release-5.0 is there and promotes to ocp/4.22"
        );
        assert_eq!(
            why(Vec::new()),
            ": the config of release-5.0 is there and promotes nothing"
        );
        let absent = said(std::slice::from_ref(&later), RepoBranches::default());
        assert_eq!(absent.why, "");
        assert!(
            absent.help.starts_with("add an OCP config for `release-5.0`"),
            "{}",
            absent.help
        );
        let elsewhere = said(&[("old", vec![promotion("5.0", true)])], RepoBranches::default());
        assert_eq!(elsewhere.why, ": the config of old has that promotion, disabled");
    }

    #[test]
    fn a_fork_and_other_capitals_are_named() {
        let fork = RepoBranches {
            forks: vec![("fork/r".parse().unwrap(), "main".to_owned())],
            ..RepoBranches::default()
        };
        assert_eq!(said(&[], fork).why, ": the config of main of fork/r does");
        let respelt = RepoBranches {
            respelt: Some("o/R".parse().unwrap()),
            ..RepoBranches::default()
        };
        let told = said(&[], respelt);
        assert_eq!(told.why, ": the folder of its configs is written o/R");
        assert!(told.help.contains("o/R"), "{}", told.help);
    }
}
