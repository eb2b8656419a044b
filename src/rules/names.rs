//! Which names an expression uses, and how large and deep it is: what is checked before anything is evaluated.

use std::collections::BTreeSet;

use cel::common::ast::{EntryExpr, Expr, IdedExpr};

/// What an expression refers to, and its measures.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Names {
    /// Free variables with the fields selected on them, such as `["image", "okd_alignment", "tag_name"]`.
    pub paths: BTreeSet<Vec<String>>,
    /// Functions, operators left out.
    pub functions: BTreeSet<String>,
    /// Number of nodes of the expression's tree.
    pub nodes: usize,
    /// How deep the tree is: `a + b + c` is one deeper than `a + b`.
    pub depth: usize,
    /// How many comprehensions (`map`, `filter`, `exists`, …) stand inside each other at most.
    pub comprehensions: usize,
}

/// Where in the tree a node is.
#[derive(Clone, Copy, Default)]
struct At {
    depth: usize,
    comprehensions: usize,
}

impl Names {
    /// Reads the names of an expression.
    pub fn of(expression: &IdedExpr) -> Self {
        let mut names = Self::default();
        names.visit(expression, &mut Vec::new(), At::default());
        names
    }

    fn visit(&mut self, node: &IdedExpr, bound: &mut Vec<String>, at: At) {
        self.nodes += 1;
        self.depth = self.depth.max(at.depth);
        let at = At {
            depth: at.depth + 1,
            ..at
        };
        match &node.expr {
            Expr::Unspecified | Expr::Literal(_) => {}
            Expr::Ident(_) | Expr::Select(_) => self.visit_path(node, bound, at),
            Expr::Call(call) => {
                if call.func_name.starts_with(|c: char| c.is_ascii_alphabetic()) {
                    self.functions.insert(call.func_name.clone());
                }
                for child in call.target.iter().map(|target| &**target).chain(&call.args) {
                    self.visit(child, bound, at);
                }
            }
            Expr::List(list) => list.elements.iter().for_each(|child| self.visit(child, bound, at)),
            Expr::Map(map) => self.visit_entries(map.entries.iter().map(|entry| &entry.expr), bound, at),
            Expr::Struct(map) => self.visit_entries(map.entries.iter().map(|entry| &entry.expr), bound, at),
            Expr::Comprehension(inner) => {
                self.comprehensions = self.comprehensions.max(at.comprehensions + 1);
                self.visit(&inner.iter_range, bound, at);
                let inside = At {
                    comprehensions: at.comprehensions + 1,
                    ..at
                };
                let known = bound.len();
                bound.push(inner.iter_var.clone());
                bound.extend(inner.iter_var2.clone());
                bound.push(inner.accu_var.clone());
                for child in [&inner.accu_init, &inner.loop_cond, &inner.loop_step, &inner.result] {
                    self.visit(child, bound, inside);
                }
                bound.truncate(known);
            }
        }
    }

    fn visit_entries<'e>(&mut self, entries: impl Iterator<Item = &'e EntryExpr>, bound: &mut Vec<String>, at: At) {
        for entry in entries {
            match entry {
                EntryExpr::StructField(field) => self.visit(&field.value, bound, at),
                EntryExpr::MapEntry(entry) => {
                    self.visit(&entry.key, bound, at);
                    self.visit(&entry.value, bound, at);
                }
            }
        }
    }

    /// Records `a.b.c` as one path; a selection on anything else is that thing's business.
    fn visit_path(&mut self, node: &IdedExpr, bound: &mut Vec<String>, place: At) {
        let mut fields = Vec::new();
        let mut at = node;
        loop {
            match &at.expr {
                Expr::Select(select) => {
                    fields.push(select.field.clone());
                    at = &select.operand;
                }
                Expr::Ident(name) => {
                    if !name.starts_with('@') && !bound.contains(name) {
                        fields.push(name.clone());
                        fields.reverse();
                        self.paths.insert(fields);
                    }
                    return;
                }
                _ => return self.visit(at, bound, place),
            }
        }
    }
}
