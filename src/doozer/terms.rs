//! Words of rules that a prediction needs.

use regex::Regex;
use serde_json::{Value as Json, json};

use crate::derive::Release;
use crate::derive::outline::base_scope;
use crate::rules::Subject;

/// The name that rules about the tool's terms are asked for: the target that writes what it reads.
pub const TARGET: &str = "build-data";

/// Words of rules that the prediction needs.
#[derive(Debug, Default)]
pub struct Terms {
    /// What the tool sets in every image of OKD.
    pub env: Vec<(String, String)>,
    from: Option<Regex>,
    tag: Option<Regex>,
}

impl Terms {
    /// Takes words: what stands before the EL version in a FROM's tag, and in a builder's own.
    pub fn new(env: Vec<(String, String)>, names: &[String], suffixes: &[String]) -> Self {
        let any = |words: &[String]| {
            words
                .iter()
                .map(|word| regex::escape(word))
                .collect::<Vec<_>>()
                .join("|")
        };
        let made = |text: String, words: &[String]| Regex::new(&text).ok().filter(|_| !words.is_empty());
        Self {
            env,
            from: made(format!("(?:{})-?([0-9]{{1,3}})", any(names)), names),
            tag: made(format!("(?s:.*)[.+](?:{})([0-9]{{1,3}})", any(suffixes)), suffixes),
        }
    }

    /// Asks the rules.
    pub fn of(release: &Release<'_>) -> Self {
        let metadata = release.metadata;
        let mut scope = base_scope(metadata.release, &metadata.group, Some(&release.payload.view));
        scope.set("target", &json!(TARGET));
        let value = |field: &str| {
            let decision = release.rules.decide(Subject::Target, field, metadata.release, &scope);
            decision.value.unwrap_or_default()
        };
        let texts = |field: &str| -> Vec<String> {
            let list = value(field);
            let items = list.as_array().into_iter().flatten().filter_map(Json::as_str);
            items.map(str::to_owned).collect()
        };
        let env = value("env");
        let pair = |item: &Json| Some((item["name"].as_str()?.to_owned(), item["value"].as_str()?.to_owned()));
        let env = env.as_array().into_iter().flatten().filter_map(pair).collect();
        Self::new(env, &texts("el_names"), &texts("el_suffixes"))
    }

    /// The EL version that the tag of a FROM names.
    pub fn el_of_from(&self, pullspec: &str) -> Option<u32> {
        let found = self.from.as_ref()?.captures(tag_of(pullspec)?)?;
        found[1].parse().ok()
    }

    /// The EL version of a builder's own tag.
    pub fn el_of_tag(&self, tag: &str) -> Option<u32> {
        self.tag.as_ref()?.captures(tag)?[1].parse().ok()
    }
}

/// The tag of a pullspec, its digest aside.
pub fn tag_of(pullspec: &str) -> Option<&str> {
    let named = pullspec.split('@').next()?;
    named.contains(':').then(|| named.rsplit(':').next()).flatten()
}
