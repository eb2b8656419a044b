//! The digest of an image: what decides its build, in one word. Two digests differ exactly where the image has to be built
//! again.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Serialize, Serializer};
use serde_json::Value as Json;
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
    let mut stands = Stands {
        found: BTreeMap::new(),
        external,
    };
    for key in order.lists().into_iter().flatten() {
        let digest = Sha256::digest(text(&decides(&images[key], &stands)));
        let hex = crate::base::text::hex(&digest);
        stands.found.insert(key.to_owned(), format!("sha256:{hex}"));
    }
    stands.found
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

/// What decides an image's build, its keys in their order.
#[derive(Serialize)]
struct Decides<'i> {
    arches: Vec<&'i str>,
    base: Option<[Cow<'i, str>; 2]>,
    build_args: Canonical<'i>,
    /// Without a tree the commit is the nearest thing to it.
    commit: Option<&'i String>,
    context: &'i str,
    copies: Vec<[Cow<'i, str>; 2]>,
    dockerfile: &'i str,
    dockerfile_blob: Option<&'i String>,
    from: Vec<[Cow<'i, str>; 2]>,
    prepare: Canonical<'i>,
    tree: Option<&'i String>,
    v: u32,
}

fn text(decides: &Decides<'_>) -> Vec<u8> {
    serde_json::to_vec(decides).expect("every key is a text, and memory refuses nothing")
}

fn decides<'i>(image: &'i Image, stands: &'i Stands<'_>) -> Decides<'i> {
    let pair = |written: &'i String, stands: Cow<'i, str>| [Cow::from(written), stands];
    let from = |input: &'i Input| match input.replaced {
        true => pair(&input.written, stands.of(input.image.as_ref(), &input.pullspec.value)),
        false => pair(&input.written, stands.of(None, &input.written)),
    };
    let copy = |copy: &'i Copied| pair(&copy.written, stands.of(copy.image.as_ref(), &copy.pullspec));
    let mut arches: Vec<&str> = image.arches.value.iter().map(String::as_str).collect();
    arches.sort_unstable();
    Decides {
        arches,
        base: image.base.as_ref().map(from),
        build_args: Canonical(&image.build_args.value),
        commit: image.commit.as_ref().filter(|_| image.tree.is_none()),
        context: &image.context_dir.value,
        copies: image.copies_from.iter().map(copy).collect(),
        dockerfile: &image.dockerfile.value,
        dockerfile_blob: image.dockerfile_blob.as_ref(),
        from: image.builders.iter().map(from).collect(),
        prepare: Canonical(&image.prepare.value),
        tree: image.tree.as_ref(),
        v: VERSION,
    }
}

/// What the images that are built from stand for: their digests where they are ours and known, else the pullspec.
struct Stands<'f> {
    found: BTreeMap<String, String>,
    external: &'f BTreeMap<String, String>,
}

impl Stands<'_> {
    fn of<'s>(&'s self, key: Option<&String>, pullspec: &'s str) -> Cow<'s, str> {
        match key.and_then(|key| self.found.get(key)) {
            Some(digest) => digest.into(),
            None => match self.external.get(pullspec) {
                Some(digest) => format!("{pullspec}@{digest}").into(),
                None => pullspec.into(),
            },
        }
    }
}

/// A value whose mappings are written in the order of their keys.
struct Canonical<'v>(&'v Json);

impl Serialize for Canonical<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Json::Object(map) => {
                let ordered: BTreeMap<&String, Canonical<'_>> =
                    map.iter().map(|(key, value)| (key, Canonical(value))).collect();
                ordered.serialize(serializer)
            }
            Json::Array(items) => serializer.collect_seq(items.iter().map(Canonical)),
            other => other.serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::derive::document::build_config;
    use crate::derive::tests::world::World;

    #[test]
    fn what_decides_is_written_on_one_line_in_the_order_of_keys() {
        let dockerfile = "FROM registry.ci.openshift.org/ocp/4.16:base\nCOPY --from=quay.io/a/b:c /x /x\n";
        let alignment = "build_args: [{name: Z, value: y}]";
        let world = World::new().image_with("etcd", "etcd", "{stream: base}", dockerfile, alignment);
        let images = build_config(&world.release()).images;
        let external = "registry.ci.openshift.org/origin/base:stream9".to_owned();
        let stands = Stands {
            found: BTreeMap::new(),
            external: &BTreeMap::from([(external, "sha256:0".to_owned())]),
        };
        let mut image = images["etcd"].clone();
        image.dockerfile_blob = Some("blob".to_owned());
        image.prepare.value = serde_json::json!({"to": "x", "from": [{"b": 1, "a": null}]});
        let written = String::from_utf8(text(&decides(&image, &stands))).expect("text");
        let wanted = concat!(
            r#"{"arches":["x86_64"],"base":["registry.ci.openshift.org/ocp/4.16:base","#,
            r#""registry.ci.openshift.org/origin/base:stream9@sha256:0"],"#,
            r#""build_args":[{"name":"TAGS","value":"scos"},{"name":"Z","value":true}],"commit":null,"context":"","#,
            r#""copies":[["quay.io/a/b:c","quay.io/a/b:c"]],"dockerfile":"etcd.Dockerfile","dockerfile_blob":"blob","#,
            r#""from":[],"prepare":{"from":[{"a":null,"b":1}],"to":"x"},"tree":"tree of etcd","v":1}"#,
        );
        assert_eq!(written, wanted);
    }
}
