//! Merges the items of `images`: by `to`, managed fields only, in the form and order that the file has.

use std::collections::BTreeMap;

use super::document::ImageItem;
use super::froms::{Want, Wants, copies, froms};
use super::meaning::{self, Part, Reader, Sources};
use super::merge::{Merge, put};
use super::steps::{self, Steps};
use crate::finding::{Finding, Severity};
use crate::model::build_config::{Image, RuleAt};
use crate::model::replacement::read_item;
use crate::yaml::{Mapping, Node, Value};

/// Merges all images into a file.
pub fn merge(run: &mut Merge<'_>, root: &mut Node) {
    let as_items = match root.get("images").map(|images| &images.value) {
        Some(Value::Map(_)) => true,
        Some(Value::Seq(_)) => turned(run, root),
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
    let around = Around {
        base_images: root.get("base_images").cloned(),
        steps: Steps::of(root),
        from_step: shared(&items),
    };
    let (mut last, mut moved) = (None, Vec::new());
    for wanted in &run.document.images {
        let at = items.iter().position(|item| is(item, &wanted.to));
        last = match at {
            Some(at) => {
                moved.extend(update(run, &mut items[at], wanted, &around));
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
    for (step, base) in moved {
        steps::rebase(root, &step, &base);
    }
}

/// What stands in a file around its images.
struct Around {
    base_images: Option<Node>,
    steps: Steps,
    /// How many images are built from a reference.
    from_step: BTreeMap<String, usize>,
}

/// How many images are built from each reference.
fn shared(items: &[Node]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for from in items.iter().filter_map(|item| item.get("from")?.text()) {
        *counts.entry(from.to_owned()).or_default() += 1;
    }
    counts
}

/// Turns a list of images into the form with `items`, where that is the form; `false`: it stays a list.
fn turned(run: &mut Merge<'_>, root: &mut Node) -> bool {
    let Some(list) = root.get("images").filter(|_| run.config.images_as_items.value) else {
        return false;
    };
    let items = Node::map([("items", list.clone())]);
    let mut cause = run.cause("images", run.config.images_as_items.rules.last(), None, None);
    cause.old = Some("a list".to_owned());
    cause.new = Some("`items` of a mapping".to_owned());
    let turned = run.propose(cause);
    if turned {
        put(root, &["images"], items);
    }
    turned
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
        let mut cause = run.cause("images[]", dropped.rule.as_ref(), Some(&items[at]), None);
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
    let reason = run.release.images.get(&wanted.key).map(|image| &image.reason);
    let rule = reason.and_then(|reason| reason.rule.as_ref());
    let mut cause = run.cause("images[]", rule, None, Some(&item));
    cause.because = reason.map(|reason| reason.because.clone()).unwrap_or_default();
    cause.item = Some(wanted.to.clone());
    cause.images = vec![wanted.to.clone()];
    if !run.propose(cause) {
        return None;
    }
    let at = last.map_or(items.len(), |last| last + 1);
    items.insert(at, item);
    Some(at)
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

/// Puts an item right. What is there of a step whose base moves is for the caller to change: the step, and its base.
fn update(run: &mut Merge<'_>, item: &mut Node, wanted: &ImageItem, around: &Around) -> Option<(String, String)> {
    let image = run.release.images.get(&wanted.key)?;
    let mut moved = None;
    let rewrite = run.config.rewrite_same_meaning.value;
    let our_bases = our_bases(run);
    let reader = Reader {
        image,
        base_images: [around.base_images.as_ref(), Some(&our_bases)],
        spellings: &run.release.payload.spellings,
    };
    let sources = reader.wanted(&wanted.wants);
    let copied = |name: &str| copies(image).any(|copy| copy.token == name || copy.written == name);
    let keep = |name: &str| (wanted.open.contains(name) || copied(name)) && !image.stages.is_continued(name);
    for (name, value) in &wanted.fields {
        let there = item.get(name).cloned();
        let value = match *name {
            "build_args" => with_extra_args(there.as_ref(), value.as_ref(), rewrite),
            "inputs" => with_extra_inputs(there.as_ref(), value.as_ref(), keep),
            "from" if wanted.open_base => there.clone(),
            _ => value.clone(),
        };
        let kept = there.is_some() && (run.fields.keeps("images") || run.fields.keeps(&format!("images[].{name}")));
        if there == value || kept {
            continue;
        }
        if !rewrite && same(item, name, wanted, &reader, around) {
            if *name == "from" {
                note_step(run, item, wanted, around);
            }
            continue;
        }
        if let Some((step, base)) = step_to_move(item, wanted, around).filter(|_| *name == "from" && !rewrite) {
            let rule = rule(image, name, &reader.there(item), &sources);
            let (old, new) = (Node::string(around.steps.behind(&step)), Node::string(base.as_str()));
            let mut cause = run.cause("raw_steps[]", rule, Some(&old), Some(&new));
            cause.item = Some(step.clone());
            cause.images = vec![wanted.to.clone()];
            if run.propose(cause) {
                moved = Some((step, base));
            }
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
    moved
}

/// The step of a person that an image is built from and whose base is another one by now, with the base that it should have.
fn step_to_move(item: &Node, wanted: &ImageItem, around: &Around) -> Option<(String, String)> {
    let from = item.get("from").and_then(Node::text)?;
    let alone = around.from_step.get(from).is_none_or(|images| *images == 1);
    let theirs = around.steps.has(from) && wanted.from.as_deref() != Some(from);
    let base = wanted.base.clone().filter(|_| theirs && alone)?;
    Some((around.steps.first(from).to_owned(), base))
}

/// Tells of a step that metadata does not ask for.
fn note_step(run: &mut Merge<'_>, item: &Node, wanted: &ImageItem, around: &Around) {
    let Some(from) = item
        .get("from")
        .filter(|from| from.text().is_some_and(|text| around.steps.has(text)))
    else {
        return;
    };
    if wanted.from != wanted.base {
        return;
    }
    let step = from.text().unwrap_or_default();
    let text = format!(
        "{} is built from {step}, a step that somebody put before its base {}; metadata does not ask for one",
        wanted.to,
        around.steps.behind(step)
    );
    let finding = Finding::new(Severity::Note, "step-by-hand", text)
        .with_image(wanted.to.clone())
        .with_help("it stays; `inject_rpm_repositories` of `okd_alignment` would keep it at the next branch cut, too");
    run.finding(finding, from.pos.line);
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
fn same(item: &Node, field: &str, wanted: &ImageItem, reader: &Reader<'_>, around: &Around) -> bool {
    let sources = reader.wanted(&wanted.wants);
    let as_it_is = |part| reader.there(item).same(&sources, part);
    // What somebody put a step before is still built from what is behind it.
    let without_steps = |part, wants: &Wants| {
        let plain = around.steps.without(item);
        reader.there(&plain).same(&reader.wanted(wants), part)
    };
    let through_step = item
        .get("from")
        .and_then(Node::text)
        .is_some_and(|from| around.steps.has(from));
    match field {
        // What CI cannot read is no config at all, whatever else it says.
        "inputs" => {
            read_item(item).faults.is_empty() && (as_it_is(Part::Inputs) || without_steps(Part::Inputs, &wanted.wants))
        }
        "from" => as_it_is(Part::Base) || through_step && without_steps(Part::Base, &behind_our_step(wanted)),
        "dockerfile_path" | "context_dir" => meaning::dockerfile(item) == meaning::dockerfile(&new_item(wanted)),
        _ => false,
    }
}

/// What is wanted where the step that metadata asks for is looked through.
fn behind_our_step(wanted: &ImageItem) -> Wants {
    let mut wants = wanted.wants.clone();
    for want in &mut wants.froms {
        if let (Want::By(reference), Some(step), Some(base)) = (&*want, &wanted.from, &wanted.base)
            && reference == step
        {
            *want = Want::By(base.clone());
        }
    }
    wants
}

/// The rule behind a derived field.
fn rule<'i>(image: &'i Image, field: &str, there: &Sources, wanted: &Sources) -> Option<&'i RuleAt> {
    let base = image.base.as_ref().filter(|base| !base.inner);
    match field {
        "build_args" => image.build_args.rules.last(),
        "context_dir" => image.context_dir.rules.last(),
        "dockerfile_path" => image.dockerfile.rules.last(),
        "from" if !image.prepare.rules.is_empty() => image.prepare.rules.last(),
        "from" => base.and_then(|input| input.pullspec.rules.last()),
        _ => {
            // The first FROM whose source differs is what a reader wants to hear about.
            let differs = |at: usize| there.froms.get(at) != wanted.froms.get(at);
            let from = froms(image).find(|(at, _)| differs(*at)).map(|(_, line)| line);
            let copy = || copies(image).find(|copy| copy.replaced);
            let line = from.or_else(copy).or_else(|| froms(image).next().map(|(_, line)| line));
            line.and_then(|line| line.rules.last())
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
    let rule = run.config.rewrite_same_meaning.rules.last();
    let mut cause = run.cause("images[]", rule, Some(&names(&before)), Some(&names(&ours)));
    cause.images = run.document.images.iter().map(|item| item.to.clone()).collect();
    if run.propose(cause) {
        for (at, item) in places.into_iter().zip(ours) {
            items[at] = item;
        }
    }
}
