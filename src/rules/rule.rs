//! One rule, and the releases it is for.

use std::str::FromStr;

use super::expr::Expr;
use super::subject::Subject;
use super::template::Template;
use crate::base::{NotARelease, Release};
use crate::model::build_config::RuleAt;
use crate::yaml::Pos;

/// Where a rule stands: the file as it was named, and the line of its `id`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct RulePlace {
    /// The file, such as `rules/20-images.yaml`.
    pub file: String,
    /// The line.
    pub line: u32,
}

impl std::fmt::Display for RulePlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// A field that a rule sets, or adds items to.
#[derive(Debug)]
pub struct Setting {
    /// The field's name.
    pub field: &'static str,
    /// Whether items are added to a list (`append`) instead of the whole value set (`set`).
    pub append: bool,
    /// The value.
    pub value: Template,
}

/// A rule that another one names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The rule's id.
    pub id: String,
    /// Where it is named.
    pub pos: Pos,
}

/// A rule.
#[derive(Debug)]
pub struct Rule {
    /// Its name, unique in all loaded sets.
    pub id: String,
    /// Why it is so, in one sentence.
    pub because: String,
    /// What it is about.
    pub subject: Subject,
    /// The releases that it is for.
    pub releases: Releases,
    /// The condition; `None` holds always.
    pub when: Option<Expr>,
    /// The condition as written.
    pub when_text: Option<String>,
    /// What it sets.
    pub settings: Vec<Setting>,
    /// Whether that is all that it is to set: what has a fault is not among it.
    pub is_whole: bool,
    /// Rules that it wins over where both apply.
    pub overrides: Vec<Reference>,
    /// A rule of an earlier set whose place it takes.
    pub replaces: Option<Reference>,
    /// The rules whose place it took, the first one first, with where they stand.
    pub replaced: Vec<(String, RulePlace)>,
    /// Where it stands.
    pub place: RulePlace,
}

impl Rule {
    /// All expressions of the rule.
    pub fn expressions(&self) -> impl Iterator<Item = &Expr> {
        let settings = self.settings.iter().flat_map(|setting| setting.value.expressions());
        self.when.iter().chain(settings)
    }

    /// The rule as the build config names it.
    pub fn named(&self) -> RuleAt {
        RuleAt {
            id: self.id.as_str().into(),
            at: self.place.to_string().into(),
            because: self.because.as_str().into(),
        }
    }
}

/// A set of releases: `4.16`, `>=4.17`, `>=4.17 <4.20`, `<=4.16`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Releases(Vec<(Comparison, Release)>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Releases {
    /// Tells whether a release belongs to the set.
    pub fn contains(&self, release: Release) -> bool {
        self.0.iter().all(|(comparison, bound)| match comparison {
            Comparison::Equal => release == *bound,
            Comparison::Less => release < *bound,
            Comparison::LessOrEqual => release <= *bound,
            Comparison::Greater => release > *bound,
            Comparison::GreaterOrEqual => release >= *bound,
        })
    }

    /// Tells whether no release belongs to the set.
    pub fn is_empty(&self) -> bool {
        !self.overlap(self)
    }

    /// Tells whether every release of another set belongs to this one.
    pub fn covers(&self, other: &Self) -> bool {
        self.around(other)
            .all(|release| !other.contains(release) || self.contains(release))
    }

    /// Tells whether some release belongs to both sets.
    pub fn overlap(&self, other: &Self) -> bool {
        self.0.is_empty() && other.0.is_empty()
            || self
                .around(other)
                .any(|release| self.contains(release) && other.contains(release))
    }

    /// The releases at and beside the bounds of two sets: between them nothing changes.
    fn around(&self, other: &Self) -> impl Iterator<Item = Release> {
        let bounds = self.0.iter().chain(&other.0).map(|(_, release)| *release);
        let minors = |r: Release| [r.minor.saturating_sub(1), r.minor, r.minor.saturating_add(1)];
        let near = bounds.flat_map(move |r| minors(r).map(|minor| Release { minor, ..r }));
        near.collect::<Vec<_>>().into_iter()
    }
}

impl std::fmt::Display for Releases {
    /// Writes the bounds as rules have them; `all` without any.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0.is_empty() {
            return f.write_str("all");
        }
        for (at, (comparison, release)) in self.0.iter().enumerate() {
            let sign = match comparison {
                Comparison::Equal => "",
                Comparison::Less => "<",
                Comparison::LessOrEqual => "<=",
                Comparison::Greater => ">",
                Comparison::GreaterOrEqual => ">=",
            };
            write!(f, "{}{sign}{release}", if at == 0 { "" } else { " " })?;
        }
        Ok(())
    }
}

/// Why a text does not say for which releases a rule is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotReleases {
    /// A word starts with no known comparison.
    #[error("`{0}` is no release or bound; write `4.16`, `>=4.17` or `>=4.17 <4.20`")]
    Sign(String),
    /// A bound names no release.
    #[error(transparent)]
    Release(#[from] NotARelease),
    /// It says nothing.
    #[error("no release is named; leave `releases` out where the rule is for all")]
    Empty,
}

impl FromStr for Releases {
    type Err = NotReleases;

    fn from_str(text: &str) -> Result<Self, NotReleases> {
        let mut bounds = Vec::new();
        for word in text.split([' ', ',']).filter(|word| !word.is_empty()) {
            let digits = word.find(|c: char| c.is_ascii_digit()).unwrap_or(word.len());
            let (sign, release) = word.split_at(digits);
            let comparison = match sign {
                "" | "=" | "==" => Comparison::Equal,
                "<" => Comparison::Less,
                "<=" => Comparison::LessOrEqual,
                ">" => Comparison::Greater,
                ">=" => Comparison::GreaterOrEqual,
                _ => return Err(NotReleases::Sign(word.to_owned())),
            };
            bounds.push((comparison, release.parse()?));
        }
        if bounds.is_empty() {
            return Err(NotReleases::Empty);
        }
        Ok(Self(bounds))
    }
}
