//! Names of variables that rules had once and that mean something else in the files: they are read as what they meant, and told.

use std::borrow::Cow;

/// A part of an image that had another name: the old one, and the one that says what it is.
const RENAMED: [(&str, &str); 2] = [("okd", "okd_alignment"), ("konflux", "okd_stanza")];
/// Variables that have a part of an old name which still means what it says.
const OTHERS: [&str; 3] = ["group", "stream", "metadata"];

/// The expression with today's names.
pub fn renamed(source: &str) -> Cow<'_, str> {
    let found = find(source);
    if found.is_empty() {
        return Cow::Borrowed(source);
    }
    let (mut out, mut rest) = (String::with_capacity(source.len() + 16), 0);
    for (at, old, new) in found {
        out.push_str(&source[rest..at]);
        out.push_str(new);
        rest = at + old.len();
    }
    out.push_str(&source[rest..]);
    Cow::Owned(out)
}

/// The old names in an expression, each with what it is selected from, as written: `image.okd` and what to write for it.
pub fn told(source: &str) -> Vec<(String, String)> {
    let told = find(source).into_iter().map(|(at, old, new)| {
        let from = &source[..at];
        let start = word_start(from.trim_end_matches('.'));
        let subject = &from[start..];
        (format!("{subject}{old}"), format!("{subject}{new}"))
    });
    let mut told: Vec<_> = told.collect();
    told.sort();
    told.dedup();
    told
}

/// Where the word starts that a text ends with.
fn word_start(text: &str) -> usize {
    text.trim_end_matches(is_word).len()
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Where an old name stands: selected from a variable itself or from an item of a list, outside of quoted texts.
fn find(source: &str) -> Vec<(usize, &'static str, &'static str)> {
    let bytes = source.as_bytes();
    let (mut found, mut quote, mut at) = (Vec::new(), None, 0);
    while let Some(&byte) = bytes.get(at) {
        match (quote, byte) {
            (Some(_), b'\\') => at += 1,
            (Some(open), _) if byte == open => quote = None,
            (None, b'\'' | b'"') => quote = Some(byte),
            (None, b'.') if is_image(&source[..at]) => {
                let rest = &source[at + 1..];
                let word = rest.find(|c| !is_word(c)).map_or(rest, |end| &rest[..end]);
                let renamed = RENAMED.iter().find(|(old, _)| *old == word);
                found.extend(renamed.map(|(old, new)| (at + 1, *old, *new)));
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// Whether what stands before a dot can be an image: a variable, or an item of a list.
fn is_image(before: &str) -> bool {
    if before.ends_with(']') {
        return true;
    }
    let start = word_start(before);
    let (head, name) = before.split_at(start);
    !name.is_empty() && !head.ends_with('.') && !OTHERS.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_names_are_read_as_what_they_meant() {
        let cases = [
            ("image.okd.tag_name != ''", "image.okd_alignment.tag_name != ''"),
            ("member.konflux.mode", "member.okd_stanza.mode"),
            (
                "images.filter(i, i.okd.ci_always_run)[0].okd.run_if_changed",
                "images.filter(i, i.okd_alignment.ci_always_run)[0].okd_alignment.run_if_changed",
            ),
        ];
        for (old, new) in cases {
            assert_eq!(renamed(old), new);
            assert_eq!(renamed(new), new, "today's name is itself");
        }
        assert_eq!(
            told("image.okd.path + image.okd.tag_name + member.konflux.mode"),
            [
                ("image.okd", "image.okd_alignment"),
                ("member.konflux", "member.okd_stanza")
            ]
            .map(|(old, new)| (old.to_owned(), new.to_owned()))
        );
    }

    #[test]
    fn names_that_mean_what_they_say_stay() {
        for same in [
            "group.okd.enabled",
            "stream.okd.image",
            "metadata.konflux.network_mode",
            "'image.okd' == \"a \\\" image.okd\"",
            "image.okdx + image.source.okd",
            "image.konflux_stanza.mode",
            "imag\u{feff}e.mode",
            "é.okdé",
            "",
            "'open image.okd",
        ] {
            assert_eq!(renamed(same), same);
            assert_eq!(told(same), []);
        }
    }
}
