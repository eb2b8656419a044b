//! Reads what a rule says with expressions: its condition, and the values of the fields that it sets.

use super::{Loader, Mark, nearest, quoted};
use crate::model::arch;
use crate::rules::ExprError;
use crate::rules::expr::{Expr, FUNCTIONS};
use crate::rules::mistakes;
use crate::rules::rule::Setting;
use crate::rules::sample;
use crate::rules::subject::{Field, Subject};
use crate::rules::template::Template;
use crate::yaml::{Key, Mapping, Node};

/// The field that is a list of architectures by metadata's names.
const ARCHES: &str = "arches";

/// What to do about an expression that cannot be read.
const EXPRESSIONS: &str = "rules/README.md says what expressions can do";

impl Loader<'_> {
    pub(super) fn condition(&mut self, node: &Node, subject: Subject) -> Option<Expr> {
        if node.as_tagged().is_some() {
            let column = (node.pos.column as usize).saturating_sub(1);
            let value: String = self.line(node.pos.line).chars().skip(column).collect();
            let hint = quoted("when", value.trim_end());
            self.fault(
                "wrong-type",
                Mark::of(node),
                "`when` is no text but a tag of YAML",
                hint,
            );
            return None;
        }
        let text = self.text(node, "when")?;
        match self.expression(&text) {
            Ok(expr) if self.known.is_some() => Some(expr),
            Ok(expr) => {
                self.names(&expr, subject, node);
                if let Err(misfit) = sample::try_condition(subject, &expr) {
                    self.fault(
                        "wrong-type",
                        Mark::of(node),
                        misfit.to_string(),
                        "compare with something, as in `image.payload_name != ''`",
                    );
                }
                Some(expr)
            }
            Err(error) => {
                let right = mistakes::with_comparison(&text).filter(|right| Expr::compile(right).is_ok());
                let hint = right.map_or_else(|| EXPRESSIONS.into(), |right| format!("write `{right}`"));
                self.fault("bad-expression", Mark::of(node), error.to_string(), hint);
                None
            }
        }
    }

    pub(super) fn settings(&mut self, map: &Mapping, subject: Subject) -> Vec<Setting> {
        let mut settings = Vec::new();
        for (word, append) in [("set", false), ("append", true)] {
            let Some(node) = map.get(word) else { continue };
            let Some(fields) = node.as_map() else {
                self.fault(
                    "wrong-type",
                    Mark::of(node),
                    format!("`{word}` must be a mapping of fields"),
                    "such as `set: {needed: true}`",
                );
                continue;
            };
            for (key, value) in &fields.entries {
                settings.extend(self.setting(subject, key, value, append));
            }
        }
        settings
    }

    fn setting(&mut self, subject: Subject, key: &Key, node: &Node, append: bool) -> Option<Setting> {
        let (name, mark) = (&*key.text, Mark::of_key(key));
        let Some(field) = subject.field(name) else {
            let names: Vec<_> = subject.fields().iter().map(|field| field.name).collect();
            let message = format!("{} has no field `{name}`", subject.name());
            self.fault("unknown-field", mark, message, nearest(name, &names));
            return None;
        };
        if append && !field.kind.is_list() {
            self.fault(
                "wrong-type",
                mark,
                format!("`{name}` is not a list, nothing can be added"),
                "use `set`",
            );
            return None;
        }
        let value = match Template::read_with(node, &|source| self.expression(source)) {
            Ok(value) => value,
            Err(fault) => {
                let mark = Mark {
                    pos: fault.pos,
                    width: 0,
                };
                self.fault("bad-expression", mark, fault.error.to_string(), EXPRESSIONS);
                return None;
            }
        };
        if self.known.is_none() {
            self.check(subject, field, node, &value);
        }
        Some(Setting {
            field: field.name,
            append,
            value,
        })
    }

    /// Takes an expression that is known, else compiles it.
    fn expression(&self, source: &str) -> Result<Expr, ExprError> {
        match self.known.and_then(|known| known.get(source)) {
            Some(names) => Ok(Expr::known(source, names.clone())),
            None => Expr::compile(source),
        }
    }

    /// Checks the names in a field's value, and its form on the sample.
    fn check(&mut self, subject: Subject, field: &Field, node: &Node, value: &Template) {
        for expr in value.expressions() {
            self.names(expr, subject, node);
        }
        if field.name == ARCHES {
            self.architectures(node);
        }
        if let Err(misfit) = sample::try_value(subject, field, value) {
            self.fault(
                "wrong-type",
                Mark::of(node),
                misfit.to_string(),
                format!("`{}` is {}", field.name, field.kind.expected()),
            );
        }
    }

    /// Tells of architectures that are written out and that nothing has.
    fn architectures(&mut self, node: &Node) {
        for item in node.as_seq().unwrap_or_default() {
            let Some(name) = item.as_str().filter(|name| !name.contains("${")) else {
                continue;
            };
            if !arch::NAMES.contains(&name) {
                let message = format!("there is no architecture `{name}` in metadata");
                let hint = format!(
                    "did you mean `{}`? There are {}",
                    arch::meant(name),
                    arch::NAMES.join(", ")
                );
                self.fault("wrong-type", Mark::of(item), message, hint);
            }
        }
    }

    fn names(&mut self, expr: &Expr, subject: Subject, node: &Node) {
        for mistake in expr.mistakes() {
            let mark = self.within(node, &mistake.part);
            self.fault(mistake.code, mark, mistake.message, mistake.hint);
        }
        for function in &expr.names.functions {
            if !FUNCTIONS.iter().any(|(name, _)| name == function) {
                let names: Vec<_> = FUNCTIONS.iter().map(|(name, _)| *name).collect();
                let message = format!("unknown function `{function}`");
                let mark = self.within(node, function);
                self.fault("unknown-function", mark, message, nearest(function, &names));
            }
        }
        for path in &expr.names.paths {
            if let Err(error) = sample::check_path(subject, path) {
                let mark = self.within(node, &path.join("."));
                self.fault("unknown-variable", mark, error.to_string(), error.hint);
            }
        }
    }
}
