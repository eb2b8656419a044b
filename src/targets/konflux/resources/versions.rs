//! A component that several releases share, each with a version of its own.
//!
//! What is said once for all of them (repository, image, namespace) is said by the newest of the releases; no other one
//! changes it, so that two releases never undo each other.

use super::super::causes::VERSIONS;
use super::super::plans::Plan;
use super::wanted::{Field, WantedDocument};
use super::{Resources, told};
use crate::finding::{Finding, Severity};
use crate::targets::documents::Files;
use crate::yaml::Node;
use crate::yaml::edit::path::{Step, find, keys, remove};

/// What a version may carry that is managed.
const KEYS: [&str; 4] = ["name", "revision", "context", "dockerfilePath"];

/// The versions of a Component.
fn versions(component: &Node) -> &[Node] {
    let path = keys(&["spec", "source", "versions"]);
    find(component, &path).and_then(Node::as_seq).unwrap_or_default()
}

fn name(version: &Node) -> &str {
    version.get("name").and_then(Node::text).unwrap_or_default()
}

/// The numbers in a version's name, by which releases are ordered.
fn numbers(name: &str) -> Vec<u64> {
    let parts = name.split(|c: char| !c.is_ascii_digit());
    parts.filter_map(|part| part.parse().ok()).collect()
}

/// Whether a version is newer than another one. One without numbers is people's, and newer than none.
fn is_newer(version: &str, than: &str) -> bool {
    numbers(version) > numbers(than)
}

fn is_component(node: &Node) -> bool {
    node.get("kind").and_then(Node::as_str) == Some("Component")
}

impl Resources<'_> {
    fn version(&self) -> &str {
        &self.world.konflux.version.value
    }

    /// Leaves of a file's documents what this release has a say in; `None`: it must not change the file at all.
    pub(super) fn own_part<'w>(
        &self,
        files: &mut Files<'_>,
        path: &str,
        plan: &Plan,
        there: &Node,
        mut wanted: Vec<WantedDocument<'w>>,
    ) -> Option<Vec<WantedDocument<'w>>> {
        let newer = versions(there)
            .iter()
            .map(name)
            .find(|other| is_newer(other, self.version()));
        let Some(newer) = newer else {
            return Some(wanted);
        };
        let shared = |field: &Field<'_>| !field.path.iter().any(|step| matches!(step, Step::With(..)));
        let component = wanted.iter().find(|wanted| wanted.kind == "Component")?;
        let other = component
            .managed
            .iter()
            .filter(|field| shared(field))
            .find_map(|field| {
                let value = find(&component.fresh, &field.path)?;
                let there = find(there, &field.path);
                (!field.is_met(there, value)).then(|| (field.name().to_owned(), there.map(told), told(value)))
            });
        if let Some((field, there, value)) = other {
            let text = format!(
                "{} has version {newer}, which says {field} `{}` for all its versions, and {} needs `{value}`",
                plan.component,
                there.unwrap_or_default(),
                self.version()
            );
            let finding = Finding::new(Severity::Error, "component-shared", text)
                .with_image(plan.tag.clone())
                .with_component(plan.repository.clone())
                .with_help("a rule on image gives it a `component` of its own in one of the releases");
            files.tell(finding, path, None);
            return None;
        }
        wanted.retain(|wanted| wanted.kind == "Component");
        wanted
            .iter_mut()
            .for_each(|wanted| wanted.managed.retain(|field| !shared(field)));
        Some(wanted)
    }

    /// Takes this release's version out of a component that the release does not have; the last one takes the file along.
    /// Whether the file goes.
    pub(super) fn leaves(&self, files: &mut Files<'_>, path: &str, component: &str, tag: &str, marked: bool) -> bool {
        let Some(at) = files.documents(path).iter().position(is_component) else {
            return false;
        };
        let all = versions(&files.documents(path)[at]).to_vec();
        let Some(own) = all.iter().find(|version| name(version) == self.version()) else {
            return false;
        };
        let added = own.as_map().into_iter().flat_map(|map| map.keys());
        let added: Vec<&str> = added.filter(|key| !KEYS.contains(key)).collect();
        let is_last = all.len() == 1;
        let why = match (added.is_empty(), is_last && !marked) {
            (false, _) => format!("people added {} to its version", added.join(", ")),
            (true, true) => "people made the file, and it has no other version".to_owned(),
            (true, false) => String::new(),
        };
        if !why.is_empty() {
            let text = format!(
                "{path} has version {} of {component}, which is not built; it stays: {why}",
                self.version()
            );
            let finding = Finding::new(Severity::Warning, "dropped-with-additions", text)
                .with_image(tag.to_owned())
                .with_help("remove it by hand");
            files.tell(finding, path, None);
            return false;
        }
        files.about(path, self.world.repository_of_gone(component).as_deref(), tag);
        if is_last {
            let cause = self.causes.file(None, &self.repository, &[], false, "a resource");
            return files.remove(path, cause);
        }
        let cause = self.causes.field(None, VERSIONS, &[], Some(self.version()), None);
        let steps = [
            keys(&["spec", "source", "versions"]),
            vec![Step::With(&["name"], self.version())],
        ]
        .concat();
        files.change(path, cause, |documents| {
            if let Some(root) = documents.get_mut(at) {
                _ = remove(root, &steps);
            }
        });
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_ordered_by_the_numbers_in_their_versions() {
        for (one, other) in [("4-17", "4-9"), ("5-0", "4-23"), ("v4-17", "v4-16"), ("4-16-1", "4-16")] {
            assert!(is_newer(one, other) && !is_newer(other, one), "{one} {other}");
        }
        assert!(!is_newer("4-16", "4-16"));
        for people in ["main", "dev", ""] {
            assert!(!is_newer(people, "4-16"), "{people}");
        }
    }
}
