//! The text of a first configuration, as `lockstep init` writes it.

use std::fmt::Write as _;

use crate::targets::{self, TARGETS};

/// Where pull requests of a first configuration go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirstForge {
    /// GitHub, with a token from the environment.
    GitHub,
    /// A folder: branches and JSON records, nothing leaves the machine.
    Local,
}

/// What `init` was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answers {
    /// Where pull requests go.
    pub forge: FirstForge,
    /// The releases, such as `4.16`; empty: all that are found.
    pub releases: Vec<String>,
}

/// A commented `lockstep.yaml` that [`parse`](super::parse) takes without a fault.
pub fn first(answers: &Answers) -> String {
    let releases = match answers.releases.as_slice() {
        [] => "releases: auto".to_owned(),
        named => {
            let quoted: Vec<String> = named.iter().map(|release| format!("\"{release}\"")).collect();
            format!("releases: [{}]", quoted.join(", "))
        }
    };
    let mut text = HEAD.to_owned();
    let _ = write!(
        text,
        "{RELEASES}{releases}\n{RULES}targets: [{}]\n\n",
        together().join(", ")
    );
    text.push_str(match answers.forge {
        FirstForge::GitHub => GITHUB,
        FirstForge::Local => LOCAL,
    });
    text.push_str(TAIL);
    text
}

const HEAD: &str = "\
# lockstep's configuration. `lockstep config check` tells what is wrong with it, `lockstep config show` every default.
# Relative paths start at this file's folder. A repository may be a URL, a git repository on disk or a plain folder.
sources:
  # What OCP is built from: one branch a release.
  build-data: {repo: https://github.com/openshift-eng/ocp-build-data, branch: \"openshift-{release}\"}
  # CI's configs, OCP's and OKD's, and where OKD's are proposed.
  ci-config: {repo: https://github.com/openshift/release}
  # The repositories of the components: only their Dockerfiles and the like are read.
  components: {repo: \"https://github.com/{org}/{repo}\"}
  # The last payload, to compare with; an OCI reference, URL or file:
  # payload: {image-references: \"quay.io/ORG/NAME:{release}\"}

";

const RELEASES: &str = "\
# `auto`: every release that build data has a branch for and CI promotes to; or a list, such as [\"4.20\", \"4.21\"].
";

/// The default target and all that change with it: a part of a group would be looked at without the rest.
fn together() -> Vec<&'static str> {
    let group = targets::find(targets::DEFAULT).map(|target| target.group);
    let all = TARGETS.iter().filter(|target| Some(target.group) == group);
    all.map(|target| target.name).collect()
}

const RULES: &str = "
# OKD's policy. Files or folders of your own behind `builtin` refine it.
rules: [builtin]

# What is kept right. These change together, in one pull request a release.
";

const GITHUB: &str = "\
# Pull requests on GitHub. `plan` and `reconcile --dry-run` show every write first, and need no token to show the drift.
# An App instead of a token: `app: {id: 1, key-file: app.pem}`. A first day with little: `max-new: 1`.
forge: {kind: github, token-env: GITHUB_TOKEN}
";

const LOCAL: &str = "\
# No network: a pull request is a branch of a repository below `dir`, and a JSON record beside it.
# On GitHub later: `forge: {kind: github, token-env: GITHUB_TOKEN}`.
forge: {kind: local, dir: ./pull-requests}
";

const TAIL: &str = "
# Clones and the cache; it can be deleted at any time, which costs time and nothing else.
state: ./state

# For `lockstep serve`: when everything is looked at (second, minute, hour, day of month, month, day of week), and where.
schedule: \"0 */10 * * * *\"
listen: 127.0.0.1:8080
";

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config;

    #[test]
    fn a_first_configuration_has_no_fault_and_says_what_was_answered() {
        for forge in [FirstForge::GitHub, FirstForge::Local] {
            for releases in [vec![], vec!["4.20".to_owned(), "4.21".to_owned()]] {
                let answers = Answers {
                    forge,
                    releases: releases.clone(),
                };
                let text = first(&answers);
                let parsed = config::parse(text.as_bytes(), "lockstep.yaml", Path::new("."));
                let parsed = parsed.unwrap_or_else(|faults| panic!("{text}\n{faults}"));
                assert_eq!(parsed.parts_of_groups(), [""; 0], "{text}");
                assert!(parsed.targets.len() > 1, "{text}");
                let shown = config::show(&parsed);
                let kind = match forge {
                    FirstForge::GitHub => "kind: github",
                    FirstForge::Local => "kind: local",
                };
                assert!(shown.contains(kind), "{shown}");
                assert_eq!(shown.contains("releases: auto"), releases.is_empty(), "{shown}");
                assert!(releases.iter().all(|release| shown.contains(release)), "{shown}");
            }
        }
    }
}
