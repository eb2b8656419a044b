//! What an image's `inputs` and `from` mean: for each FROM of its Dockerfile, the image that it is built from.
//!
//! ci-operator looks FROM lines up by the stage's name or the image written; what no input names stays as written. So an
//! input that replaces a pullspec by itself says nothing, and neither do the order of names and the names of keys.

use crate::derive::Input;
use crate::model::pullspec::StreamTag;
use crate::yaml::Node;

/// The image behind each FROM, in the Dockerfile's order, the base last.
pub fn sources(item: &Node, base_images: Option<&Node>, inputs: &[Input]) -> Vec<String> {
    inputs
        .iter()
        .map(|from| {
            let reference = if from.inner || from.builder {
                replaced_by(item.get("inputs"), from)
            } else {
                item.get("from").and_then(Node::text)
            };
            match reference {
                Some(reference) => image_of(reference, base_images),
                None => plain(&from.written),
            }
        })
        .collect()
}

/// The key of the input that names a FROM's stage or image.
fn replaced_by<'n>(inputs: Option<&'n Node>, from: &Input) -> Option<&'n str> {
    let entries = &inputs?.as_map()?.entries;
    let names = |node: &Node, wanted: &str| {
        let list = node.get("as").and_then(Node::as_seq).into_iter().flatten();
        list.filter_map(Node::text).any(|name| name == wanted)
    };
    let by_name = |wanted: &str| {
        entries
            .iter()
            .find(|(_, node)| names(node, wanted))
            .map(|(key, _)| &*key.text)
    };
    by_name(&from.written).or_else(|| by_name(from.stage.as_deref()?))
}

/// What a reference of the file stands for: a base image's stream tag, or the name of something made in the file.
fn image_of(reference: &str, base_images: Option<&Node>) -> String {
    let text = |node: &Node, key: &str| node.get(key).and_then(Node::text).unwrap_or_default().to_owned();
    match base_images.and_then(|images| images.get(reference)) {
        Some(node) => format!(
            "{}/{}:{}",
            text(node, "namespace"),
            text(node, "name"),
            text(node, "tag")
        ),
        None => reference.to_owned(),
    }
}

/// An image that nothing replaces, in the same form as a base image's.
fn plain(written: &str) -> String {
    match StreamTag::parse(written) {
        Some(tag) => format!("{}/{}:{}", tag.namespace, tag.name, tag.tag),
        None => written.to_owned(),
    }
}

/// The Dockerfile's path from the repository's root, and the build context, without `.` segments.
pub fn dockerfile(item: &Node) -> (String, String) {
    let text = |key: &str| item.get(key).and_then(Node::text).unwrap_or_default();
    let clean = |path: &str| {
        path.split('/')
            .filter(|part| !matches!(*part, "" | "."))
            .collect::<Vec<_>>()
            .join("/")
    };
    let (context, path) = (clean(text("context_dir")), text("dockerfile_path"));
    let path = clean(&format!(
        "{context}/{}",
        if path.is_empty() { "Dockerfile" } else { path }
    ));
    (path, context)
}
