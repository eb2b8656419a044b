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
use crate::yaml::edit;
use crate::yaml::edit::path::{Step, find, keys, set};

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
    let managed: [&[&str]; 5] = [
        &["spec", "source", "git", "uri"],
        &["spec", "source", "git", "ref"],
        &["spec", "source", "contextDir"],
        &["spec", "strategy", "dockerStrategy", "dockerfilePath"],
        &["spec", "strategy", "dockerStrategy", "from"],
    ];
    for field in managed {
        if let Some(should) = wanted.at(field) {
            correct(files, causes, name, there, &keys(field), should);
        }
    }
    // Other arguments are people's.
    let list = ["spec", "strategy", "dockerStrategy", "buildArgs"];
    let args = wanted.at(&list).and_then(Node::as_seq).unwrap_or_default();
    for arg in args {
        if let (Some(own), Some(value)) = (arg.get("name").and_then(Node::text), arg.get("value")) {
            let identity: &[&str] = &["name"];
            let path = [keys(&list), vec![Step::With(identity, own), Step::Key("value")]].concat();
            correct(files, causes, name, there, &path, value);
        }
    }
}

/// Sets one field of a builder, where it says something else.
fn correct(files: &mut Files<'_>, causes: &Causes<'_>, name: &str, there: &Found, path: &[Step<'_>], should: &Node) {
    let is = there.node(files).and_then(|node| find(node, path));
    if is == Some(should) {
        return;
    }
    let told = |node: &Node| serde_json::Value::from(node).to_string();
    let mut named = path.iter().filter_map(|step| match step {
        Step::Key(key) => Some(*key),
        _ => None,
    });
    let field = named.rfind(|key| *key != "value").unwrap_or_default();
    let cause = causes.list(field, name, &[name], is.map(told), Some(told(should)));
    let (document, should) = (there.document, should.clone());
    files.change(&there.path, cause, |documents| {
        _ = set(&mut documents[document], path, should)
    });
}
