//! What is asked of other repositories: whether a builder's Dockerfile takes what it is told, and whether upstream's Dockerfile
//! has changed since a fork of it did.

use std::collections::BTreeSet;

use super::found::FOLDER;
use super::wanted::fork_of;
use super::{TARGET, forks};
use crate::base::RepoName;
use crate::derive::here::{Builder, Here};
use crate::facts::dockerfile::instructions;
use crate::finding::{Finding, Severity};
use crate::targets::{Actual, Ask, Beside, Question, Told};
use crate::yaml::Node;
use crate::yaml::edit::{self, How};

/// All that is asked.
pub(super) fn asked(ask: &Ask<'_>, actual: &Actual) -> Vec<Beside> {
    // What fails is told of when the files are rendered.
    let Ok((here, _)) = ask.here(TARGET.name) else {
        return Vec::new();
    };
    let builders = here.builders.values().filter(|builder| is_told(builder));
    let mut asked: BTreeSet<Beside> = builders.filter_map(dockerfile).collect();
    let texts = actual.files.iter().filter(|(path, _)| path.starts_with(FOLDER));
    let texts = texts.filter_map(|(_, bytes)| std::str::from_utf8(bytes).ok());
    for text in texts.filter(|text| text.contains("sourcePath")) {
        for node in edit::documents(text, &How::default()).unwrap_or_default() {
            asked.extend(upstream(ask, &here, &node));
        }
    }
    asked.into_iter().collect()
}

/// Whether a builder is built, and told something on the way.
fn is_told(builder: &Builder) -> bool {
    builder.comes.value == "build" && !args(builder).is_empty()
}

/// The names of the build arguments that a builder gets.
fn args(builder: &Builder) -> Vec<&str> {
    let args = builder.source.value["build_args"].as_array().into_iter().flatten();
    args.filter_map(|arg| arg["name"].as_str()).collect()
}

/// The Dockerfile that a builder is built from.
fn dockerfile(builder: &Builder) -> Option<Beside> {
    let said = |key: &str| builder.source.value[key].as_str().unwrap_or_default();
    let parts = said("context_dir").split('/').chain(said("dockerfile").split('/'));
    let path: Vec<&str> = parts.filter(|part| !part.is_empty() && *part != ".").collect();
    Some(Beside {
        repo: said("repository").parse::<RepoName>().ok()?,
        branch: said("branch").to_owned(),
        path: path.join("/"),
        what: Question::Text,
    })
}

/// The Dockerfile of the image that a BuildConfig builds from a fork.
fn upstream(ask: &Ask<'_>, here: &Here, node: &Node) -> Option<Beside> {
    let fork = fork_of(node, &format!("{}:{}", here.stream.value, here.forks.value))?;
    let output = node.at(&["spec", "output", "to", "name"])?.text()?;
    let tag = output.strip_prefix(here.stream.value.as_str())?.strip_prefix(':')?;
    let (key, _) = here.images.iter().find(|(_, image)| image.tag.value == tag)?;
    let image = ask.build_config().images.get(key)?;
    let repository = image.repository.value.parse().ok()?;
    forks::beside(repository, &image.branch.value, &image.dockerfile.value, &fork)
}

/// Tells of a builder that cannot be told what a rule tells it.
pub(super) fn ignores(actual: &Actual, name: &str, builder: &Builder) -> Option<Finding> {
    if !is_told(builder) {
        return None;
    }
    let asked = dockerfile(builder)?;
    let place = format!("{} of {} at {}", asked.path, asked.repo, asked.branch);
    let finding = |severity, text: String| {
        let help = format!(
            "let the Dockerfile take {} as `ARG`, or let a rule on builder say how {name} comes (`comes: import`) or where it is built from (`source`)",
            args(builder).join(", ")
        );
        Some(Finding::new(severity, "builder-ignores-version", text).with_help(help))
    };
    match actual.beside.get(&asked)? {
        Told::Text(bytes) => {
            let text = String::from_utf8_lossy(bytes);
            let known = match instructions(&text) {
                Ok(all) => all,
                Err(error) => {
                    let text = format!("whether {name} takes its version cannot be told: {place}: {error}");
                    return finding(Severity::Note, text);
                }
            };
            let declared: BTreeSet<&str> = known
                .iter()
                .filter(|line| line.keyword == "ARG")
                .flat_map(|line| line.rest.split_whitespace())
                .map(|arg| arg.split_once('=').map_or(arg, |(name, _)| name))
                .collect();
            let missing: Vec<&str> = args(builder)
                .into_iter()
                .filter(|arg| !declared.contains(arg))
                .collect();
            if missing.is_empty() {
                return None;
            }
            let text = format!(
                "{name} is told {}, and {place} has no such argument: it would be built with whatever version is there",
                missing.join(", ")
            );
            finding(Severity::Warning, text)
        }
        Told::Absent => finding(
            Severity::Warning,
            format!("{name} is to be built from {place}, which is not there"),
        ),
        Told::Unknown(why) => finding(
            Severity::Note,
            format!("whether {name} takes its version cannot be told: {place}: {why}"),
        ),
        Told::Later(_) | Told::NotLater => None,
    }
}
