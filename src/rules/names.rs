//! Which names an expression uses, and how large and deep it is: what is checked before anything is evaluated.

use std::collections::BTreeSet;

use cel::common::ast::{EntryExpr, Expr, IdedExpr};

/// What an expression refers to, and its measures.
#[derive(Debug, Default)]
pub struct Names {
    /// Free variables with the fields selected on them, such as `["image", "okd", "tag_name"]`.
    pub paths: BTreeSet<Vec<String>>,
    /// Functions, operators left out.
    pub functions: BTreeSet<String>,
    /// Number of nodes of the expression's tree.
    pub nodes: usize,
    /// How many comprehensions (`map`, `filter`, `exists`, …) stand inside each other at most.
    pub comprehensions: usize,
}

impl Names {
    /// Reads the names of an expression.
    pub fn of(expression: &IdedExpr) -> Self {
        let mut names = Self::default();
        names.visit(expression, &mut Vec::new(), 0);
        names
    }

    fn visit(&mut self, node: &IdedExpr, bound: &mut Vec<String>, depth: usize) {
        self.nodes += 1;
        match &node.expr {
            Expr::Unspecified | Expr::Literal(_) => {}
            Expr::Ident(_) | Expr::Select(_) => self.visit_path(node, bound, depth),
            Expr::Call(call) => {
                if call.func_name.starts_with(|c: char| c.is_ascii_alphabetic()) {
                    self.functions.insert(call.func_name.clone());
                }
                for child in call.target.iter().map(|target| &**target).chain(&call.args) {
                    self.visit(child, bound, depth);
                }
            }
            Expr::List(list) => list.elements.iter().for_each(|child| self.visit(child, bound, depth)),
            Expr::Map(map) => self.visit_entries(map.entries.iter().map(|entry| &entry.expr), bound, depth),
            Expr::Struct(map) => self.visit_entries(map.entries.iter().map(|entry| &entry.expr), bound, depth),
            Expr::Comprehension(inner) => {
                self.comprehensions = self.comprehensions.max(depth + 1);
                self.visit(&inner.iter_range, bound, depth);
                let known = bound.len();
                bound.push(inner.iter_var.clone());
                bound.extend(inner.iter_var2.clone());
                bound.push(inner.accu_var.clone());
                for child in [&inner.accu_init, &inner.loop_cond, &inner.loop_step, &inner.result] {
                    self.visit(child, bound, depth + 1);
                }
                bound.truncate(known);
            }
        }
    }

    fn visit_entries<'e>(
        &mut self,
        entries: impl Iterator<Item = &'e EntryExpr>,
        bound: &mut Vec<String>,
        depth: usize,
    ) {
        for entry in entries {
            match entry {
                EntryExpr::StructField(field) => self.visit(&field.value, bound, depth),
                EntryExpr::MapEntry(entry) => {
                    self.visit(&entry.key, bound, depth);
                    self.visit(&entry.value, bound, depth);
                }
            }
        }
    }

    /// Records `a.b.c` as one path; a selection on anything else is that thing's business.
    fn visit_path(&mut self, node: &IdedExpr, bound: &mut Vec<String>, depth: usize) {
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
                _ => return self.visit(at, bound, depth),
            }
        }
    }
}
