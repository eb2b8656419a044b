//! The order of keys in openshift/release: yaml.v2's natural one.

use std::cmp::Ordering;

use super::{Key, Node};

/// Compares two keys as yaml.v2 does when it writes a mapping.
///
/// At the first difference two letters compare by code point and a letter comes after anything else; two numbers compare
/// by value, then by length. This is no total order (`a12` < `a1x` < `a2` < `a12`), so the standard sorts, which may
/// panic on such, are not for it.
pub fn key_order(a: &str, b: &str) -> Ordering {
    let Some(at) = a.chars().zip(b.chars()).position(|(x, y)| x != y) else {
        return a.chars().count().cmp(&b.chars().count());
    };
    let (common, a, b) = split(a, b, at);
    let (Some(x), Some(y)) = (a.chars().next(), b.chars().next()) else {
        return a.len().cmp(&b.len());
    };
    match (x.is_alphabetic(), y.is_alphabetic()) {
        (true, true) => x.cmp(&y),
        (true, false) => Ordering::Greater,
        (false, true) => Ordering::Less,
        (false, false) => {
            // Zeros count where digits in front make them part of a larger number.
            let inside = common
                .bytes()
                .rev()
                .take_while(u8::is_ascii_digit)
                .any(|digit| digit != b'0');
            let zero = x == '0' || y == '0';
            compare_numbers(a, b, inside && zero).then(x.cmp(&y))
        }
    }
}

/// What both start with (`chars` characters), and what is left of each.
fn split<'k>(a: &'k str, b: &'k str, chars: usize) -> (&'k str, &'k str, &'k str) {
    let at = a.char_indices().nth(chars).map_or(a.len(), |(at, _)| at);
    (&a[..at], &a[at..], b.get(at..).unwrap_or_default())
}

/// Compares the digits at the front by value (none is zero), then by their number.
fn compare_numbers(a: &str, b: &str, zeros_count: bool) -> Ordering {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let (a, b) = (&a[..digits(a)], &b[..digits(b)]);
    let significant = |text| {
        if zeros_count {
            text
        } else {
            str::trim_start_matches(text, '0')
        }
    };
    let (x, y) = (significant(a), significant(b));
    x.len().cmp(&y.len()).then_with(|| x.cmp(y)).then(a.len().cmp(&b.len()))
}

/// Entries in the order of their keys: a stable merge sort, which always ends and leaves what is in order as it is.
pub(super) fn in_order(entries: &[(Key, Node)]) -> Vec<&(Key, Node)> {
    let mut sorted: Vec<_> = entries.iter().collect();
    let after = |a: &(Key, Node), b: &(Key, Node)| key_order(&a.0.text, &b.0.text) == Ordering::Greater;
    if !sorted.windows(2).any(|pair| matches!(pair, [a, b] if after(a, b))) {
        return sorted;
    }
    let mut width = 1;
    while width < sorted.len() {
        sorted = sorted
            .chunks(2 * width)
            .flat_map(|pair| merge(pair, width, after))
            .collect();
        width *= 2;
    }
    sorted
}

fn merge<'e, T>(pair: &[&'e T], width: usize, after: impl Fn(&T, &T) -> bool) -> Vec<&'e T> {
    let (mut left, mut right) = pair.split_at(width.min(pair.len()));
    let mut merged = Vec::with_capacity(pair.len());
    while let ([a, left_rest @ ..], [b, right_rest @ ..]) = (left, right) {
        if after(a, b) {
            merged.push(*b);
            right = right_rest;
        } else {
            merged.push(*a);
            left = left_rest;
        }
    }
    merged.extend_from_slice(left);
    merged.extend_from_slice(right);
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_compare_as_in_yaml_v2() {
        let pairs = [
            ("a", "b"),
            ("B", "a"),
            ("a", "aa"),
            ("a2", "a10"),
            ("a-b", "ab"),
            ("a_b", "ab"),
            ("a9", "ab"),
            ("a-", "a0"),
            ("a1", "a01"),
            ("1.9", "1.10"),
            ("10", "100"),
            ("100", "101"),
            ("10", "20"),
            ("a1.2", "a12"),
            ("v4.9", "v4.10"),
            ("99999999999999999998", "99999999999999999999"),
            ("", "a"),
            ("é1", "é2"),
            ("-", "é"),
        ];
        for (a, b) in pairs {
            assert_eq!(key_order(a, b), Ordering::Less, "{a:?} {b:?}");
            assert_eq!(key_order(b, a), Ordering::Greater, "{b:?} {a:?}");
        }
        assert_eq!(key_order("a1", "a1"), Ordering::Equal);
    }

    #[test]
    fn keys_that_go_in_a_circle_are_sorted_to_something_stable() {
        let entries = |keys: &[&str]| {
            keys.iter()
                .map(|key| (Key::from(*key), Node::default()))
                .collect::<Vec<_>>()
        };
        let circle: Vec<String> = (0..200)
            .flat_map(|n| [format!("a{n}x"), format!("a{n}"), format!("a{n}-")])
            .collect();
        let once: Vec<_> = in_order(&entries(&circle.iter().map(String::as_str).collect::<Vec<_>>()))
            .iter()
            .map(|(key, _)| key.text.to_string())
            .collect();
        assert_eq!(once.len(), circle.len());
        let again = entries(&once.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(
            in_order(&again)
                .iter()
                .map(|(key, _)| key.text.to_string())
                .collect::<Vec<_>>(),
            once
        );
    }
}
