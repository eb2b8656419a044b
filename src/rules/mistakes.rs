//! Expressions that can be read and do not mean what they say: regular expressions that are none, releases compared as
//! texts or numbers. Each would fail, or decide wrongly, in the middle of a run only.

use cel::common::ast::{Expr, IdedExpr, LiteralValue};
use regex::Regex;

use crate::model::arch;

/// Operators that ask which of two values comes first.
const ORDER: [&str; 4] = ["_<_", "_<=_", "_>_", "_>=_"];
/// Operators that ask whether two values are the same.
const SAME: [&str; 2] = ["_==_", "_!=_"];

/// An expression that does not mean what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Its code among [`super::diagnostic::CODES`].
    pub code: &'static str,
    /// The part of the expression that is meant, as written.
    pub part: String,
    /// What is wrong.
    pub message: String,
    /// The right form.
    pub hint: String,
}

/// Finds the mistakes of an expression, in the order of its parts.
pub fn of(source: &str, expression: &IdedExpr) -> Vec<Mistake> {
    let mut found = Vec::new();
    visit(source, expression, &mut found);
    found
}

/// The expression with `==` for its first `=`, if there is one that stands for a comparison.
pub fn with_comparison(source: &str) -> Option<String> {
    let bytes = source.as_bytes();
    let (mut quote, mut at) = (None, 0);
    while let Some(&byte) = bytes.get(at) {
        match (quote, byte) {
            (Some(_), b'\\') => at += 1,
            (Some(open), _) if byte == open => quote = None,
            (None, b'\'' | b'"') => quote = Some(byte),
            (None, b'=') => {
                let before = at.checked_sub(1).map(|before| bytes[before]);
                if bytes.get(at + 1) == Some(&b'=') {
                    at += 1;
                } else if !matches!(before, Some(b'!' | b'<' | b'>')) {
                    return Some(format!("{}={}", &source[..=at], &source[at + 1..]));
                }
            }
            _ => {}
        }
        at += 1;
    }
    None
}

fn visit(source: &str, node: &IdedExpr, found: &mut Vec<Mistake>) {
    match &node.expr {
        Expr::Call(call) => {
            let children: Vec<&IdedExpr> = call.target.iter().map(|target| &**target).chain(&call.args).collect();
            match (call.func_name.as_str(), children.as_slice()) {
                ("matches" | "capture", [_, pattern]) => found.extend(pattern_mistake(pattern)),
                ("@in", [left, list]) => {
                    found.extend(in_mistake(source, left, list));
                    found.extend(is_architectures(list).then(|| architecture_mistake(left)).flatten());
                }
                (operator, [left, right]) if ORDER.contains(&operator) || SAME.contains(&operator) => {
                    found.extend(comparison_mistake(source, operator, left, right));
                }
                _ => {}
            }
            children.iter().for_each(|child| visit(source, child, found));
        }
        Expr::Select(select) => visit(source, &select.operand, found),
        Expr::List(list) => list.elements.iter().for_each(|child| visit(source, child, found)),
        Expr::Comprehension(inner) => {
            if is_architectures(&inner.iter_range) {
                each_compared(&inner.loop_step, &inner.iter_var, &mut |text| {
                    found.extend(architecture_mistake(text))
                });
            }
            for child in [&inner.iter_range, &inner.loop_step, &inner.result] {
                visit(source, child, found);
            }
        }
        // Values of mappings are texts and numbers in all rules there are; what they compare stands in lists and calls.
        Expr::Unspecified | Expr::Literal(_) | Expr::Ident(_) | Expr::Map(_) | Expr::Struct(_) => {}
    }
}

/// A text that is written out, also as a sum of such.
fn text(node: &IdedExpr) -> Option<String> {
    match &node.expr {
        Expr::Literal(LiteralValue::String(text)) => Some(text.inner().to_owned()),
        Expr::Call(call) if call.func_name == "_+_" => call.args.iter().map(text).collect(),
        _ => None,
    }
}

/// A number that is written out: as written where the source has it (`4.10` is not `4.1`).
fn number(source: &str, node: &IdedExpr) -> Option<String> {
    match &node.expr {
        Expr::Literal(LiteralValue::Int(value)) => Some(value.inner().to_string()),
        Expr::Literal(LiteralValue::Double(value)) => {
            let same = |word: &&str| {
                word.parse::<f64>()
                    .is_ok_and(|number| number.total_cmp(value.inner()).is_eq())
            };
            let mut words = source.split(|c: char| !c.is_ascii_digit() && c != '.');
            Some(
                words
                    .find(same)
                    .map_or_else(|| value.inner().to_string(), str::to_owned),
            )
        }
        _ => None,
    }
}

fn is(node: &IdedExpr, name: &str) -> bool {
    matches!(&node.expr, Expr::Ident(ident) if ident == name)
}

fn pattern_mistake(pattern: &IdedExpr) -> Option<Mistake> {
    let pattern = text(pattern)?;
    let error = Regex::new(&pattern).err()?.to_string();
    let reason = error.lines().last().unwrap_or_default();
    let reason = reason.trim().trim_start_matches("error: ").to_owned();
    Some(Mistake {
        code: "bad-regex",
        message: format!("`{pattern}` is no regular expression: {reason}"),
        hint: "write `[.]`, `[(]` or `[*]` for the characters themselves, and close every bracket".into(),
        part: pattern,
    })
}

fn comparison_mistake(source: &str, operator: &str, left: &IdedExpr, right: &IdedExpr) -> Option<Mistake> {
    let (name, other, swapped) = match () {
        () if is(left, "release") => ("release", right, false),
        () if is(right, "release") => ("release", left, true),
        () if is(left, "major") || is(left, "minor") => return part_mistake(operator, left, right),
        () => return None,
    };
    let sign = operator.trim_matches('_');
    if let (Some(number), true) = (number(source, other), SAME.contains(&operator)) {
        return Some(Mistake {
            code: "release-comparison",
            part: name.into(),
            message: format!("`release` is a text and never the number {number}"),
            hint: match sign {
                "==" => format!("write `release == '{number}'`, or `releases: {number}` as a key of the rule"),
                _ => format!("write `release {sign} '{number}'`"),
            },
        });
    }
    if !ORDER.contains(&operator) {
        return None;
    }
    let bound = number(source, other).or_else(|| text(other))?;
    let sign = match (sign, swapped) {
        ("<", true) => ">",
        ("<=", true) => ">=",
        (">", true) => "<",
        (">=", true) => "<=",
        (sign, _) => sign,
    };
    let minor = bound.split_once('.').map(|(_, minor)| minor);
    let as_number = minor.map_or_else(
        || format!("`major {sign} {bound}`"),
        |minor| format!("`minor {sign} {minor}`"),
    );
    Some(Mistake {
        code: "release-comparison",
        part: name.into(),
        message: "`release` is a text, and texts have another order than releases: '4.10' comes before '4.9'".into(),
        hint: format!("give the rule the key `releases: \"{sign}{bound}\"`, or compare {as_number}"),
    })
}

/// `major` and `minor` are numbers.
fn part_mistake(operator: &str, left: &IdedExpr, right: &IdedExpr) -> Option<Mistake> {
    let Expr::Ident(name) = &left.expr else { return None };
    let (text, sign) = (text(right)?, operator.trim_matches('_'));
    Some(Mistake {
        code: "release-comparison",
        part: name.clone(),
        message: format!("`{name}` is a number and cannot be compared with the text '{text}'"),
        hint: format!("write `{name} {sign} {text}`"),
    })
}

/// Whether a list is one of architectures, as metadata names them: `image.arches`, `group.arches`.
fn is_architectures(list: &IdedExpr) -> bool {
    matches!(&list.expr, Expr::Select(select) if select.field == "arches")
}

/// Finds what the items of a list are compared with.
fn each_compared<'e>(node: &'e IdedExpr, item: &str, told: &mut impl FnMut(&'e IdedExpr)) {
    match &node.expr {
        Expr::Call(call) => {
            if let (true, [left, right]) = (SAME.contains(&&*call.func_name), call.args.as_slice()) {
                if is(left, item) {
                    told(right);
                } else if is(right, item) {
                    told(left);
                }
            }
            call.args.iter().for_each(|child| each_compared(child, item, told));
        }
        Expr::Comprehension(inner) => each_compared(&inner.loop_step, item, told),
        _ => {}
    }
}

fn architecture_mistake(name: &IdedExpr) -> Option<Mistake> {
    let name = text(name).filter(|name| !arch::NAMES.contains(&name.as_str()))?;
    Some(Mistake {
        code: "unknown-architecture",
        message: format!("there is no architecture `{name}` in metadata"),
        hint: format!(
            "did you mean `{}`? There are {}",
            arch::meant(&name),
            arch::NAMES.join(", ")
        ),
        part: name,
    })
}

fn in_mistake(source: &str, left: &IdedExpr, list: &IdedExpr) -> Option<Mistake> {
    let Expr::List(list) = &list.expr else { return None };
    let number = list.elements.iter().find_map(|item| number(source, item))?;
    is(left, "release").then(|| Mistake {
        code: "release-comparison",
        part: "release".into(),
        message: format!("`release` is a text and never the number {number}"),
        hint: format!("put every release of the list into quotes: `'{number}'`"),
    })
}
