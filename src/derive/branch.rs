//! Which branch each repository is built from: the one whose OCP config promotes to the release.

use std::collections::BTreeMap;

use super::outline::Outline;
use super::unpromoted::{self, Unpromoted};
use super::{Branches, RepoBranches, Standing};
use crate::base::RepoName;
use crate::finding::{Finding, Severity};

impl Outline<'_> {
    /// Settles which branch each repository is built from. Without CI configs it is what metadata names.
    pub fn settle_branches(&mut self, branches: Option<&Branches>) {
        let mut settled: BTreeMap<RepoName, Branch> = BTreeMap::new();
        for key in self.images.keys().cloned().collect::<Vec<_>>() {
            let image = &self.images[&key];
            let Some(repo) = image.repository.value.clone() else {
                continue;
            };
            if matches!(image.standing, Standing::Dropped(_)) && !settled.contains_key(&repo) {
                continue;
            }
            let target = image.view["source"]["branch"].as_str().unwrap_or_default().to_owned();
            let tag = image.tag.value.clone();
            if !settled.contains_key(&repo) {
                let branch = match self.other_branch(&repo) {
                    Some(branch) => Ok(branch),
                    None => self.branch(&repo, &target, branches.map(|all| all.get(&repo))),
                };
                let (branch, finding) = match branch {
                    Ok(mut branch) => {
                        let finding = branch.finding.take();
                        (branch, finding)
                    }
                    Err(finding) => (Branch::default(), Some(finding)),
                };
                let place = self.metadata.image_place(&key, &["source", "branch"]);
                let placed = |finding: Finding| {
                    finding
                        .with_place(place)
                        .with_component(repo.to_string())
                        .with_image(tag)
                };
                self.findings.extend(finding.map(placed));
                settled.insert(repo.clone(), branch);
            }
        }
        for image in self.images.values_mut() {
            let Some(branch) = image.repository.value.as_ref().and_then(|repo| settled.get(repo)) else {
                continue;
            };
            image.branch.clone_from(&branch.name);
            image.branch_because.clone_from(&branch.because);
            if branch.name.is_empty() && image.standing == Standing::Derived {
                image.standing = Standing::Held;
            }
        }
        if branches.is_none() {
            self.findings.push(
                Finding::new(
                    Severity::Warning,
                    "branch-from-metadata",
                    "without CI configs every image is taken from the branch that ocp-build-data names",
                )
                .with_help(
                    "set `sources.ci-config`: the branch whose OCP config promotes to the release is the one built",
                ),
            );
        }
    }

    /// The branch that rules put in the place of the one that promotes: a repository is read at one branch.
    fn other_branch(&self, repo: &RepoName) -> Option<Branch> {
        let mut images = self
            .images
            .values()
            .filter(|image| image.repository.value.as_ref() == Some(repo));
        let image = images.find(|image| !image.other_branch.value.is_empty())?;
        let rules = image.other_branch.deciders().filter_map(|at| self.rules.rules.get(at));
        let named: Vec<String> = rules.map(|rule| format!("{} ({})", rule.id, rule.place)).collect();
        Some(Branch {
            name: image.other_branch.value.clone(),
            because: named.join(", "),
            ..Branch::default()
        })
    }

    fn branch(&self, repo: &RepoName, target: &str, known: Option<Option<&RepoBranches>>) -> Result<Branch, Finding> {
        let from_metadata = |why: &str| Branch {
            name: target.to_owned(),
            because: why.to_owned(),
            finding: None,
        };
        let no_branch = || {
            Finding::new(
                Severity::Error,
                "no-branch",
                format!("nothing says which branch of {repo} the release is built from"),
            )
            .with_help("add `content.source.git.branch.target`, or an OCP config that promotes to the release")
        };
        let Some(known) = known else {
            let branch = from_metadata("ocp-build-data names it (`content.source.git.branch.target`)");
            return if target.is_empty() {
                Err(no_branch())
            } else {
                Ok(branch)
            };
        };
        let empty = RepoBranches::default();
        let known = known.unwrap_or(&empty);
        let (namespace, name) = (&self.payload.source_namespace.value, &self.payload.source_name.value);
        let active: Vec<&str> = known
            .configs
            .iter()
            .filter(|(_, promotions)| promotions.iter().any(|one| one.is_active(namespace, name)))
            .map(|(branch, _)| branch.as_str())
            .collect();
        let because = |branch: &str| Branch {
            name: branch.to_owned(),
            because: format!("the OCP config of this branch promotes to {namespace}/{name}"),
            finding: None,
        };
        match active.as_slice() {
            [branch] => Ok(because(branch)),
            [] => Err(self.unpromoted(repo, target, known)),
            several => {
                let finding = self.several(repo, several);
                match preferred(several, target) {
                    Some(branch) => Ok(Branch {
                        finding: Some(finding.with_help(format!(
                            "the release is built from {branch}; disable the promotion of the others"
                        ))),
                        ..because(branch)
                    }),
                    None => {
                        Err(finding
                            .with_help("disable the promotion of all but one, or name the branch in ocp-build-data"))
                    }
                }
            }
        }
    }

    fn several(&self, repo: &RepoName, branches: &[&str]) -> Finding {
        let (namespace, name) = (&self.payload.source_namespace.value, &self.payload.source_name.value);
        let mut branches = branches.to_vec();
        branches.sort_unstable();
        let message = format!(
            "the OCP configs of {} of {repo} promote to {namespace}/{name}",
            branches.join(" and ")
        );
        Finding::new(Severity::Error, "two-branches-promote", message)
    }

    /// No config promotes: the release is not built from this repository by CI, or its configs cannot be read.
    fn unpromoted(&self, repo: &RepoName, target: &str, known: &RepoBranches) -> Finding {
        let stream = (&*self.payload.source_namespace.value, &*self.payload.source_name.value);
        if let Some((file, why)) = known.unreadable.first() {
            let message = format!("{repo}: {file} cannot be read, so its branch for the release is unknown: {why}");
            return Finding::new(Severity::Error, "unreadable-config", message)
                .with_help("put the file right; until then the repository's OKD config stays as it is");
        }
        let Unpromoted { why, help } = unpromoted::told(repo, target, known, stream);
        let message = format!("no OCP config of {repo} promotes to {}/{}{why}", stream.0, stream.1);
        Finding::new(Severity::Error, "no-promotion", message).with_help(help)
    }
}

/// Of several branches that promote the one that is built all the same: the one that ocp-build-data names, else the one that is
/// developed on.
fn preferred<'b>(several: &[&'b str], target: &str) -> Option<&'b str> {
    let usual: Vec<&'b str> = several
        .iter()
        .copied()
        .filter(|branch| matches!(*branch, "main" | "master"))
        .collect();
    match (several.iter().find(|branch| **branch == target), usual.as_slice()) {
        (Some(named), _) => Some(named),
        (None, [one]) => Some(one),
        _ => None,
    }
}

#[derive(Clone, Default)]
struct Branch {
    name: String,
    because: String,
    /// What is to be said of it all the same.
    finding: Option<Finding>,
}
