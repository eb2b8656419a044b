//! Builders: one for each name that rules give, built or imported.

use std::collections::BTreeSet;

use super::beside;
use super::causes::Causes;
use super::found::{FOLDER, Found};
use super::fresh;
use super::lists::{self, Listed};
use super::names::{Plan, Reference};
use super::order::Order;
use super::vacant::{self, Unread};
use crate::derive::here::{Builder, Here};
use crate::finding::{Finding, Severity};
use crate::targets::documents::Files;
use crate::yaml::Node;
use crate::yaml::edit::{self, path};

/// Writes the builders that images are built with.
pub(super) fn render(
    files: &mut Files<'_>,
    causes: &Causes<'_>,
    here: &Here,
    plans: &[Plan<'_>],
    all: &[Found],
    unread: &Unread,
    order: &mut Order,
) -> Vec<Listed> {
    let used: BTreeSet<&str> = plans
        .iter()
        .flat_map(|plan| plan.replaced.iter().map(|(_, reference)| reference))
        .filter_map(|reference| match reference {
            Reference::Tag(tag) => Some(tag.as_str()),
            Reference::Pullspec(_) => None,
        })
        .collect();
    let mut listed = Vec::new();
    for (name, builder) in &here.builders {
        let output = format!("{}:{name}", builder.in_stream.value);
        if !used.contains(output.as_str()) {
            continue;
        }
        match builder.comes.value.as_str() {
            "import" => import(files, causes, name, builder),
            "build" => {
                let ignores = beside::ignores(files.actual, name, builder);
                files.findings.extend(ignores);
                match all.iter().find(|found| found.output == output) {
                    Some(there) => corrected(files, causes, name, builder, there),
                    None if !vacant::is_free(files, all, unread, name) => continue,
                    None => match added(files, causes, name, builder) {
                        Some(file) => listed.push(Listed::Added(file)),
                        None => continue,
                    },
                }
                order.builders.push(name.clone());
                order.all.insert(name.clone());
            }
            _ => {}
        }
    }
    listed
}

fn import(files: &mut Files<'_>, causes: &Causes<'_>, name: &str, builder: &Builder) {
    let pullspecs: Vec<&String> = builder.pullspecs.iter().collect();
    let Some(pullspec) = pullspecs.last() else { return };
    if pullspecs.len() > 1 {
        let text = format!(
            "{name} is to be imported and stands for {} images; {pullspec} is taken",
            pullspecs.len()
        );
        let finding = Finding::new(Severity::Note, "foreign-builder-here", text)
            .with_help("let a rule on input give each its own name (`builder_here`)");
        files.findings.push(finding);
    }
    lists::import(files, causes, &builder.in_stream.value, name, pullspec);
}

/// Adds a builder, if that is wanted and nothing else is in its place: the name of its file.
fn added(files: &mut Files<'_>, causes: &Causes<'_>, name: &str, builder: &Builder) -> Option<String> {
    let file = format!("04-{name}.yaml");
    let text = edit::fresh(&fresh::builder(name, builder));
    let cause = causes.file(None, Some(name), None, Some("a builder"));
    files
        .add(&format!("{FOLDER}{file}"), text, cause, None, &[name])
        .then_some(file)
}

/// Puts a builder right that is there.
fn corrected(files: &mut Files<'_>, causes: &Causes<'_>, name: &str, builder: &Builder, there: &Found) {
    let wanted = fresh::builder(name, builder);
    let managed: [&[&str]; 6] = [
        &["spec", "source", "git", "uri"],
        &["spec", "source", "git", "ref"],
        &["spec", "source", "contextDir"],
        &["spec", "strategy", "dockerStrategy", "dockerfilePath"],
        &["spec", "strategy", "dockerStrategy", "from"],
        &["spec", "strategy", "dockerStrategy", "buildArgs"],
    ];
    for field in managed {
        let (is, should) = (
            there.node(files).and_then(|node| node.at(field)).cloned(),
            wanted.at(field).cloned(),
        );
        let Some(should) = should.filter(|should| is.as_ref() != Some(should)) else {
            continue;
        };
        let told = |node: &Node| serde_json::Value::from(node).to_string();
        let cause = causes.list(
            field[field.len() - 1],
            name,
            &[name],
            is.as_ref().map(told),
            Some(told(&should)),
        );
        let document = there.document;
        files.change(&there.path, cause, |documents| {
            _ = path::set(&mut documents[document], &path::keys(field), should)
        });
    }
}
