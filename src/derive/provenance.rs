//! Why a value is what it is: the rules behind it, and the places in the inputs that those rules read.

use serde_json::Value as Json;

use super::Release;
use crate::base::Place;
use crate::facts::view::Key;
use crate::facts::{image, stream, view};
use crate::model::metadata::Metadata;
use crate::rules::decision::Tried;
use crate::rules::expr::Expr;
use crate::rules::{Rule, RuleSet, Verdict};

/// What the rules behind a value were about.
#[derive(Clone, Copy, Debug)]
pub enum About<'a> {
    /// An image, by key.
    Image(&'a str),
    /// An image as a member, by key.
    Member(&'a str),
    /// A stream, by name.
    Stream(&'a str),
    /// A config or the release as a whole.
    Release,
}

/// A variable that a rule read.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Read {
    /// The variable as the rule names it, such as `image.okd_alignment.tag_name`.
    pub variable: String,
    /// Its value, on one line.
    pub value: String,
    /// Where it comes from, where that is a line of a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
}

/// A rule and its part in a value.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct RulePart {
    /// The rule's id.
    pub rule: String,
    /// Where it stands, such as `rules/20-images.yaml:12`.
    pub at: String,
    /// Why it is so.
    pub because: String,
    /// Its condition, as written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// What became of it.
    pub verdict: String,
    /// What it read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub read: Vec<Read>,
}

/// The key of an image's file whose value the rules took for a field; none where they made the value of something else.
pub fn taken_from(rules: &RuleSet, tried: &[Tried], field: &str) -> Option<&'static Key> {
    let mut deciders = tried.iter().filter(|tried| tried.verdict == Verdict::Decided);
    let rule = rules.rules.get(deciders.next_back()?.rule)?;
    let settings = rule.settings.iter().filter(|setting| setting.field == field);
    let mut paths = settings
        .flat_map(|setting| setting.value.expressions())
        .flat_map(|expr| &expr.names.paths);
    let named = paths.find(|path| path.first().is_some_and(|root| root == "image" || root == "member"))?;
    let dotted = named.get(1..)?.join(".");
    image::KEYS.iter().find(|key| key.view == dotted)
}

impl Release<'_> {
    /// The part of each rule that was tried for a field, strongest first.
    pub fn rule_parts(&self, tried: &[Tried], field: &str, about: About<'_>) -> Vec<RulePart> {
        tried
            .iter()
            .filter_map(|tried| Some((self.rules.rules.get(tried.rule)?, tried)))
            .map(|(rule, tried)| {
                RulePart {
                    rule: rule.id.clone(),
                    at: rule.place.to_string(),
                    because: rule.because.clone(),
                    when: rule.when_text.clone(),
                    verdict: verdict(&tried.verdict),
                    read: match tried.verdict {
                        Verdict::Decided => self.read_by(rule, field, about),
                        // Why it did not apply: what its condition saw.
                        Verdict::DidNotApply => self.read_in(rule.when.iter(), about),
                        _ => Vec::new(),
                    },
                }
            })
            .collect()
    }

    /// The places in the inputs that a rule read for a field.
    pub fn places_read_by(&self, rule: &Rule, field: &str, about: About<'_>) -> Vec<Place> {
        let paths = paths(expressions(rule, field)).into_iter();
        paths.filter_map(|path| self.place_read(path, about)).collect()
    }

    /// The variables that a rule read for a field, with their places.
    fn read_by(&self, rule: &Rule, field: &str, about: About<'_>) -> Vec<Read> {
        self.read_in(expressions(rule, field), about)
    }

    fn read_in<'e>(&self, expressions: impl Iterator<Item = &'e Expr>, about: About<'_>) -> Vec<Read> {
        let paths = paths(expressions).into_iter();
        paths.filter_map(|path| self.read(path, about)).collect()
    }

    fn read(&self, path: &[String], about: About<'_>) -> Option<Read> {
        let (root, rest) = path.split_first()?;
        let value = match (root.as_str(), about) {
            ("image", About::Image(key)) | ("member", About::Member(key)) => self.of_image(key, rest),
            ("stream", About::Stream(name)) => follow(&self.metadata.stream(name)?.view, rest),
            ("payload", _) => follow(&self.payload.view, rest).map(counted),
            ("release", _) => Some(Json::String(self.metadata.release.to_string())),
            ("vars", _) => Some(Json::String(self.metadata.group.vars.get(rest.first()?)?.clone())),
            ("group", _) => follow(&self.metadata.group.view(), rest),
            _ => return None,
        };
        Some(Read {
            variable: path.join("."),
            value: value.map(|value| one_line(&value)).unwrap_or_default(),
            place: self.place_read(path, about),
        })
    }

    /// Where a variable that a rule read comes from, where that is a line of a file.
    fn place_read(&self, path: &[String], about: About<'_>) -> Option<Place> {
        let (root, rest) = path.split_first()?;
        let group = &self.metadata.group;
        match (root.as_str(), about) {
            ("image", About::Image(key)) | ("member", About::Member(key)) => self.place_of_image(key, rest),
            ("stream", About::Stream(name)) => {
                let stream = self.metadata.stream(name)?;
                let line = view::line_of(&stream.node, stream::KEYS, rest).unwrap_or(stream.line);
                Some(self.metadata.place("streams.yml", Some(line)))
            }
            ("vars", _) => {
                let known = group.vars.contains_key(rest.first()?);
                known.then(|| self.metadata.place("group.yml", None))
            }
            ("group", _) => {
                let is_okd = rest.first().is_some_and(|name| name == "okd");
                Some(self.metadata.place("group.yml", group.okd_line.filter(|_| is_okd)))
            }
            _ => None,
        }
    }

    fn of_image(&self, key: &str, path: &[String]) -> Option<Json> {
        let view = self.images.get(key).map(|image| &image.view);
        follow(view.or_else(|| Some(&self.metadata.images.get(key)?.view))?, path)
    }

    fn place_of_image(&self, key: &str, path: &[String]) -> Option<Place> {
        let image = self.metadata.images.get(key)?;
        Some(self.metadata.place(Metadata::image_file(key), image.line_of(path)))
    }
}

/// What a rule evaluates for a field.
fn expressions<'r>(rule: &'r Rule, field: &'r str) -> impl Iterator<Item = &'r Expr> {
    let values = rule.settings.iter().filter(move |setting| setting.field == field);
    values.flat_map(|setting| setting.value.expressions()).chain(&rule.when)
}

/// The variables that expressions name, each once.
fn paths<'e>(expressions: impl Iterator<Item = &'e Expr>) -> Vec<&'e Vec<String>> {
    let mut paths: Vec<&Vec<String>> = expressions.flat_map(|expr| &expr.names.paths).collect();
    paths.sort();
    paths.dedup();
    paths
}

fn follow(value: &Json, path: &[String]) -> Option<Json> {
    path.iter().try_fold(value, |value, name| value.get(name)).cloned()
}

/// A whole list of the payload's says nothing to a reader: its size does.
fn counted(value: Json) -> Json {
    match value {
        Json::Object(map) if map.len() > 3 => Json::String(format!("{} tags", map.len())),
        other => other,
    }
}

/// A value on one line.
pub fn one_line(value: &Json) -> String {
    match value {
        Json::String(text) => text.replace('\n', "⏎"),
        other => other.to_string().replace("\\n", "⏎"),
    }
}

fn verdict(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Decided => "decided".into(),
        Verdict::OtherRelease => "is for other releases".into(),
        Verdict::DidNotApply => "did not apply".into(),
        Verdict::Overridden => "was overridden".into(),
        Verdict::Failed(message) => format!("failed: {message}"),
        Verdict::Contradicts(message) => format!("contradicts: {message}"),
    }
}
