//! `lockstep.yaml`: from its raw form, in which every value has a place, to a valid form, with all faults at once.
//!
//! [`load()`] reads a file, [`parse`] a text. Both give a [`Config`] with defaults filled in, or [`Faults`], which print
//! every fault with its place, the line it is on and what to do. [`check`], [`show()`] and [`schema()`] are what the
//! command `config` prints. The keys, their meaning and their defaults stand in one table, `keys.rs`.

use std::path::Path;

mod fault;
mod findings;
mod format;
mod init;
mod keys;
mod load;
mod schema;
mod secret;
mod shape;
mod show;
mod sources;
mod types;
mod validate;
mod view;
mod wording;

#[cfg(test)]
mod tests;

pub use fault::{Code, Fault, Faults, Span};
pub use init::{Answers, FirstForge, first};
pub use load::{LoadError, load, load_with};
pub use schema::schema;
pub use show::show;
pub use sources::{
    BuildData, CiConfig, Components, Payload, PayloadFile, ReleaseController, ResultSources, Sources, Via,
};
pub use types::{
    Access, Breaks, Comment, Config, Feedback, Forge, Lease, Limits, Log, PullForm, Pulls, Releases, RuleSet, Secret,
    Server, Silence,
};

use crate::targets::Chosen;
use crate::yaml;

/// Reads a configuration from its text. `file` is what faults call it, `dir` where its relative paths start.
pub fn parse(text: &[u8], file: &str, dir: &Path) -> Result<Config, Faults> {
    parse_with(text, file, dir, Care::Whole, &|_| None)
}

/// What of a configuration has to be right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Care {
    /// All but the rules that it names, in whose place others are used, and what only telling developers needs.
    OtherRules,
    /// All but what only telling developers needs: whoever does not tell them may do without.
    Usual,
    /// All.
    Whole,
}

/// The same; `missing` says why what a path names cannot be read, if it cannot.
fn parse_with(
    text: &[u8],
    file: &str,
    dir: &Path,
    care: Care,
    missing: &dyn Fn(&Path) -> Option<String>,
) -> Result<Config, Faults> {
    let mut faults = Vec::new();
    match yaml::parse(text) {
        Ok(mut root) => {
            // A file of comments has no keys; that it lacks some says more than that it is null.
            if root.is_null() {
                root.value = yaml::Value::Map(yaml::Mapping::default());
            }
            shape::check(&root, &keys::ValueForm::Map(&keys::ROOT), &mut faults);
            let config = validate::validate(&root, file, dir, &mut faults);
            if care == Care::Whole {
                validate::check_telling(&root, &config, &mut faults);
            }
            if care != Care::OtherRules {
                validate::check_rules(&root, dir, missing, &mut faults);
            }
            if faults.is_empty() {
                return Ok(config);
            }
        }
        Err(error) => faults.push(wording::syntax(error)),
    }
    Err(Faults::new(file, &String::from_utf8_lossy(text), faults))
}

/// Reads a list of targets with their options, as the configuration has it.
///
/// # Errors
/// All of its faults.
pub fn targets(list: &yaml::Node, dir: &Path) -> Result<Vec<Chosen>, Vec<Fault>> {
    let mut faults = Vec::new();
    if let Some(key) = keys::ROOT.key("targets") {
        shape::check(list, &key.kind, &mut faults);
    }
    let chosen = validate::chosen(list, dir);
    if faults.is_empty() { Ok(chosen) } else { Err(faults) }
}

/// What `config check` prints for a file without faults; the faults are the error.
pub fn check(path: &Path) -> Result<String, LoadError> {
    let config = load_with(path, Care::Whole)?;
    let releases = match &config.releases {
        Releases::Auto => "every release that is found".to_owned(),
        Releases::List(list) => list.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    };
    let targets: Vec<&str> = config.targets.iter().map(|chosen| chosen.target.name).collect();
    Ok(format!(
        "{}: no faults ({} for {releases})\n",
        path.display(),
        targets.join(", ")
    ))
}
