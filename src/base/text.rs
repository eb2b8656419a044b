//! Makes text of inputs safe to show: on a terminal, and in a pull request's markdown.

use std::fmt::Write as _;

/// Shows control characters and marks of writing direction as `\u{…}`, so that text of inputs cannot steer a terminal
/// or pose as something else. Tabs and what else is printable stay.
pub fn terminal(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\t' => out.push(c),
            '\r' => out.push_str("\\r"),
            '\n' => out.push_str("\\n"),
            c if steers(c) => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}

/// Control characters, line separators and marks of writing direction.
fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// The words that close an issue on GitHub when a reference follows.
const CLOSING: [&str; 9] = [
    "close", "closes", "closed", "fix", "fixes", "fixed", "resolve", "resolves", "resolved",
];

/// What is put into a word so that it looks the same and means nothing: a space of no width.
const BREAK: char = '\u{200b}';

/// Breaks mentions, references and closing keywords, in text that a forge reads but does not render (titles, commit
/// messages).
pub fn inert(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let text = terminal(text);
    let mut rest = text.as_str();
    while let Some(first) = rest.chars().next() {
        if first.is_ascii_alphabetic() {
            let end = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
            let (word, tail) = rest.split_at(end);
            let reference = word.eq_ignore_ascii_case("gh") && tail.starts_with('-');
            if reference || CLOSING.iter().any(|k| k.eq_ignore_ascii_case(word)) {
                let (head, foot) = word.split_at(1);
                let _ = write!(out, "{head}{BREAK}{foot}");
            } else {
                out.push_str(word);
            }
            rest = tail;
            continue;
        }
        out.push(first);
        rest = &rest[first.len_utf8()..];
        if matches!(first, '@' | '#') || (first == ':' && rest.starts_with("//")) {
            out.push(BREAK);
        }
    }
    out
}

/// Escapes text for markdown prose or a table's cell: no markup, no mention, no reference, one line.
pub fn markdown(text: &str) -> String {
    escaped(&inert(text))
}

/// Shows text as code in markdown: a plain code span where nothing in it could end one, escaped otherwise.
pub fn code(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,+ \"'[]{}()*~$%;?!".contains(c);
    let safe = inert(text) == text && text.chars().all(plain) && text.trim() == text && !text.is_empty();
    if safe {
        format!("`{text}`")
    } else {
        format!("<code>{}</code>", escaped(&inert(text)))
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '|' | '~' | '!' | '$' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

/// Bytes, such as those of a digest, in hexadecimal: two lower-case digits each.
pub fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(2 * bytes.len()), |mut out, byte| {
            let _ = write!(out, "{byte:02x}");
            out
        })
}

/// Cuts text to a number of characters, with `…` where something is missing.
pub fn clip(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        Some(_) => {
            let end = text.char_indices().nth(chars.saturating_sub(1)).map_or(0, |(at, _)| at);
            format!("{}…", &text[..end])
        }
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_have_two_digits_each() {
        assert_eq!(hex(&[0, 0x0a, 0xff]), "000aff");
        assert_eq!(hex(&[]), "");
    }

    #[test]
    fn a_terminal_is_not_steered() {
        assert_eq!(
            terminal("a\x1b[31mb\tc\u{202e}d\re\n"),
            "a\\u{1b}[31mb\tc\\u{202e}d\\re\\n"
        );
        assert_eq!(terminal("grün — ok"), "grün — ok");
    }

    #[test]
    fn markdown_of_inputs_means_nothing() {
        let out =
            markdown("Fixes #12, @openshift/all GH-7 https://github.com/o/r/issues/1 <!-- lockstep:end --> `x` | y");
        for bad in ["Fixes", "#12", "@open", "GH-7", "://", "<", " `", " |"] {
            assert!(!out.contains(bad), "{bad} in {out}");
        }
        assert_eq!(
            markdown("the base of fixtures"),
            "the base of fixtures",
            "only whole words are keywords"
        );
    }

    #[test]
    fn code_is_a_span_where_that_is_safe() {
        assert_eq!(code("a/b__c-4.16.yaml"), "`a/b__c-4.16.yaml`");
        assert_eq!(code("a`b|c"), r"<code>a\`b\|c</code>");
        assert!(!code("fixes #1").contains("fixes"));
        assert_eq!(code(""), "<code></code>");
    }

    #[test]
    fn clipping_counts_characters() {
        assert_eq!(clip("äöü", 3), "äöü");
        assert_eq!(clip("äöüß", 3), "äö…");
        assert_eq!(clip("a", 0), "…");
    }
}
