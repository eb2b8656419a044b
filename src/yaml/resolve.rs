//! What a plain scalar means: the rules of Go's yaml.v2 (YAML 1.1 with exceptions of its own).

use super::timestamp::is_timestamp;

/// What a plain scalar is read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ScalarType {
    Null,
    Bool(bool),
    Integer,
    Float,
    /// Read as a string, but quoted when written: other parsers see a date.
    Timestamp,
    String,
}

/// Resolves a plain scalar.
pub(super) fn resolve(text: &str) -> ScalarType {
    match text.as_bytes().first() {
        None => ScalarType::Null,
        Some(b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' | b'~') => word(text),
        Some(b'.') => dotted(text),
        Some(b'+' | b'-' | b'0'..=b'9') => number(text),
        Some(_) => ScalarType::String,
    }
}

/// Tells whether a string must be quoted lest someone read it as something else (yaml.v2 quotes base-60 numbers too,
/// though it does not read them).
pub(super) fn needs_quotes(text: &str) -> bool {
    resolve(text) != ScalarType::String || is_base60(text)
}

/// Tells whether a parser of YAML 1.1 may take the text for a number in base 60, such as `1:30`.
fn is_base60(text: &str) -> bool {
    let rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    let mut parts = rest.split(':');
    let first = parts.next().unwrap_or_default();
    if !first.starts_with(|c: char| c.is_ascii_digit()) || !first.bytes().all(|b| b.is_ascii_digit() || b == b'_') {
        return false;
    }
    let mut parts = parts.peekable();
    let mut any = false;
    while let Some(part) = parts.next() {
        any = true;
        // Only the last part may have a fraction.
        let (whole, fraction) = match part.split_once('.') {
            Some(_) if parts.peek().is_some() => return false,
            Some((whole, fraction)) => (whole, fraction),
            None => (part, ""),
        };
        let fits = matches!(whole.as_bytes(), [b'0'..=b'9'] | [b'0'..=b'5', b'0'..=b'9']);
        if !fits || !fraction.bytes().all(|b| b.is_ascii_digit() || b == b'_') {
            return false;
        }
    }
    any
}

fn word(text: &str) -> ScalarType {
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => ScalarType::Bool(true),
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => ScalarType::Bool(false),
        "~" | "null" | "Null" | "NULL" => ScalarType::Null,
        _ => ScalarType::String,
    }
}

/// A text that starts with a dot: infinity, not a number, or a float as Go's strconv reads it.
fn dotted(text: &str) -> ScalarType {
    let special = matches!(text, ".nan" | ".NaN" | ".NAN" | ".inf" | ".Inf" | ".INF");
    if special || (underscores_between_digits(text) && is_float(&text.replace('_', ""))) {
        ScalarType::Float
    } else {
        ScalarType::String
    }
}

fn number(text: &str) -> ScalarType {
    if matches!(text, "+.inf" | "+.Inf" | "+.INF" | "-.inf" | "-.Inf" | "-.INF") {
        return ScalarType::Float;
    }
    if is_timestamp(text) {
        return ScalarType::Timestamp;
    }
    if integer(text).is_some() {
        return ScalarType::Integer;
    }
    let plain = if text.contains('_') {
        &text.replace('_', "")
    } else {
        text
    };
    if is_float(plain) {
        ScalarType::Float
    } else {
        ScalarType::String
    }
}

/// The value of an integer: decimal, `0x`, `0o` or `0` octal, `0b`; underscores don't count; from i64::MIN to u64::MAX.
pub(super) fn integer(text: &str) -> Option<i128> {
    let stripped;
    let plain = if text.contains('_') {
        stripped = text.replace('_', "");
        &stripped
    } else {
        text
    };
    let (negative, digits) = match plain.as_bytes().first()? {
        b'-' => (true, plain.get(1..)?),
        b'+' => (false, plain.get(1..)?),
        _ => (false, plain),
    };
    let (base, digits) = match digits.strip_prefix('0') {
        None | Some("") => (10, digits),
        Some(rest) => match rest.as_bytes().first() {
            Some(b'x' | b'X') => (16, rest.get(1..)?),
            Some(b'o' | b'O') => (8, rest.get(1..)?),
            Some(b'b' | b'B') => (2, rest.get(1..)?),
            _ => (8, rest),
        },
    };
    // A second sign would pass from_str_radix.
    if !digits.starts_with(|c: char| c.is_ascii_hexdigit()) {
        return None;
    }
    let magnitude = i128::from(u64::from_str_radix(digits, base).ok()?);
    match negative {
        true if magnitude > i128::from(i64::MAX) + 1 => None,
        true => Some(-magnitude),
        false => Some(magnitude),
    }
}

/// A decimal float in range: `[-+]? (.digits | digits[.digits?]) ([eE][-+]?digits)?`.
fn is_float(text: &str) -> bool {
    let rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match rest.find(['e', 'E']) {
        Some(at) => (&rest[..at], Some(&rest[at + 1..])),
        None => (rest, None),
    };
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    let mantissa_fits = match mantissa.split_once('.') {
        Some((whole, fraction)) => digits(whole) && digits(fraction) && !(whole.is_empty() && fraction.is_empty()),
        None => !mantissa.is_empty() && digits(mantissa),
    };
    let exponent_fits = exponent.is_none_or(|exponent| {
        let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        !exponent.is_empty() && digits(exponent)
    });
    // What is too large for a float stays a string.
    mantissa_fits && exponent_fits && text.parse::<f64>().is_ok_and(f64::is_finite)
}

fn underscores_between_digits(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
    (0..bytes.len()).all(|at| bytes[at] != b'_' || (digit(at.checked_sub(1)) && digit(Some(at + 1))))
}

#[cfg(test)]
mod tests;
