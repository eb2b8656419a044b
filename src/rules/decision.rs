//! How a field was decided: the value, and what became of every rule that could have decided it.

use serde_json::Value as Json;

use super::expr_error::ExprError;

/// What became of a rule that could have decided a field.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It decided the field, or added items to it.
    Decided,
    /// It is for other releases.
    OtherRelease,
    /// Its condition does not hold.
    DidNotApply,
    /// A rule that wins over it applied; its condition was not looked at.
    Overridden,
    /// Its expression failed.
    Failed(String),
    /// Its value contradicts another rule's.
    Contradicts(String),
}

impl From<ExprError> for Verdict {
    fn from(error: ExprError) -> Self {
        Self::Failed(error.to_string())
    }
}

/// A rule and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Tried {
    /// Index into [`super::RuleSet::rules`].
    pub rule: usize,
    /// What became of it.
    pub verdict: Verdict,
}

/// How a field was decided.
#[derive(Clone, Debug, Default)]
pub struct Decision {
    /// The value; `None` where no rule applied or one failed.
    pub value: Option<Json>,
    /// All rules that could have decided, strongest first.
    pub tried: Vec<Tried>,
}

impl Decision {
    /// The value as text; empty where it is no text, as where no rule applied.
    pub fn text(&self) -> &str {
        self.value.as_ref().and_then(Json::as_str).unwrap_or_default()
    }

    /// The rules whose value it is: one, or several that added items.
    pub fn deciders(&self) -> impl Iterator<Item = usize> {
        self.tried
            .iter()
            .filter(|tried| tried.verdict == Verdict::Decided)
            .map(|tried| tried.rule)
    }

    /// The rules that failed, and why.
    pub fn failures(&self) -> impl Iterator<Item = (usize, &str)> {
        self.tried.iter().filter_map(|tried| match &tried.verdict {
            Verdict::Failed(message) | Verdict::Contradicts(message) => Some((tried.rule, message.as_str())),
            _ => None,
        })
    }
}
