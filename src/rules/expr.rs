//! CEL expressions: compiled once, bounded when they are parsed, evaluated to JSON.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock, Mutex, OnceLock};

use cel::common::types::{CelBool, CelString, LIST_TYPE, STRING_TYPE};
use cel::common::value::{CowVal, Val};
use cel::context::VariableResolver;
use cel::{Context, Env, ExecutionError, Program, extensions};
use regex::Regex;
use serde_json::Value as Json;

use super::expr_error::ExprError;
use super::mistakes::{self, Mistake};
use super::names::Names;
use super::old_names::{self, renamed};

/// The longest expression, in bytes.
const MAX_LENGTH: usize = 4_000;
/// The deepest nesting of brackets and operators.
const MAX_DEPTH: u16 = 60;
/// The largest number of nodes of an expression.
const MAX_NODES: usize = 1_500;
/// How many comprehensions may stand inside each other.
const MAX_COMPREHENSIONS: usize = 2;

/// Functions that expressions can call, macros included. Operators are not listed.
pub const FUNCTIONS: &[(&str, &str)] = &[
    (
        "all",
        "list.all(x, condition): whether the condition holds for all items",
    ),
    (
        "capture",
        "capture(text, regex): the first group of the first match, or an empty text",
    ),
    ("charAt", "text.charAt(n): the n-th character"),
    ("contains", "text.contains(part)"),
    ("endsWith", "text.endsWith(end)"),
    (
        "exists",
        "list.exists(x, condition): whether the condition holds for an item",
    ),
    (
        "exists_one",
        "list.exists_one(x, condition): whether it holds for exactly one item",
    ),
    (
        "filter",
        "list.filter(x, condition): the items for which the condition holds",
    ),
    ("format", "'%s-%s'.format([a, b])"),
    ("has", "has(a.b): whether a has the field b"),
    ("indexOf", "text.indexOf(part): its place, or -1"),
    ("int", "int(text): a number"),
    ("join", "list.join(separator)"),
    ("lastIndexOf", "text.lastIndexOf(part): its last place, or -1"),
    ("lowerAscii", "text.lowerAscii()"),
    ("map", "list.map(x, value): the value for each item"),
    ("matches", "text.matches(regex)"),
    (
        "merge",
        "merge(list of mappings): one mapping; the later one wins where both have a key",
    ),
    ("replace", "text.replace(old, new)"),
    ("size", "size(list), size(text) or size(map)"),
    (
        "some",
        "some(text or list): the same, or null where it is empty: a key whose value is null is left out",
    ),
    ("split", "text.split(separator)"),
    ("startsWith", "text.startsWith(start)"),
    ("string", "string(number)"),
    ("substring", "text.substring(from, to)"),
    ("trim", "text.trim()"),
    ("upperAscii", "text.upperAscii()"),
];

static ENVIRONMENT: LazyLock<Arc<Env>> = LazyLock::new(|| {
    let mut env = Env::stdlib().with_optional_support(false);
    let declared = env
        .add_extension(extensions::strings)
        .and_then(|()| cel::add_overload!(env, fn capture: (CelString, CelString) -> Result<CelString>))
        .and_then(|()| env.add_overload("merge", "merge(list)", vec![LIST_TYPE], merge))
        .and_then(|()| env.add_overload("some", "some(string)", vec![STRING_TYPE], some))
        .and_then(|()| env.add_overload("some", "some(list)", vec![LIST_TYPE], some));
    declared.expect("the names of the added functions are new");
    Arc::new(env)
});

/// One mapping of several: the later one wins where both have a key.
fn merge<'b, 'v>(args: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let fault = || ExecutionError::function_error("merge", "a list of mappings is expected");
    let list = args
        .first()
        .map(|list| cel::Value::try_from(list.as_ref()))
        .transpose()?;
    let Some(cel::Value::List(maps)) = list else {
        return Err(fault());
    };
    let mut merged = HashMap::new();
    for map in maps.iter() {
        let cel::Value::Map(map) = map else { return Err(fault()) };
        merged.extend(map.map.iter().map(|(key, value)| (key.clone(), value.clone())));
    }
    Ok(CowVal::Owned(cel::Value::from(merged).try_into()?))
}

/// A text or list; null where it is empty.
fn some<'b, 'v>(args: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let mut args = args.into_iter();
    let fault = || ExecutionError::function_error("some", "a text or a list is expected");
    let value = args.next().ok_or_else(fault)?;
    let is_empty = match cel::Value::try_from(value.as_ref())? {
        cel::Value::String(text) => text.is_empty(),
        cel::Value::List(items) => items.is_empty(),
        _ => return Err(fault()),
    };
    match is_empty {
        true => Ok(CowVal::Owned(cel::Value::Null.try_into()?)),
        false => Ok(value),
    }
}

/// The first group of the regular expression's first match, or an empty text.
fn capture(text: &CelString<'_>, pattern: &CelString<'_>) -> Result<CelString<'static>, ExecutionError> {
    static COMPILED: LazyLock<Mutex<HashMap<String, Regex>>> = LazyLock::new(Mutex::default);
    let mut compiled = COMPILED.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    if !compiled.contains_key(pattern.inner()) {
        let regex = Regex::new(pattern.inner()).map_err(|error| ExecutionError::function_error("capture", error))?;
        compiled.insert(pattern.inner().to_owned(), regex);
    }
    let found = compiled[pattern.inner()].captures(text.inner());
    let group = found
        .and_then(|groups| groups.get(1))
        .map_or("", |group| group.as_str());
    Ok(CelString::from(group.to_owned()))
}

/// An expression that can be compiled, and is when it is first evaluated.
#[derive(Debug)]
pub struct Expr {
    source: String,
    program: OnceLock<Result<Program, ExprError>>,
    /// What it refers to.
    pub names: Names,
}

/// Expressions that were compiled and checked before, with what they refer to.
pub type Known = BTreeMap<String, Names>;

impl Expr {
    /// Compiles an expression.
    ///
    /// # Errors
    /// What is wrong with the expression, or which bound it exceeds.
    pub fn compile(source: &str) -> Result<Self, ExprError> {
        if source.len() > MAX_LENGTH {
            return Err(ExprError::TooLong {
                bytes: source.len(),
                most: MAX_LENGTH,
            });
        }
        check_depth(source)?;
        let program =
            ENVIRONMENT
                .compile(&renamed(source))
                .map_err(|errors| match mistakes::with_comparison(source) {
                    Some(_) => ExprError::Assignment,
                    None => ExprError::first(&errors),
                })?;
        let names = Names::of(program.expression());
        if names.depth > usize::from(MAX_DEPTH) {
            return Err(ExprError::Deep {
                depth: names.depth,
                most: MAX_DEPTH,
            });
        }
        if names.nodes > MAX_NODES {
            return Err(ExprError::Large {
                parts: names.nodes,
                most: MAX_NODES,
            });
        }
        if names.comprehensions > MAX_COMPREHENSIONS {
            return Err(ExprError::Comprehensions {
                nested: names.comprehensions,
                most: MAX_COMPREHENSIONS,
            });
        }
        Ok(Self {
            source: source.to_owned(),
            program: OnceLock::from(Ok(program)),
            names,
        })
    }

    /// Takes an expression that was compiled before: where its value is remembered it is not compiled again.
    pub fn known(source: &str, names: Names) -> Self {
        Self {
            source: source.to_owned(),
            program: OnceLock::new(),
            names,
        }
    }

    /// The expression as written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// What can be read in it and does not mean what it says; nothing where it is not compiled yet.
    pub fn mistakes(&self) -> Vec<Mistake> {
        let program = self.program.get().and_then(|program| program.as_ref().ok());
        program.map_or_else(Vec::new, |program| mistakes::of(&self.source, program.expression()))
    }

    /// Names in it that rules had once, and what to write for each.
    pub fn old_names(&self) -> Vec<(String, String)> {
        old_names::told(&self.source)
    }

    fn program(&self) -> Result<&Program, ExprError> {
        let compile = || {
            let compiled = ENVIRONMENT.compile(&renamed(&self.source));
            compiled.map_err(|errors| ExprError::first(&errors))
        };
        self.program.get_or_init(compile).as_ref().map_err(Clone::clone)
    }

    /// Evaluates the expression.
    ///
    /// # Errors
    /// What the evaluation ran into.
    pub fn evaluate(&self, scope: &Scope<'_>) -> Result<Json, ExprError> {
        let value = self.program()?.execute(&scope.context()).map_err(ExprError::failed)?;
        value.json().map(sorted).map_err(ExprError::failed)
    }

    /// Evaluates a condition.
    ///
    /// # Errors
    /// What the evaluation ran into, or that the value is neither true nor false.
    pub fn holds(&self, scope: &Scope<'_>) -> Result<bool, ExprError> {
        match self.program()?.execute(&scope.context()).map_err(ExprError::failed)? {
            cel::Value::Bool(holds) => Ok(holds),
            other => Err(ExprError::NoCondition(other.type_of().to_string())),
        }
    }
}

/// Puts the keys of all mappings into their order: CEL's own differs from run to run.
fn sorted(value: Json) -> Json {
    match value {
        Json::Object(map) => {
            let mut entries: Vec<(String, Json)> = map.into_iter().map(|(key, value)| (key, sorted(value))).collect();
            entries.sort_by(|(a, _), (b, _)| a.cmp(b));
            Json::Object(entries.into_iter().collect())
        }
        Json::Array(items) => items.into_iter().map(sorted).collect(),
        other => other,
    }
}

/// Refuses deep nesting before the parser recurses into it.
fn check_depth(source: &str) -> Result<(), ExprError> {
    let (mut depth, mut deepest, mut run) = (0u16, 0u16, 0u16);
    for byte in source.bytes() {
        match byte {
            b'(' | b'[' | b'{' => depth = depth.saturating_add(1),
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        run = if matches!(byte, b'!' | b'-' | b'?') {
            run.saturating_add(1)
        } else {
            0
        };
        deepest = deepest.max(depth).max(run);
    }
    if deepest > MAX_DEPTH {
        return Err(ExprError::Nested {
            depth: deepest,
            most: MAX_DEPTH,
        });
    }
    Ok(())
}

/// The variables that expressions see: those of a subject, and those of the scopes around it.
///
/// A variable is looked at only where an expression names it, and no deeper than that: `image.okd_alignment.tag_name` is found in
/// the JSON value without the rest of the image being turned into CEL's values.
#[derive(Default)]
pub struct Scope<'p> {
    parent: Option<&'p Scope<'p>>,
    variables: Vec<Variable<'p>>,
}

struct Variable<'p> {
    name: String,
    value: Cow<'p, Json>,
    /// Made when rules that read the whole variable ask for it.
    digest: OnceLock<[u8; 16]>,
    /// A whole list or mapping as CEL has it, made when it is first asked for: several rules ask for a config's images.
    converted: OnceLock<Option<Box<dyn Val>>>,
}

impl<'p> Scope<'p> {
    /// A scope without variables.
    pub fn new() -> Self {
        Self::default()
    }

    /// A scope inside this one, for the variables of one subject.
    pub fn inner(&'p self) -> Self {
        Self {
            parent: Some(self),
            variables: Vec::new(),
        }
    }

    /// Gives a variable a value of its own.
    pub fn set(&mut self, name: &str, value: &Json) {
        self.put(name, Cow::Owned(value.clone()));
    }

    /// Gives a variable a value that was made for it.
    pub fn give(&mut self, name: &str, value: Json) {
        self.put(name, Cow::Owned(value));
    }

    /// Gives a variable a value that lives elsewhere.
    pub fn show(&mut self, name: &str, value: &'p Json) {
        self.put(name, Cow::Borrowed(value));
    }

    fn put(&mut self, name: &str, value: Cow<'p, Json>) {
        let variable = Variable {
            name: name.to_owned(),
            value,
            digest: OnceLock::new(),
            converted: OnceLock::new(),
        };
        match self.variables.iter_mut().find(|known| known.name == name) {
            Some(known) => *known = variable,
            None => self.variables.push(variable),
        }
    }

    fn find(&self, name: &str) -> Option<&Variable<'p>> {
        let own = self.variables.iter().find(|known| known.name == name);
        own.or_else(|| self.parent?.find(name))
    }

    /// All variables that are seen, the innermost of each name.
    pub(super) fn shown(&self) -> BTreeMap<&str, &Json> {
        let mut all = self.parent.map(Scope::shown).unwrap_or_default();
        all.extend(self.variables.iter().map(|one| (one.name.as_str(), &*one.value)));
        all
    }

    fn variable(&self, name: &str) -> Option<&Json> {
        self.find(name).map(|variable| &*variable.value)
    }

    /// A digest of a whole variable, made by a function when it is first asked for.
    pub(super) fn digest(&self, name: &str, make: impl FnOnce(&Json) -> [u8; 16]) -> Option<&[u8; 16]> {
        let variable = self.find(name)?;
        Some(variable.digest.get_or_init(|| make(&variable.value)))
    }

    /// A text in a variable, such as `image` and `key`.
    pub(super) fn text(&self, path: &[&str]) -> Option<&str> {
        let (root, rest) = path.split_first()?;
        let root = self.variable(root)?;
        rest.iter().try_fold(root, |value, name| value.get(name))?.as_str()
    }

    /// Follows a path as far as it leads: how many of its names, and what is there. `None`: not even the variable is.
    pub(super) fn follow(&self, path: &[String]) -> (usize, Option<&Json>) {
        let Some((root, rest)) = path.split_first() else {
            return (0, None);
        };
        let Some(mut value) = self.variable(root) else {
            return (0, None);
        };
        for (at, name) in rest.iter().enumerate() {
            match value.as_object().and_then(|map| map.get(name)) {
                Some(inner) => value = inner,
                None => return (at + 1, Some(value)),
            }
        }
        (path.len(), Some(value))
    }

    fn context(&self) -> Context<'_, '_> {
        let mut context = Context::with_env(Arc::clone(&ENVIRONMENT));
        context.set_variable_resolver(self);
        context
    }
}

impl VariableResolver for Scope<'_> {
    /// Finds `a`, and `a.b.c` as one name: CEL asks for the longest name first.
    fn resolve<'b>(&'b self, name: &str) -> Option<CowVal<'b, 'b>> {
        let (root, path) = name
            .split_once('.')
            .map_or((name, None), |(root, path)| (root, Some(path)));
        let variable = self.find(root)?;
        let mut parts = path.into_iter().flat_map(|path| path.split('.'));
        let value = parts.try_fold(&*variable.value, |value, part| value.as_object()?.get(part))?;
        Some(match value {
            Json::String(text) => CowVal::owned(CelString::from(text.as_str())),
            Json::Bool(value) => CowVal::owned(CelBool::from(*value)),
            whole if path.is_none() => {
                let converted = variable.converted.get_or_init(|| converted(whole));
                CowVal::Borrowed(converted.as_deref()?)
            }
            part => CowVal::Owned(converted(part)?),
        })
    }
}

fn converted(value: &Json) -> Option<Box<dyn Val>> {
    let value = cel::to_value(value).unwrap_or(cel::Value::Null);
    value.try_into().ok()
}
