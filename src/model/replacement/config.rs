//! What an item of a ci-operator config's `images` tells the builder.

use super::Replacements;
use crate::yaml::{Mapping, Node, Pos};

/// `from` and `inputs` of an item.
#[derive(Clone, Debug, Default)]
pub struct Item<'n> {
    /// Names of images in the place of texts. ci-operator hands inputs over in the order of their keys.
    pub replacements: Replacements<'n>,
    /// Inputs that are no mappings, or whose `as` is no list of texts: CI cannot read such a config at all.
    pub faults: Vec<Fault<'n>>,
}

/// An input of another form than expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault<'n> {
    /// The key of the input.
    pub input: &'n str,
    /// Where it is.
    pub pos: Pos,
    /// What is there.
    pub found: &'static str,
    /// What should be.
    pub expected: &'static str,
}

/// Reads an item. What has another form than expected counts as absent.
pub fn read_item(item: &Node) -> Item<'_> {
    let inputs = item.get("inputs").and_then(Node::as_map);
    let mut inputs: Vec<(&str, &Node)> = inputs.into_iter().flat_map(Mapping::iter).collect();
    inputs.sort_by_key(|(key, _)| *key);
    let (mut texts, mut faults) = (Vec::new(), Vec::new());
    for (key, input) in inputs {
        let fault = |node: &Node, expected| Fault {
            input: key,
            pos: node.pos,
            found: node.type_name(),
            expected,
        };
        if input.as_map().is_none() && !input.is_null() {
            faults.push(fault(input, "a mapping"));
        }
        let Some(names) = input.get("as").filter(|names| !names.is_null()) else {
            continue;
        };
        let Some(list) = names.as_seq() else {
            faults.push(fault(names, "`as` as a list of texts"));
            continue;
        };
        for name in list {
            match name.text() {
                Some(text) => texts.push((text, key)),
                None => faults.push(fault(name, "a text below `as`")),
            }
        }
    }
    let from = item.get("from").and_then(Node::text).filter(|from| !from.is_empty());
    Item {
        replacements: Replacements::by_name(from, texts),
        faults,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml;

    #[test]
    fn inputs_are_read_in_the_order_of_their_keys() {
        let text = "from: base\ninputs:\n  z: {as: [x, y]}\n  a: {as: [x, w]}\n  p: {paths: []}\n";
        let node = yaml::parse(text.as_bytes()).expect("YAML");
        let item = read_item(&node);
        let with = &item.replacements;
        assert_eq!(
            (with.base, with.of("x"), with.of("w"), with.of("q")),
            (Some("base"), Some("z"), Some("a"), None)
        );
        assert_eq!(item.faults, []);
    }

    #[test]
    fn what_is_no_list_of_texts_is_a_fault_and_costs_nothing_else() {
        let text = "inputs:\n  a: {as: x}\n  b: {as: [[x], w]}\n  c: text\n  d: {as: null}\n  e: {as: [z]}\n";
        let node = yaml::parse(text.as_bytes()).expect("YAML");
        let item = read_item(&node);
        let faults: Vec<_> = item.faults.iter().map(|fault| (fault.input, fault.pos.line)).collect();
        assert_eq!(faults, [("a", 2), ("b", 3), ("c", 4)]);
        assert_eq!(
            (item.replacements.of("w"), item.replacements.of("z")),
            (Some("b"), Some("e"))
        );
    }
}
