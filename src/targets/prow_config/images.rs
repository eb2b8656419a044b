//! Merges the items of `images`: by `to`, managed fields only, in the form and order that the file has.

use super::document::ImageItem;
use super::meaning::{self, Part, Reader, Sources};
use super::merge::{Merge, put};
use crate::derive::{Image, Release};
use crate::model::replacement::read_item;
use crate::yaml::{Mapping, Node, Value};

/// Merges all images into a file.
pub fn merge(run: &mut Merge<'_>, root: &mut Node) {
    let as_items = match root.get("images").map(|images| &images.value) {
        Some(Value::Map(_)) => true,
        Some(Value::Seq(_)) => false,
        _ => run.config.images_as_items.value,
    };
    let path: &[&str] = if as_items { &["images", "items"] } else { &["images"] };
    let mut items = root
        .at(path)
        .and_then(Node::as_seq)
        .map(<[Node]>::to_vec)
        .unwrap_or_default();
    let before = items.clone();
    drop_images(run, &mut items);
    let base_images = root.get("base_images").cloned();
    let mut last = None;
    for wanted in &run.document.images {
        let at = items.iter().position(|item| is(item, &wanted.to));
        last = match at {
            Some(at) => {
                update(run, &mut items[at], wanted, base_images.as_ref());
                Some(at)
            }
            None => insert(run, &mut items, wanted, last).or(last),
        };
    }
    if run.config.rewrite_same_meaning.value {
        reorder(run, &mut items);
    }
    if items != before {
        put(root, path, Node::seq(items));
    }
}

fn is(item: &Node, tag: &str) -> bool {
    item.get("to").and_then(Node::text) == Some(tag)
}

/// Takes out images that metadata positively dropped; without all of metadata nothing is positive.
fn drop_images(run: &mut Merge<'_>, items: &mut Vec<Node>) {
    if !run.release.complete {
        return;
    }
    for (tag, dropped) in &run.config.dropped {
        let Some(at) = items.iter().position(|item| is(item, tag)) else {
            continue;
        };
        let mut cause = run.cause("images[]", dropped.rule, Some(&items[at]), None);
        cause.item = Some(tag.clone());
        cause.images = vec![tag.clone()];
        cause.because.clone_from(&dropped.why);
        if run.propose(cause) {
            items.remove(at);
        }
    }
}

/// Adds an image behind the one that comes before it in our order, and tells where it went.
fn insert(run: &mut Merge<'_>, items: &mut Vec<Node>, wanted: &ImageItem, last: Option<usize>) -> Option<usize> {
    let item = new_item(wanted);
    let reason = reason(run.release, &wanted.key);
    let mut cause = run.cause("images[]", reason.rule, None, Some(&item));
    cause.because = reason.because;
    cause.item = Some(wanted.to.clone());
    cause.images = vec![wanted.to.clone()];
    if !run.propose(cause) {
        return None;
    }
    let at = last.map_or(items.len(), |last| last + 1);
    items.insert(at, item);
    Some(at)
}

/// Why an image is built at all.
#[derive(Debug, Default)]
pub struct Reason {
    /// The rule.
    pub rule: Option<usize>,
    /// A sentence.
    pub because: String,
}

/// Why an image is built: a rule says that it is needed, or another image is built from it.
pub fn reason(release: &Release<'_>, key: &str) -> Reason {
    let Some(image) = release.images.get(key) else {
        return Reason::default();
    };
    match &image.needed_by {
        Some(child) => {
            let tag = release.images.get(child).map_or(child, |child| &child.tag.value);
            Reason {
                rule: image.excluded.deciders().last(),
                because: format!("{tag} is built from it"),
            }
        }
        None => {
            let rule = image.needed.deciders().next();
            let text = rule.and_then(|at| release.rules.rules.get(at));
            Reason {
                rule,
                because: text.map(|rule| rule.because.clone()).unwrap_or_default(),
            }
        }
    }
}

fn new_item(wanted: &ImageItem) -> Node {
    let mut item = Node::map([("to", Node::string(wanted.to.as_str()))]);
    for (name, value) in &wanted.fields {
        if let Some(value) = value {
            put(&mut item, &[name], value.clone());
        }
    }
    item
}

fn update(run: &mut Merge<'_>, item: &mut Node, wanted: &ImageItem, base_images: Option<&Node>) {
    let Some(image) = run.release.images.get(&wanted.key) else {
        return;
    };
    let rewrite = run.config.rewrite_same_meaning.value;
    let our_bases = our_bases(run);
    let reader = Reader {
        image,
        base_images: [base_images, Some(&our_bases)],
        spellings: &run.release.payload.spellings,
    };
    let sources = reader.wanted(&wanted.wants);
    let copied = |name: &str| {
        image
            .copies
            .iter()
            .any(|copy| copy.token == name || copy.written == name)
    };
    let keep = |name: &str| (wanted.open.contains(name) || copied(name)) && !image.recipe.is_continued(name);
    for (name, value) in &wanted.fields {
        let there = item.get(name).cloned();
        let value = match *name {
            "build_args" => with_extra_args(there.as_ref(), value.as_ref(), rewrite),
            "inputs" => with_extra_inputs(there.as_ref(), value.as_ref(), keep),
            "from" if wanted.open_base => there.clone(),
            _ => value.clone(),
        };
        if there == value || (!rewrite && same(item, name, wanted, &reader, &sources)) {
            continue;
        }
        let mut cause = run.cause(
            &format!("images[].{name}"),
            rule(image, name, &reader.there(item), &sources),
            there.as_ref(),
            value.as_ref(),
        );
        cause.item = Some(wanted.to.clone());
        cause.images = vec![wanted.to.clone()];
        if run.propose(cause) {
            match value {
                Some(value) => put(item, &[name], value),
                None => drop(item.as_map_mut().and_then(|map| map.remove(name))),
            }
        }
    }
}

/// `base_images` as we would write them.
fn our_bases(run: &Merge<'_>) -> Node {
    Node::map(run.document.base_images.iter().map(|(key, tag)| {
        let texts = [("namespace", &tag.namespace), ("name", &tag.name), ("tag", &tag.tag)];
        (
            key.as_str(),
            Node::map(texts.map(|(key, text)| (key, Node::string(text.as_str())))),
        )
    }))
}

/// Tells whether a field of the item that is there means the same as the one that is derived.
fn same(item: &Node, field: &str, wanted: &ImageItem, reader: &Reader<'_>, sources: &Sources) -> bool {
    match field {
        // What CI cannot read is no config at all, whatever else it says.
        "inputs" => read_item(item).faults.is_empty() && reader.there(item).same(sources, Part::Inputs),
        "from" => reader.there(item).same(sources, Part::Base),
        "dockerfile_path" | "context_dir" => meaning::dockerfile(item) == meaning::dockerfile(&new_item(wanted)),
        _ => false,
    }
}

/// The rule behind a derived field.
fn rule(image: &Image, field: &str, there: &Sources, wanted: &Sources) -> Option<usize> {
    let base = image.inputs.iter().find(|input| !input.builder && !input.inner);
    match field {
        "build_args" => image.build_args.deciders().last(),
        "context_dir" => image.context_dir.deciders().last(),
        "dockerfile_path" => image.dockerfile_name.deciders().last(),
        "from" if image.prepare.deciders().next().is_some() => image.prepare.deciders().last(),
        "from" => base.and_then(|input| input.pullspec.deciders().last()),
        _ => {
            // The first FROM whose source differs is what a reader wants to hear about.
            let differs = |at: usize| there.froms.get(at) != wanted.froms.get(at);
            let input = image.inputs.iter().find(|input| differs(input.stage_index));
            let copy = || image.copies.iter().find(|copy| copy.replace.value);
            let input = input.or_else(copy).or_else(|| image.inputs.first());
            input.and_then(|input| input.pullspec.deciders().last())
        }
    }
}

/// Arguments that people added stay, behind ours; nothing in metadata says that they are not wanted.
fn with_extra_args(there: Option<&Node>, wanted: Option<&Node>, rewrite: bool) -> Option<Node> {
    let list = |node: Option<&Node>| node.and_then(Node::as_seq).map(<[Node]>::to_vec).unwrap_or_default();
    let name = |node: &Node| node.get("name").and_then(Node::text).map(str::to_owned);
    let (there, mut wanted) = (list(there), list(wanted));
    // Their order means nothing.
    if !rewrite && !there.is_empty() && wanted.iter().all(|arg| there.contains(arg)) {
        return Some(Node::seq(there));
    }
    let ours: Vec<_> = wanted.iter().map(name).collect();
    wanted.extend(there.into_iter().filter(|arg| !ours.contains(&name(arg))));
    if wanted.is_empty() {
        None
    } else {
        Some(Node::seq(wanted))
    }
}

/// Inputs that do more than stand for a FROM (`paths`) stay, and so does what else they say; so do names for which `keep`
/// holds: of a FROM that could not be derived, or of an image that files are copied from.
fn with_extra_inputs(there: Option<&Node>, wanted: Option<&Node>, keep: impl Fn(&str) -> bool) -> Option<Node> {
    let mut merged = wanted.cloned();
    let named = |name: &Node| {
        let entries = wanted.and_then(Node::as_map).into_iter().flat_map(Mapping::iter);
        let mut names = entries
            .filter_map(|(_, node)| node.get("as").and_then(Node::as_seq))
            .flatten();
        names.any(|ours| ours.text() == name.text())
    };
    for (key, node) in there.and_then(Node::as_map).into_iter().flat_map(Mapping::iter) {
        let names = node.get("as").and_then(Node::as_seq).unwrap_or_default();
        let names = names
            .iter()
            .filter(|name| name.text().is_some_and(&keep) && !named(name));
        let names: Vec<Node> = names.cloned().collect();
        let fields = node.as_map().into_iter().flat_map(Mapping::iter);
        let extra: Vec<_> = fields.filter(|(name, _)| *name != "as").collect();
        if extra.is_empty() && names.is_empty() {
            continue;
        }
        let root = merged.get_or_insert_with(|| Node::map(Vec::<(&str, Node)>::new()));
        for (name, value) in extra {
            put(root, &[key, name], value.clone());
        }
        if !names.is_empty() {
            let ours = root.at(&[key, "as"]).and_then(Node::as_seq).unwrap_or_default();
            let all = ours.iter().cloned().chain(names);
            let all = Node::seq(all.collect::<Vec<_>>());
            put(root, &[key, "as"], all);
        }
    }
    merged
}

/// Puts our images into our order, each on a place that one of ours had; those of others stay where they are.
fn reorder(run: &mut Merge<'_>, items: &mut [Node]) {
    let order = |item: &Node| run.document.images.iter().position(|wanted| is(item, &wanted.to));
    let places: Vec<usize> = (0..items.len()).filter(|at| order(&items[*at]).is_some()).collect();
    let mut ours: Vec<Node> = places.iter().map(|at| items[*at].clone()).collect();
    ours.sort_by_key(order);
    if places.iter().zip(&ours).all(|(at, item)| items[*at] == *item) {
        return;
    }
    let names = |items: &[Node]| {
        Node::seq(
            items
                .iter()
                .filter_map(|item| item.get("to").cloned())
                .collect::<Vec<_>>(),
        )
    };
    let before: Vec<Node> = places.iter().map(|at| items[*at].clone()).collect();
    let rule = run.config.rewrite_same_meaning.deciders().last();
    let mut cause = run.cause("images[]", rule, Some(&names(&before)), Some(&names(&ours)));
    cause.images = run.document.images.iter().map(|item| item.to.clone()).collect();
    if run.propose(cause) {
        for (at, item) in places.into_iter().zip(ours) {
            items[at] = item;
        }
    }
}
