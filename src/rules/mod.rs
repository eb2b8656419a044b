//! The rules language: load, check, evaluate, trace.
//!
//! Policy is data: rule files say for a [`subject::Subject`] which fields have which values and why. The engine owns the
//! mechanics (lookup of members and streams, closure over parents, order); rules give predicates and values.

mod decide;
pub mod decision;
pub mod diagnostic;
pub mod expr;
mod expr_error;
pub mod hint;
mod kept;
pub mod load;
pub mod memo;
pub mod mistakes;
pub mod names;
pub mod old_names;
pub mod reference;
pub mod rule;
pub mod sample;
pub mod schema;
pub mod set;
pub mod subject;
pub mod template;
pub mod variables;

#[cfg(test)]
mod tests;

pub use decision::{Decision, Verdict};
pub use diagnostic::Diagnostic;
pub use expr::Scope;
pub use expr_error::ExprError;
pub use rule::Rule;
pub use set::RuleSet;
pub use subject::Subject;
