//! The sample world that rules are checked on when they are loaded: every variable of every subject, with the values
//! of files that say nothing.
//!
//! CEL has no static types here, so names are compared with the sample's shape, and results with a field's form after an
//! evaluation on the sample. An evaluation that fails (an index into an empty list, say) tells nothing and is passed over.

use serde_json::Value as Json;

use super::expr::{Expr, Scope};
use super::hint::nearest;
use super::subject::{Field, FieldForm, Subject};
use super::template::Template;
use super::variables;

/// The scope in which rules about a subject are tried.
fn scope(subject: Subject) -> Scope<'static> {
    let mut scope = Scope::new();
    for (name, value) in variables::seen_by(subject) {
        scope.show(name, value);
    }
    scope
}

/// A path that leads nowhere.
#[derive(Debug, thiserror::Error)]
#[error("{}", match path.as_slice() {
    [] => format!("unknown variable `{name}` in a rule on {}", subject.name()),
    path => format!("`{}` has no `{name}`", path.join(".")),
})]
pub struct LeadsNowhere {
    /// What the rule is on.
    pub subject: Subject,
    /// How far the path leads.
    pub path: Vec<String>,
    /// What is not there.
    pub name: String,
    /// What may be meant.
    pub hint: String,
}

/// Checks a path such as `image.okd_alignment.tag_name` against the sample's shape.
///
/// # Errors
/// What is unknown, and a hint.
pub fn check_path(subject: Subject, path: &[String]) -> Result<(), LeadsNowhere> {
    let mut at = variables::seen_by(subject);
    for (depth, name) in path.iter().enumerate() {
        let Some(value) = at.get(name) else {
            let known: Vec<_> = at.keys().map(String::as_str).collect();
            return Err(LeadsNowhere {
                subject,
                path: path[..depth].to_vec(),
                name: name.clone(),
                hint: nearest(name, &known),
            });
        };
        match value {
            Json::Object(map) if !map.is_empty() && !variables::is_open(&path[..=depth]) => at = map,
            _ => return Ok(()),
        }
    }
    Ok(())
}

/// Why an expression cannot be what it is used for.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum Misfit {
    /// A condition yields another value.
    #[error("a condition must be true or false, this one yields {0}")]
    Condition(Json),
    /// A field's value has another form.
    #[error("`{field}` cannot be {value}")]
    Field {
        /// The field.
        field: &'static str,
        /// What it would be.
        value: Json,
    },
}

/// Tries a condition on the sample.
///
/// # Errors
/// It yields something else than true or false.
pub fn try_condition(subject: Subject, expr: &Expr) -> Result<(), Misfit> {
    match expr.evaluate(&scope(subject)) {
        Ok(Json::Bool(_)) | Err(_) => Ok(()),
        Ok(other) => Err(Misfit::Condition(other)),
    }
}

/// Tries a field's value on the sample. An empty text says nothing: files that say nothing have empty texts.
///
/// # Errors
/// It yields a value of another form than the field's.
pub fn try_value(subject: Subject, field: &Field, template: &Template) -> Result<(), Misfit> {
    match template.evaluate(&scope(subject)) {
        Ok(value) if field.kind.accepts(&value) || says_nothing(field.kind, &value) => Ok(()),
        Ok(value) => Err(Misfit::Field {
            field: field.name,
            value,
        }),
        Err(_) => Ok(()),
    }
}

fn says_nothing(kind: FieldForm, value: &Json) -> bool {
    let empty = |value: &Json| value.as_str().is_some_and(str::is_empty);
    match kind {
        FieldForm::Text => empty(value),
        FieldForm::Reference => value
            .as_object()
            .is_some_and(|map| map.len() == 1 && map.values().all(empty)),
        _ => false,
    }
}
