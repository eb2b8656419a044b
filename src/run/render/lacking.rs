//! What keeps a target from being rendered, in words.

use super::super::ground::NoGround;
use crate::base::RepoName;
use crate::finding::{Finding, Severity};
use crate::targets::{self, Target};

pub(super) fn without_source(target: &Target, source: &str) -> Finding {
    let name = target.name;
    let text = format!("target {name} needs `{source}` with a path or URL that ends in <org>/<repo>");
    let help = "add the source, or leave the target out";
    Finding::new(Severity::Warning, "target-without-source", text).with_help(help)
}

pub(super) fn without_ground(target: &Target, why: NoGround) -> Finding {
    let name = target.name;
    match why {
        NoGround::Unconfigured(source) => without_source(target, source),
        NoGround::Unreadable(why) => {
            let text = format!("the repository that target {name} writes to cannot be read: {why}");
            let help = "what is there, and what a pull request proposes, stays as it is until it can be read";
            Finding::new(Severity::Error, "unreadable-destination", text).with_help(help)
        }
        NoGround::NoBranch(repo, branches) => {
            let text = format!(
                "target {name} has no branch to write to: {repo} has no branch {}",
                branches.join(" and no branch ")
            );
            let help = "make the branch, or leave the target or the release out";
            // The pipeline's branches are made by people, release by release: that one is missing has a word of its own.
            let code = match *target == targets::payload_pipeline::TARGET {
                true => "no-pipeline-branch",
                false => "no-destination-branch",
            };
            Finding::new(Severity::Warning, code, text).with_help(help)
        }
    }
}

/// Of a repository that nothing is written to any more, and that may still have files of a target.
pub(super) fn unseen(target: &Target, repo: &RepoName, why: &str) -> Finding {
    let name = target.name;
    let text = format!("whether {repo} still has files of target {name} is not known, as it cannot be read: {why}");
    let help = "let lockstep read it; what else there is of its images stays until then, so where it is gone for good remove that by hand";
    Finding::new(Severity::Warning, "unreadable-former", text)
        .with_component(repo.to_string())
        .with_help(help)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_target_lacks_is_said_with_what_to_do() {
        let told = |why| {
            let finding = without_ground(targets::promoting().expect("a target"), why);
            assert!(finding.help.is_some());
            (finding.code.to_string(), finding.message)
        };
        let repo = "o/r".parse().expect("a name");
        let (code, text) = told(NoGround::NoBranch(repo, vec!["a".to_owned(), "main".to_owned()]));
        assert_eq!(code, "no-destination-branch");
        assert!(text.ends_with("o/r has no branch a and no branch main"), "{text}");
        let finding = without_ground(
            &targets::payload_pipeline::TARGET,
            NoGround::NoBranch("o/r".parse().expect("a name"), vec!["a".to_owned()]),
        );
        assert_eq!(finding.code, "no-pipeline-branch");
        let (code, text) = told(NoGround::Unreadable("o/r: refused".to_owned()));
        assert_eq!(code, "unreadable-destination");
        assert!(text.ends_with("cannot be read: o/r: refused"), "{text}");
        let finding = unseen(&targets::konflux::TARGET, &"o/r".parse().expect("a name"), "refused");
        assert!(finding.code == "unreadable-former" && finding.help.is_some());
        assert!(finding.message.contains("o/r") && finding.message.ends_with("refused"));
        let (code, text) = told(NoGround::Unconfigured("sources.ci-config"));
        assert_eq!(code, "target-without-source");
        assert!(text.contains("needs `sources.ci-config`"), "{text}");
    }
}
