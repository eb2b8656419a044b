//! The digest of an image: what decides its build, in one word. Two digests differ exactly where the image has to be built
//! again.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json, json};
use sha2::{Digest, Sha256};

use crate::model::batches::batches;
use crate::model::build_config::{Copied, Image, Input};
use crate::model::graph;

/// Must grow when the same inputs come to another digest.
const VERSION: u32 = 1;

/// The digests of images, by key. An image that is built from something which could not be derived has none.
///
/// In it are the build context's tree, the Dockerfile, what each FROM and copy stands for (of our own images their digest, of
/// others the pullspec, with its digest where `external` knows that), arguments, the step that prepares the base, and
/// architectures. Not in it: the commit, resources, tests, names of rules, findings.
pub fn digests(images: &BTreeMap<String, Image>, external: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let parents = |image: &Image| -> BTreeSet<String> {
        let froms = image
            .base
            .iter()
            .chain(&image.builders)
            .filter_map(|input| input.image.clone());
        froms
            .chain(image.copies_from.iter().filter_map(|copy| copy.image.clone()))
            .collect()
    };
    let graph = images
        .iter()
        .map(|(key, image)| (key.clone(), parents(image)))
        .collect();
    let order = batches(&graph, &BTreeSet::new(), &BTreeSet::new());
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    for key in order.lists().into_iter().flatten() {
        let decides = canonical(&decides(&images[key], &found, external));
        let digest = Sha256::digest(decides.to_string());
        let hex = crate::base::text::hex(&digest);
        found.insert(key.to_owned(), format!("sha256:{hex}"));
    }
    found
}

/// What each image is built from, by key: its FROMs, and what else its Dockerfile takes files from, but for what would close a
/// circle. There it is what was built last that is taken.
pub fn parents(images: &BTreeMap<String, Image>) -> BTreeMap<String, BTreeSet<String>> {
    let froms = |image: &Image| {
        let inputs = image.base.iter().chain(&image.builders).filter(|input| input.replaced);
        inputs.filter_map(|input| input.image.clone()).collect()
    };
    let mut edges: BTreeMap<String, BTreeSet<String>> =
        images.iter().map(|(key, image)| (key.clone(), froms(image))).collect();
    for (key, image) in images {
        let copied = image.copies_from.iter().filter(|copy| copy.replaced);
        for parent in copied.filter_map(|copy| copy.image.as_ref()) {
            if !graph::stands_on(parent, key, &edges) {
                edges.entry(key.clone()).or_default().insert(parent.clone());
            }
        }
    }
    edges
}

fn decides(image: &Image, found: &BTreeMap<String, String>, external: &BTreeMap<String, String>) -> Json {
    let stands = |key: Option<&String>, pullspec: &str| match key.and_then(|key| found.get(key)) {
        Some(digest) => digest.clone(),
        None => match external.get(pullspec) {
            Some(digest) => format!("{pullspec}@{digest}"),
            None => pullspec.to_owned(),
        },
    };
    let from = |input: &Input| match input.replaced {
        true => json!([input.written, stands(input.image.as_ref(), &input.pullspec.value)]),
        false => json!([input.written, stands(None, &input.written)]),
    };
    let copy = |copy: &Copied| json!([copy.written, stands(copy.image.as_ref(), &copy.pullspec)]);
    let mut arches = image.arches.value.clone();
    arches.sort();
    json!({
        "v": VERSION,
        "tree": image.tree,
        "dockerfile_blob": image.dockerfile_blob,
        // Without a tree the commit is the nearest thing to it.
        "commit": image.commit.as_ref().filter(|_| image.tree.is_none()),
        "context": image.context_dir.value,
        "dockerfile": image.dockerfile.value,
        "base": image.base.as_ref().map(from),
        "from": image.builders.iter().map(from).collect::<Vec<_>>(),
        "copies": image.copies_from.iter().map(copy).collect::<Vec<_>>(),
        "build_args": image.build_args.value,
        "prepare": image.prepare.value,
        "arches": arches,
    })
}

/// A value whose mappings are in the order of their keys.
fn canonical(value: &Json) -> Json {
    match value {
        Json::Object(map) => {
            let ordered: BTreeMap<&String, &Json> = map.iter().collect();
            let pairs = ordered.into_iter().map(|(key, value)| (key.clone(), canonical(value)));
            Json::Object(pairs.collect::<Map<_, _>>())
        }
        Json::Array(items) => items.iter().map(canonical).collect(),
        other => other.clone(),
    }
}
