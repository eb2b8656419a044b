//! Texts as Go's libraries read and write them: the generator's own are in Go.

/// Units of a duration, in nanoseconds.
const UNITS: [(&str, f64); 8] = [
    ("ns", 1.0),
    ("us", 1e3),
    ("µs", 1e3),
    ("μs", 1e3),
    ("ms", 1e6),
    ("s", 1e9),
    ("m", 60e9),
    ("h", 3600e9),
];

const SECOND: u64 = 1_000_000_000;

/// A duration in nanoseconds; `None` where the text is none, or is negative.
pub fn duration(text: &str) -> Option<u64> {
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest == "0" {
        return Some(0);
    }
    let mut total: f64 = 0.0;
    while !rest.is_empty() {
        let end = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(rest.len());
        let (number, after) = rest.split_at(end);
        let value: f64 = number.parse().ok()?;
        let end = after
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        let (_, size) = UNITS.iter().find(|(name, _)| *name == unit)?;
        total += value * size;
        rest = after;
    }
    // 2^63 nanoseconds are the most.
    let whole = !text.is_empty() && total < 9.2e18;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is not negative, and smaller than the type's largest value"
    )]
    whole.then_some(total.round() as u64)
}

/// A duration as Go prints it: `1h30m0s`, `90ms`, `0s`.
pub fn show(nanoseconds: u64) -> String {
    if nanoseconds < SECOND {
        return match nanoseconds {
            0 => "0s".to_owned(),
            1..1_000 => format!("{nanoseconds}ns"),
            1_000..1_000_000 => format!("{}µs", fraction(nanoseconds, 1_000)),
            _ => format!("{}ms", fraction(nanoseconds, 1_000_000)),
        };
    }
    let (minutes, rest) = (nanoseconds / (60 * SECOND), nanoseconds % (60 * SECOND));
    let (hours, minutes) = (minutes / 60, minutes % 60);
    let seconds = fraction(rest, SECOND);
    match (hours, minutes) {
        (0, 0) => format!("{seconds}s"),
        (0, _) => format!("{minutes}m{seconds}s"),
        _ => format!("{hours}h{minutes}m{seconds}s"),
    }
}

/// A number of units with the digits that are left.
fn fraction(value: u64, unit: u64) -> String {
    let (whole, rest) = (value / unit, value % unit);
    if rest == 0 {
        return whole.to_string();
    }
    let width = unit.ilog10() as usize;
    let digits = format!("{rest:0width$}");
    format!("{whole}.{}", digits.trim_end_matches('0'))
}

/// A path inside a folder, with `.`, `..` and double slashes resolved.
pub fn join(folder: &str, path: &str) -> String {
    let joined = format!("{folder}/{path}");
    let rooted = joined.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in joined.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            ".." if rooted => {}
            part => parts.push(part),
        }
    }
    match (rooted, parts.is_empty()) {
        (true, _) => format!("/{}", parts.join("/")),
        (false, true) => ".".to_owned(),
        (false, false) => parts.join("/"),
    }
}
