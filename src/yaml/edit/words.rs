//! Words of a text that change where they stand: the scalar around them keeps its form, line breaks and all.

use std::ops::Range;

use super::super::{Node, Value};
use super::tree::{Shape, Spot, Tree};
use super::walk::Splice;
use super::write::Quotes;
use super::{How, Refused, documents, spliced};

/// Puts words in the place of parts of a text: `words` are ranges of what the text at the end of `path` means, each with what
/// is to stand there instead. Nothing else of the file changes.
///
/// # Errors
/// There is no such text, or its words cannot be told apart as they are written: an alias, an escape, a line break in one.
pub fn reword(text: &str, document: usize, path: &[&str], words: &[(Range<usize>, String)]) -> Result<String, Refused> {
    let mut wanted = documents(text, &How::default())?;
    let root = wanted.get_mut(document).ok_or(Refused::Unfollowed)?;
    let node = path.iter().try_fold(root, |node, key| node.as_map_mut()?.get_mut(key));
    let node = node.ok_or(Refused::Unfollowed)?;
    let meant = node.as_str().ok_or(Refused::Unfollowed)?.to_owned();
    let tree = Tree::of(text)?;
    let root = tree.documents.get(document).and_then(Option::as_ref);
    let spot = root.and_then(|root| find(root, path)).ok_or(Refused::Unfollowed)?;
    let written = text.get(spot.range.clone()).unwrap_or_default();
    let mut splices = Vec::new();
    for (range, word) in words {
        let at = place(&meant, range, written).ok_or(Refused::Unfollowed)?;
        splices.push(Splice {
            range: spot.range.start + at.start..spot.range.start + at.end,
            text: spelled(word, written),
        });
    }
    let mut after = meant;
    let mut words: Vec<_> = words.iter().collect();
    words.sort_by_key(|(range, _)| std::cmp::Reverse(range.start));
    for (range, word) in words {
        after.replace_range(range.clone(), word);
    }
    *node = Node {
        pos: node.pos,
        value: Value::String(after.into()),
    };
    let after = spliced(text, splices);
    match documents(&after, &How::default()) {
        Ok(means) if means == wanted => Ok(after),
        _ => Err(Refused::Otherwise),
    }
}

fn find<'s>(root: &'s Spot, path: &[&str]) -> Option<&'s Spot> {
    path.iter().try_fold(root, |spot, key| match &spot.shape {
        Shape::Map(entries) => entries.iter().find(|entry| entry.key == *key)?.value.as_ref(),
        _ => None,
    })
}

/// Where a part of a scalar's meaning stands in the scalar as it is written: as often as it occurs in the one it must occur
/// in the other.
fn place(meant: &str, range: &Range<usize>, written: &str) -> Option<Range<usize>> {
    let word = meant.get(range.clone()).filter(|word| !word.is_empty())?;
    let form = spelled(word, written);
    let there: Vec<usize> = written.match_indices(&form).map(|(at, _)| at).collect();
    let occurs: Vec<usize> = meant.match_indices(word).map(|(at, _)| at).collect();
    let at = occurs.iter().position(|at| *at == range.start)?;
    let start = *there.get(at).filter(|_| there.len() == occurs.len())?;
    Some(start..start + form.len())
}

/// A word as it stands in a scalar with these quotes.
fn spelled(word: &str, written: &str) -> String {
    match Quotes::of(written) {
        Quotes::Single => word.replace('\'', "''"),
        Quotes::Double => word.replace('\\', "\\\\").replace('"', "\\\""),
        Quotes::Needed => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn swap(text: &str, old: &str, new: &str) -> Result<String, Refused> {
        let meant = documents(text, &How::default()).expect("YAML")[0]
            .at(&["a", "x"])
            .and_then(Node::as_str)
            .expect("a text")
            .to_owned();
        let at = meant.rfind(old).expect("the word");
        reword(text, 0, &["a", "x"], &[(at..at + old.len(), new.to_owned())])
    }

    #[test]
    fn a_word_changes_where_it_stands_in_every_form_of_scalar() {
        for (text, old, new) in [
            (
                "a:\n  x: e == \"push\" && b\n    == \"main\" # why\n  y: 1\n",
                "\"main\"",
                "\"r-1\"",
            ),
            (
                "a:\n  x: >-\n    b == \"main\" &&\n    c\n  y: \"main\"\n",
                "\"main\"",
                "\"r-1\"",
            ),
            ("a:\n  x: |\n    b == 'main'\n    && c\n\n  y: 1\n", "'main'", "'r-1'"),
            ("a: {x: 'b == \"main\"', y: 1}\n", "\"main\"", "\"r-1\""),
            ("a:\r\n  x: \"b == 1\"\r\n  y: main", "1", "2"),
        ] {
            let at = text.find(old).expect("there");
            let mut wanted = text.to_owned();
            wanted.replace_range(at..at + old.len(), new);
            assert_eq!(swap(text, old, new), Ok(wanted), "{text}");
        }
        let quoted = "a:\n  x: 'b == ''main'' && c == \"main\"'\n";
        assert_eq!(
            swap(quoted, "'main'", "'r-1'"),
            Ok(quoted.replace("''main''", "''r-1''"))
        );
        let quoted = "a:\n  x: \"b == \\\"main\\\"\"\n";
        assert_eq!(swap(quoted, "\"main\"", "\"r-1\""), Ok(quoted.replace("main", "r-1")));
        let twice = "a:\n  x: b == \"main\" || c == \"main\"\n";
        assert_eq!(
            swap(twice, "\"main\"", "\"n\""),
            Ok("a:\n  x: b == \"main\" || c == \"n\"\n".to_owned())
        );
    }

    #[test]
    fn what_cannot_be_told_apart_stays() {
        let escaped = "a:\n  x: \"b == \\x22main\\x22\"\n";
        assert_eq!(swap(escaped, "\"main\"", "\"r\""), Err(Refused::Unfollowed));
        let alias = "z: &e b == \"main\"\na:\n  x: *e\n";
        assert!(swap(alias, "\"main\"", "\"r\"").is_err());
        assert_eq!(
            reword("a: 1\n", 0, &["a"], &[(0..1, "2".to_owned())]),
            Err(Refused::Unfollowed)
        );
        assert_eq!(
            reword("a: b\n", 1, &["a"], &[(0..1, "2".to_owned())]),
            Err(Refused::Unfollowed)
        );
    }
}
