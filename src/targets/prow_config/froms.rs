//! What `from` and `inputs` of an image have to say so that CI's builder puts the right image in each place of its Dockerfile.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use crate::base::Place;
use crate::derive::{Image, Input};
use crate::finding::{Finding, Severity};
use crate::model::replacement::{InputKind, Recipe, Replacements, replace};
use crate::targets::to_node;
use crate::yaml::Node;

/// A FROM and what stands in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replaced {
    /// The stage's name.
    pub stage: Option<String>,
    /// What the Dockerfile names, as it stands.
    pub token: String,
    /// The same with arguments substituted.
    pub written: String,
    /// A key of `base_images`, or the tag of an image built in the same file.
    pub reference: String,
}

/// What has to stand in one place of a Dockerfile in the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Want {
    /// What is there.
    Stays,
    /// What this reference stands for.
    By(String),
    /// Whatever somebody puts there: it could not be derived, or is none of metadata's business.
    Open,
}

/// What has to stand in the places of a Dockerfile.
#[derive(Clone, Debug, Default)]
pub struct Wants {
    /// By `FROM`, in order.
    pub froms: Vec<Want>,
    /// By `COPY --from`, in order.
    pub copies: Vec<Want>,
}

impl Wants {
    /// What is wanted of an image; `reference`: what an input is to be replaced by, where that is known.
    pub fn of(image: &Image, mut reference: impl FnMut(&Input) -> Want) -> Self {
        let mut froms = vec![Want::Stays; image.recipe.stages.len()];
        for input in &image.inputs {
            if let Some(want) = froms.get_mut(input.stage_index) {
                *want = reference(input);
            }
        }
        let copies = image.copies.iter().filter(|copy| copy.by == InputKind::Copy);
        let known: BTreeMap<&str, Want> = copies
            .map(|copy| match reference(copy) {
                Want::Stays => (copy.token.as_str(), Want::Open),
                want => (copy.token.as_str(), want),
            })
            .collect();
        let copies = image.recipe.copies().map(|(text, begun)| {
            let known = known.get(text).filter(|_| !begun);
            known.cloned().unwrap_or(Want::Stays)
        });
        Self {
            copies: copies.collect(),
            froms,
        }
    }
}

/// By reference, the texts that it replaces.
pub type Inputs = BTreeMap<String, Vec<String>>;

/// `inputs` as the config has it; none where nothing stands below it.
pub fn node(inputs: &Inputs) -> Option<Node> {
    let entries = inputs.iter().map(|(key, names)| (key.clone(), json!({ "as": names })));
    (!inputs.is_empty()).then(|| to_node(&Json::Object(entries.collect())))
}

/// Lists the texts of all that is replaced. `from`: what stands for the last `FROM`. Texts as they stand come in any case;
/// stages' names and texts with arguments substituted, for people and other builders, where they change nothing.
pub fn compose(recipe: &Recipe, replaced: &[Replaced], from: Option<&str>) -> Inputs {
    let needed = replaced.iter().map(|one| (one.token.as_str(), one.reference.as_str()));
    let mut with = Replacements::by_name(from, needed);
    let mut inputs = Inputs::new();
    for one in replaced {
        let (token, reference) = (one.token.as_str(), one.reference.as_str());
        let stage = one.stage.as_deref().filter(|name| !recipe.is_continued(name));
        let list = inputs.entry(reference.to_owned()).or_default();
        for text in stage.into_iter().chain([token, one.written.as_str()]) {
            let listed = with.of(text) == Some(reference) || text != token && adds(recipe, &mut with, text, reference);
            if listed && !list.iter().any(|known| known == text) {
                list.push(text.to_owned());
            }
        }
    }
    inputs.retain(|_, texts| !texts.is_empty());
    inputs
}

/// Adds a text that changes nothing; one that would is not added.
fn adds<'t>(recipe: &'t Recipe, with: &mut Replacements<'t>, text: &'t str, reference: &'t str) -> bool {
    if with.of(text).is_some() {
        return false;
    }
    let before = replace(recipe, with);
    with.insert(text, reference);
    let harmless = replace(recipe, with) == before;
    if !harmless {
        with.remove(text);
    }
    harmless
}

/// As configs of June 2024 have it: stages' names and pullspecs, whatever they do.
pub fn compose_last(replaced: &[Replaced]) -> Inputs {
    let mut inputs = Inputs::new();
    for one in replaced {
        let list = inputs.entry(one.reference.clone()).or_default();
        list.clear();
        for name in one.stage.iter().chain([&one.written]) {
            if !list.contains(name) {
                list.push(name.clone());
            }
        }
    }
    inputs
}

/// Why an image's Dockerfile cannot be built for OKD by replacing texts, if so: one text stands for two things.
pub fn conflict(image: &Image) -> Option<Finding> {
    let recipe = &image.recipe;
    let wants = Wants::of(image, |input| match input.replace.value {
        true => Want::By(input.pullspec.value.clone()),
        false => Want::Stays,
    });
    let last = recipe.stages.len().checked_sub(1)?;
    let base = match wants.froms.get(last) {
        Some(Want::By(pullspec)) => Some(pullspec.as_str()),
        _ => None,
    };
    let inputs = image
        .inputs
        .iter()
        .filter(|input| input.stage_index != last || base.is_none());
    let inputs = inputs.chain(image.copies.iter().filter(|copy| copy.by == InputKind::Copy));
    let inputs: Vec<&Input> = inputs.filter(|input| input.replace.value).collect();
    let texts = inputs
        .iter()
        .map(|input| (input.token.as_str(), input.pullspec.value.as_str()));
    let built = replace(recipe, &Replacements::by_name(base, texts));
    for (at, (became, want)) in built.froms.iter().zip(&wants.froms).enumerate() {
        let wrong = became
            .replacement()
            .filter(|with| *want != Want::By((*with).to_owned()));
        let Some(with) = wrong else { continue };
        let stage = recipe.stages.get(at)?;
        let by = inputs.iter().find(|input| input.token == stage.from)?;
        return Some(told(image, &stage.from, by, with, stage.continues.is_some()));
    }
    for (became, want) in built.copies.iter().zip(&wants.copies) {
        // By a number, or in other capitals: a stage to what builds the image, a text to what replaces.
        let stage = became.replacement().filter(|_| *want == Want::Stays);
        let by = inputs.iter().find(|input| Some(input.pullspec.value.as_str()) == stage);
        if let (Some(with), Some(by)) = (stage, by) {
            return Some(told(image, &by.token, by, with, true));
        }
    }
    None
}

fn told(image: &Image, text: &str, by: &Input, with: &str, continues: bool) -> Finding {
    let tag = &image.tag.value;
    let (code, message, help) = if continues {
        (
            "from-map-hits-stage",
            format!(
                "{tag}: `{text}` stands for {with} and is the name of a stage that is continued, which would be replaced, too"
            ),
            "give the stage another name in the Dockerfile; until then the image's entry stays as it is",
        )
    } else {
        (
            "from-map-ambiguous",
            format!("{tag}: `{text}` stands for {with}, and for something else in another place of the Dockerfile"),
            "name the two by different texts in the Dockerfile, or let metadata name one image for both",
        )
    };
    let origin = image.origin.as_ref();
    let place = Place {
        repo: origin.map(|origin| origin.name.clone()).unwrap_or_default(),
        commit: origin.and_then(|origin| origin.commit.clone()),
        file: image.dockerfile.clone(),
        line: Some(by.line),
    };
    Finding::new(Severity::Error, code, message)
        .with_place(place)
        .with_image(tag.clone())
        .with_help(help)
}
