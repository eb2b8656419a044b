//! The expression that says when a run starts: which branch it names, in words that can be changed, and whether it starts.
//!
//! Pipelines as Code evaluates it with CEL for each event. What it compares a branch with is changed only where that is a
//! plain comparison that must hold; everything else that people write about branches is theirs.

use std::ops::Range;
use std::sync::{Arc, LazyLock};

use cel::common::ast::{EntryExpr, Expr, IdedExpr, LiteralValue, SourceInfo, operators};
use cel::{Context, Env, Program, Value};

/// The longest expression that is looked at, in bytes.
const MAX_LENGTH: usize = 16_000;
/// The deepest nesting that is followed.
const MAX_DEPTH: usize = 60;
const BRANCH: &str = "target_branch";
const EVENT: &str = "event";
/// What Konflux tells of a component with versions: a text, as long as it is built at all.
const ENABLED: &str = "builds_enabled";

/// A text in an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Literal {
    /// What it says.
    pub value: String,
    /// Its bytes in the expression, quotes included.
    pub at: Range<usize>,
}

impl Literal {
    /// Another text in the same quotes.
    pub fn spelled(&self, expression: &str, value: &str) -> String {
        let quote = expression.get(self.at.start..=self.at.start).unwrap_or("\"");
        format!("{quote}{value}{quote}")
    }
}

/// What an expression says of branches and events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    /// What the branch is compared with, in comparisons that must hold.
    pub branches: Vec<Literal>,
    /// What the event is compared with, in comparisons that must hold.
    pub events: Vec<Literal>,
    /// Whether it says something else of branches, too.
    pub by_hand: bool,
}

/// Reads an expression; `None` where it cannot be read, or is too long or too deep to be looked at.
pub(super) fn read(expression: &str) -> Option<Said> {
    if !is_bounded(expression) {
        return None;
    }
    let parsed = ENVIRONMENT.parser().parse_with_source_info(expression);
    let (root, source) = parsed.ok()?;
    let mut reader = Reader {
        expression,
        source: &source,
        said: Said::default(),
    };
    reader.visit(&root, true);
    Some(reader.said)
}

/// Whether a run starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Starts {
    /// On some change it does.
    Yes,
    /// Whatever changes, it does not.
    No,
    /// That depends on what only the event tells, and why.
    NotJudged(String),
    /// The expression cannot be read: nothing starts.
    Unreadable(String),
}

/// Whether a run with this expression starts on an event on a branch, where any path may have changed, among them `file`.
pub(super) fn starts(expression: &str, event: &str, branch: &str, file: &str) -> Starts {
    if !is_bounded(expression) {
        return Starts::NotJudged("the expression is too long or too deep to be looked at".to_owned());
    }
    let program = match ENVIRONMENT.compile(expression) {
        Ok(program) => program,
        Err(errors) => return Starts::Unreadable(first(&errors)),
    };
    // An expression may leave out Dockerfiles, and then starts where a source changes.
    let found = [file, "pkg/source.go"].map(|file| evaluate(&program, event, branch, file));
    let of = |wanted: fn(&Starts) -> bool| found.iter().find(|one| wanted(one)).cloned();
    of(|one| *one == Starts::Yes)
        .or_else(|| of(|one| matches!(one, Starts::NotJudged(_))))
        .unwrap_or(Starts::No)
}

fn evaluate(program: &Program, event: &str, branch: &str, file: &str) -> Starts {
    let mut context = Context::with_env(Arc::clone(&ENVIRONMENT));
    let files = serde_json::json!({
        "all": [file], "added": [file], "modified": [file], "deleted": [file], "renamed": [file],
    });
    context.add_variable_from_value(EVENT, event.to_owned());
    context.add_variable_from_value(BRANCH, branch.to_owned());
    context.add_variable_from_value(ENABLED, "true".to_owned());
    let known = context.add_variable("files", files).is_ok()
        && context
            .add_function("pathChanged", |_: cel::extractors::This<Arc<String>>| true)
            .is_ok();
    if !known {
        return Starts::NotJudged("the event cannot be described".to_owned());
    }
    match program.execute(&context) {
        Ok(Value::Bool(true)) => Starts::Yes,
        Ok(Value::Bool(false)) => Starts::No,
        Ok(other) => Starts::NotJudged(format!("it is neither true nor false but {}", other.type_of())),
        Err(error) => Starts::NotJudged(error.to_string()),
    }
}

static ENVIRONMENT: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(Env::stdlib()));

fn is_bounded(expression: &str) -> bool {
    expression.len() <= MAX_LENGTH && depth(expression) <= MAX_DEPTH
}

/// How deep brackets are nested, or how many signs stand one behind the other.
fn depth(expression: &str) -> usize {
    let (mut depth, mut deepest, mut signs) = (0usize, 0, 0usize);
    for byte in expression.bytes() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        signs = if matches!(byte, b'!' | b'-' | b'?') {
            signs + 1
        } else {
            0
        };
        deepest = deepest.max(depth).max(signs);
    }
    deepest
}

fn first(errors: &cel::ParseErrors) -> String {
    match errors.errors.first() {
        Some(error) => error.msg.lines().next().unwrap_or_default().trim().to_owned(),
        None => "it is no expression".to_owned(),
    }
}

struct Reader<'e> {
    expression: &'e str,
    source: &'e SourceInfo,
    said: Said,
}

impl Reader<'_> {
    /// `must`: the expression is true only where this part is.
    fn visit(&mut self, node: &IdedExpr, must: bool) {
        match &node.expr {
            Expr::Call(call) if call.func_name == operators::LOGICAL_AND => {
                call.args.iter().for_each(|part| self.visit(part, must));
            }
            Expr::Call(call) if call.func_name == operators::EQUALS => {
                if !self.comparison(&call.args, must) {
                    call.args.iter().for_each(|part| self.visit(part, false));
                }
            }
            Expr::Ident(name) => self.said.by_hand |= name == BRANCH,
            other => parts(other).into_iter().for_each(|part| self.visit(part, false)),
        }
    }

    /// A comparison of the branch or the event with a text. Whether it is one.
    fn comparison(&mut self, sides: &[IdedExpr], must: bool) -> bool {
        let [one, other] = sides else { return false };
        let named = |side: &IdedExpr| match &side.expr {
            Expr::Ident(name) if name == BRANCH || name == EVENT => Some(name == BRANCH),
            _ => None,
        };
        let (is_branch, side) = match (named(one), named(other)) {
            (Some(is_branch), None) => (is_branch, other),
            (None, Some(is_branch)) => (is_branch, one),
            _ => return false,
        };
        match (self.literal(side), is_branch) {
            (Some(literal), true) if must => self.said.branches.push(literal),
            (Some(literal), false) if must => self.said.events.push(literal),
            (_, true) => self.said.by_hand = true,
            _ => {}
        }
        true
    }

    /// A text that stands in the expression as it is read: in plain quotes, without escapes.
    fn literal(&self, node: &IdedExpr) -> Option<Literal> {
        let Expr::Literal(LiteralValue::String(text)) = &node.expr else {
            return None;
        };
        let value = text.inner().to_owned();
        let (start, _) = self.source.offset_for(node.id)?;
        let start = start as usize;
        let rest = self.expression.get(start..)?;
        let form = ['"', '\''].map(|quote| format!("{quote}{value}{quote}"));
        let form = form.into_iter().find(|form| rest.starts_with(form.as_str()))?;
        Some(Literal {
            value,
            at: start..start + form.len(),
        })
    }
}

fn parts(expr: &Expr) -> Vec<&IdedExpr> {
    match expr {
        Expr::Call(call) => call.target.iter().map(|target| &**target).chain(&call.args).collect(),
        Expr::List(list) => list.elements.iter().collect(),
        Expr::Select(select) => vec![&*select.operand],
        Expr::Comprehension(all) => vec![
            &all.iter_range,
            &all.accu_init,
            &all.loop_cond,
            &all.loop_step,
            &all.result,
        ],
        Expr::Map(map) => map.entries.iter().flat_map(|entry| of_entry(&entry.expr)).collect(),
        Expr::Struct(of) => of.entries.iter().flat_map(|entry| of_entry(&entry.expr)).collect(),
        Expr::Ident(_) | Expr::Literal(_) | Expr::Unspecified => Vec::new(),
    }
}

fn of_entry(entry: &EntryExpr) -> Vec<&IdedExpr> {
    match entry {
        EntryExpr::StructField(field) => vec![&field.value],
        EntryExpr::MapEntry(entry) => vec![&entry.key, &entry.value],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn branches(expression: &str) -> (Vec<String>, bool) {
        let said = read(expression).expect("an expression");
        for literal in said.branches.iter().chain(&said.events) {
            let text = &expression[literal.at.clone()];
            assert_eq!(text, literal.spelled(expression, &literal.value));
        }
        (
            said.branches.into_iter().map(|literal| literal.value).collect(),
            said.by_hand,
        )
    }

    #[test]
    fn a_branch_that_must_be_the_target_is_read_and_all_else_is_by_hand() {
        let main = vec!["main".to_owned()];
        for (expression, found) in [
            ("event == \"push\" && target_branch == \"main\"", (main.clone(), false)),
            (
                "event == 'push'\n&& 'main' == target_branch && (a.b || \"ü/***\".pathChanged())",
                (main.clone(), false),
            ),
            (
                "\"ü\".pathChanged() && target_branch == \"main\"",
                (main.clone(), false),
            ),
            ("!(target_branch == \"main\")", (vec![], true)),
            (
                "event == \"push\" && (target_branch == \"a\" || target_branch == \"b\")",
                (vec![], true),
            ),
            (
                "target_branch.matches('x') && target_branch == 'main'",
                (main.clone(), true),
            ),
            ("target_branch in ['main']", (vec![], true)),
            ("target_branch.startsWith('release-')", (vec![], true)),
            ("target_branch == 'ma\\x69n'", (vec![], true)),
            ("target_branch != 'main'", (vec![], true)),
            ("files.all.exists(x, x == target_branch)", (vec![], true)),
            ("{'a': target_branch}.a == 'main'", (vec![], true)),
            ("event == 'push'", (vec![], false)),
        ] {
            assert_eq!(branches(expression), found, "{expression}");
        }
        let said = read("event == \"push\" && target_branch == \"main\"").expect("an expression");
        assert_eq!(said.events[0].value, "push");
    }

    #[test]
    fn what_cannot_be_read_is_no_expression() {
        for expression in ["event ==", "event == \"push", "", &"(".repeat(100), &"a".repeat(20_000)] {
            assert!(read(expression).is_none(), "{expression:.20}");
        }
    }

    #[test]
    fn a_run_starts_or_not_or_nobody_can_tell() {
        let on = |expression: &str| starts(expression, "push", "main", "Dockerfile");
        let unknown = |found: Starts| matches!(found, Starts::NotJudged(_));
        assert_eq!(on("event == \"push\" && target_branch == \"main\""), Starts::Yes);
        assert_eq!(on("event == \"pull_request\" && target_branch == \"main\""), Starts::No);
        assert_eq!(
            on("event == \"push\" && target_branch == \"main\" && (\"a/***\".pathChanged())"),
            Starts::Yes
        );
        assert_eq!(on("target_branch.matches(\"refs/tags/v0[.]2.*\")"), Starts::No);
        assert_eq!(
            on("target_branch == 'main' && !files.all.all(x, x.matches('^docs/|[.]md$|^Dockerfile'))"),
            Starts::Yes
        );
        assert_eq!(on("files.all.all(x, x.matches('^docs/'))"), Starts::No);
        assert!(unknown(on("target_branch == 'main' && body.created == true")));
        assert_eq!(on("target_branch == 'other' && body.created == true"), Starts::No);
        assert_eq!(on("body.created == true && target_branch == 'other'"), Starts::No);
        assert!(unknown(on("!event_title.contains('[CUT]') && target_branch == 'main'")));
        assert!(unknown(on("somebody.knows(this)")));
        assert!(unknown(on("1 + 1")));
        assert!(unknown(on(&"(".repeat(100))));
        assert!(matches!(on("event =="), Starts::Unreadable(_)));
    }
}
