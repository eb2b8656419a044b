//! Characters beyond U+FFFF: yaml.v2 escapes them, the libyaml at hand writes them as they are.
//!
//! Nothing tells libyaml to escape these only. So each is given to it as ten placeholders, as many columns as the escape
//! `\U0001F600` has (lines fold by columns), and what comes out gets the escape.

/// Marks start and end of a placeholder; it and the digits are noncharacters, which no text should have.
const MARK: char = '\u{fdd0}';
const DIGITS: [char; 16] = [
    '\u{fdd1}', '\u{fdd2}', '\u{fdd3}', '\u{fdd4}', '\u{fdd5}', '\u{fdd6}', '\u{fdd7}', '\u{fdd8}', '\u{fdd9}',
    '\u{fdda}', '\u{fddb}', '\u{fddc}', '\u{fddd}', '\u{fdde}', '\u{fddf}', '\u{fde0}',
];

/// Whether what was written needs escapes and can get them. A text that has noncharacters of its own can't: it stays as it
/// is, which means the same.
pub(super) fn needed(written: &str) -> bool {
    written.bytes().any(|byte| byte >= 0xf0) && !written.contains(is_placeholder)
}

fn is_placeholder(c: char) -> bool {
    (MARK..='\u{fde0}').contains(&c)
}

/// The text with placeholders; none if it needs none.
pub(super) fn hide(text: &str) -> Option<String> {
    if !text.bytes().any(|byte| byte >= 0xf0) {
        return None;
    }
    let mut hidden = String::with_capacity(text.len() * 2);
    for c in text.chars() {
        if c <= '\u{ffff}' {
            hidden.push(c);
            continue;
        }
        hidden.push(MARK);
        hidden.extend(
            (0..8)
                .rev()
                .map(|digit| DIGITS[(u32::from(c) >> (4 * digit)) as usize & 0xf]),
        );
        hidden.push(MARK);
    }
    Some(hidden)
}

/// Puts the escapes in the places of the placeholders.
pub(super) fn reveal(written: &str) -> String {
    let mut inside = false;
    let mut text = String::with_capacity(written.len());
    for c in written.chars() {
        if c == MARK {
            inside = !inside;
            text.push_str(if inside { "\\U" } else { "" });
        } else if let Some(digit) = DIGITS.iter().position(|&digit| digit == c) {
            text.extend(
                u32::try_from(digit)
                    .ok()
                    .and_then(|digit| char::from_digit(digit, 16))
                    .map(|c| c.to_ascii_uppercase()),
            );
        } else {
            text.push(c);
        }
    }
    text
}
