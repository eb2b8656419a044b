//! Values as rules write them: YAML in which `${expression}` stands for what the expression yields.
//!
//! A text that is one `${…}` and nothing else keeps the type of its value; inside a longer text the value must be a
//! text, a number or a boolean. `$${` stands for `${` itself.

use serde_json::{Map, Number, Value as Json};

use super::expr::{Expr, Scope};
use super::expr_error::ExprError;
use crate::yaml::{Node, Pos, Value};

/// A value with expressions in it.
#[derive(Debug)]
pub enum Template {
    /// No expression at all.
    Literal(Json),
    /// One expression, its type kept.
    Whole(Expr),
    /// A text with expressions in it.
    Text(Vec<Part>),
    /// A list.
    List(Vec<Template>),
    /// A mapping.
    Map(Vec<(String, Template)>),
}

/// A part of a text.
#[derive(Debug)]
pub enum Part {
    /// Itself.
    Literal(String),
    /// An expression's value.
    Expr(Expr),
}

/// A fault of a template and where it stands.
#[derive(Debug)]
pub struct Fault {
    /// Where the text starts in which the fault is.
    pub pos: Pos,
    /// What is wrong.
    pub error: ExprError,
}

impl Template {
    /// Reads a template from a rule file's value.
    ///
    /// # Errors
    /// An expression that does not compile, with its place.
    pub fn read(node: &Node) -> Result<Self, Fault> {
        Self::read_with(node, &Expr::compile)
    }

    /// Reads a template whose expressions are made by a function.
    ///
    /// # Errors
    /// What the function finds wrong with an expression, with its place.
    pub fn read_with(node: &Node, make: &dyn Fn(&str) -> Result<Expr, ExprError>) -> Result<Self, Fault> {
        Ok(match &node.value {
            Value::String(text) => Self::read_text(text, make).map_err(|error| Fault { pos: node.pos, error })?,
            Value::Seq(items) => {
                let items = items.iter().map(|item| Self::read_with(item, make));
                let items = items.collect::<Result<Vec<_>, _>>()?;
                if items.iter().all(|item| matches!(item, Self::Literal(_))) {
                    return Ok(Self::Literal(items.into_iter().map(Self::into_literal).collect()));
                }
                Self::List(items)
            }
            Value::Map(map) => {
                let mut entries = Vec::with_capacity(map.entries.len());
                for (key, value) in &map.entries {
                    entries.push((key.text.to_string(), Self::read_with(value, make)?));
                }
                if entries.iter().all(|(_, value)| matches!(value, Self::Literal(_))) {
                    let entries = entries.into_iter().map(|(key, value)| (key, value.into_literal()));
                    return Ok(Self::Literal(Json::Object(entries.collect())));
                }
                Self::Map(entries)
            }
            Value::Bool(value) => Self::Literal(Json::Bool(*value)),
            Value::Null => Self::Literal(Json::Null),
            _ => Self::Literal(number(node.text().unwrap_or_default())),
        })
    }

    fn read_text(text: &str, make: &dyn Fn(&str) -> Result<Expr, ExprError>) -> Result<Self, ExprError> {
        let mut parts = parts(text, make)?;
        Ok(match parts.len() {
            0 => Self::Literal(Json::String(String::new())),
            1 => match parts.remove(0) {
                Part::Literal(text) => Self::Literal(Json::String(text)),
                Part::Expr(expr) => Self::Whole(expr),
            },
            _ => Self::Text(parts),
        })
    }

    fn into_literal(self) -> Json {
        match self {
            Self::Literal(value) => value,
            _ => Json::Null,
        }
    }

    /// Evaluates the template.
    ///
    /// # Errors
    /// What an expression ran into.
    pub fn evaluate(&self, scope: &Scope<'_>) -> Result<Json, ExprError> {
        Ok(match self {
            Self::Literal(value) => value.clone(),
            Self::Whole(expr) => expr.evaluate(scope)?,
            Self::Text(parts) => Json::String(evaluate_parts(parts, scope)?),
            Self::List(items) => items
                .iter()
                .map(|item| item.evaluate(scope))
                .collect::<Result<_, _>>()?,
            Self::Map(entries) => {
                let mut map = Map::new();
                for (key, value) in entries {
                    map.insert(key.clone(), value.evaluate(scope)?);
                }
                Json::Object(map)
            }
        })
    }

    /// All expressions of the template.
    pub fn expressions(&self) -> Vec<&Expr> {
        match self {
            Self::Literal(_) => Vec::new(),
            Self::Whole(expr) => vec![expr],
            Self::Text(parts) => {
                let expressions = parts.iter().filter_map(|part| match part {
                    Part::Expr(expr) => Some(expr),
                    Part::Literal(_) => None,
                });
                expressions.collect()
            }
            Self::List(items) => items.iter().flat_map(Self::expressions).collect(),
            Self::Map(entries) => entries.iter().flat_map(|(_, value)| value.expressions()).collect(),
        }
    }
}

fn evaluate_parts(parts: &[Part], scope: &Scope<'_>) -> Result<String, ExprError> {
    let mut out = String::new();
    for part in parts {
        match part {
            Part::Literal(text) => out.push_str(text),
            Part::Expr(expr) => match expr.evaluate(scope)? {
                Json::String(text) => out.push_str(&text),
                value @ (Json::Number(_) | Json::Bool(_)) => out.push_str(&value.to_string()),
                value => return Err(ExprError::NoText(value)),
            },
        }
    }
    Ok(out)
}

/// Whole numbers are numbers; anything else keeps its text, so that `4.10` stays 4.10.
fn number(text: &str) -> Json {
    match text.parse::<i64>() {
        Ok(value) if value.to_string() == text => Json::Number(Number::from(value)),
        _ => Json::String(text.to_owned()),
    }
}

fn parts(text: &str, make: &dyn Fn(&str) -> Result<Expr, ExprError>) -> Result<Vec<Part>, ExprError> {
    let mut parts = Vec::new();
    let mut literal = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        if rest[..at].ends_with('$') {
            literal.push_str(&rest[..at - 1]);
            literal.push_str("${");
            rest = &rest[at + 2..];
            continue;
        }
        literal.push_str(&rest[..at]);
        let inside = &rest[at + 2..];
        let end = closing_brace(inside).ok_or(ExprError::Unclosed)?;
        if !literal.is_empty() {
            parts.push(Part::Literal(std::mem::take(&mut literal)));
        }
        parts.push(Part::Expr(make(&inside[..end])?));
        rest = &inside[end + 1..];
    }
    literal.push_str(rest);
    if !literal.is_empty() {
        parts.push(Part::Literal(literal));
    }
    Ok(parts)
}

/// Finds the brace that ends an expression: braces nest, and those in quoted texts don't count.
fn closing_brace(text: &str) -> Option<usize> {
    let (mut depth, mut quote, mut escaped) = (0usize, None, false);
    for (at, byte) in text.bytes().enumerate() {
        match (quote, byte) {
            (Some(_), _) if escaped => escaped = false,
            (Some(_), b'\\') => escaped = true,
            (Some(open), _) if byte == open => quote = None,
            (Some(_), _) => {}
            (None, b'\'' | b'"') => quote = Some(byte),
            (None, b'{') => depth += 1,
            (None, b'}') if depth == 0 => return Some(at),
            (None, b'}') => depth -= 1,
            (None, _) => {}
        }
    }
    None
}
