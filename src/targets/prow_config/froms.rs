//! What `from` and `inputs` of an image have to say so that CI's builder puts the right image in each place of its Dockerfile.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use crate::finding::{Finding, Severity};
use crate::model::build_config::{At, Copied, Image, Input, RuleAt};
use crate::model::replacement::{InputKind, Recipe, Replacements, replace};
use crate::targets::to_node;
use crate::yaml::Node;

/// A line of a Dockerfile that names an image.
pub struct Line<'i> {
    /// What line it is.
    pub kind: InputKind,
    /// Whether it is another one than that of the base.
    pub builder: bool,
    /// Whether it is the image's own base that stands here.
    pub last: bool,
    /// The stage's name.
    pub stage: Option<&'i str>,
    /// What it names, as it stands.
    pub token: &'i str,
    /// The same with arguments substituted.
    pub written: &'i str,
    /// Metadata's entry.
    pub metadata: &'i str,
    /// What it stands for in OKD.
    pub pullspec: &'i str,
    /// Whether it is replaced at all.
    pub replaced: bool,
    /// The rules that decided the pullspec.
    pub rules: &'i [RuleAt],
    /// Where it stands.
    pub at: &'i At,
}

/// The FROMs of an image, builders first, each with the place of its stage.
pub fn froms(image: &Image) -> impl Iterator<Item = (usize, Line<'_>)> {
    let builders = image.builders.iter().map(|input| (input, true));
    let all = builders.chain(image.base.iter().map(|input| (input, false)));
    all.map(|(input, builder)| (input.stage_index, Line::from(input, builder)))
}

/// The other lines of an image's Dockerfile that name images.
pub fn copies(image: &Image) -> impl Iterator<Item = Line<'_>> {
    image.copies_from.iter().map(Line::copy)
}

impl<'i> Line<'i> {
    fn from(input: &'i Input, builder: bool) -> Self {
        Self {
            kind: InputKind::From,
            builder,
            last: !builder && !input.inner,
            stage: input.stage.as_deref(),
            token: input.token.as_ref().unwrap_or(&input.written),
            written: &input.written,
            metadata: &input.metadata,
            pullspec: &input.pullspec.value,
            replaced: input.replaced,
            rules: &input.pullspec.rules,
            at: &input.at,
        }
    }

    fn copy(copy: &'i Copied) -> Self {
        Self {
            kind: copy.kind,
            builder: true,
            last: false,
            stage: None,
            token: copy.token.as_ref().unwrap_or(&copy.written),
            written: &copy.written,
            metadata: copy.metadata.as_deref().unwrap_or_default(),
            pullspec: &copy.pullspec,
            replaced: copy.replaced,
            rules: &copy.rules,
            at: &copy.at,
        }
    }
}

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
    pub fn of(image: &Image, mut reference: impl FnMut(&Line<'_>) -> Want) -> Self {
        let mut wants = vec![Want::Stays; image.stages.stages.len()];
        for (stage, line) in froms(image) {
            if let Some(want) = wants.get_mut(stage) {
                *want = reference(&line);
            }
        }
        let copies = copies(image).filter(|copy| copy.kind == InputKind::Copy);
        let known: BTreeMap<&str, Want> = copies
            .map(|copy| match reference(&copy) {
                Want::Stays => (copy.token, Want::Open),
                want => (copy.token, want),
            })
            .collect();
        let copies = image.stages.copies().map(|(text, begun)| {
            let known = known.get(text).filter(|_| !begun);
            known.cloned().unwrap_or(Want::Stays)
        });
        Self {
            copies: copies.collect(),
            froms: wants,
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
    let recipe = &image.stages;
    let wants = Wants::of(image, |line| match line.replaced {
        true => Want::By(line.pullspec.to_owned()),
        false => Want::Stays,
    });
    let last = recipe.stages.len().checked_sub(1)?;
    let base = match wants.froms.get(last) {
        Some(Want::By(pullspec)) => Some(pullspec.as_str()),
        _ => None,
    };
    let lines = froms(image).filter(|(stage, _)| *stage != last || base.is_none());
    let lines = lines.map(|(_, line)| line);
    let lines = lines.chain(copies(image).filter(|copy| copy.kind == InputKind::Copy));
    let lines: Vec<Line<'_>> = lines.filter(|line| line.replaced).collect();
    let texts = lines.iter().map(|line| (line.token, line.pullspec));
    let built = replace(recipe, &Replacements::by_name(base, texts));
    for (at, (became, want)) in built.froms.iter().zip(&wants.froms).enumerate() {
        let wrong = became
            .replacement()
            .filter(|with| *want != Want::By((*with).to_owned()));
        let Some(with) = wrong else { continue };
        let stage = recipe.stages.get(at)?;
        let by = lines.iter().find(|line| line.token == stage.from)?;
        return Some(told(image, &stage.from, by, with, stage.continues.is_some()));
    }
    for (became, want) in built.copies.iter().zip(&wants.copies) {
        // By a number, or in other capitals: a stage to what builds the image, a text to what replaces.
        let stage = became.replacement().filter(|_| *want == Want::Stays);
        let by = lines.iter().find(|line| Some(line.pullspec) == stage);
        if let (Some(with), Some(by)) = (stage, by) {
            return Some(told(image, by.token, by, with, true));
        }
    }
    None
}

fn told(image: &Image, text: &str, by: &Line<'_>, with: &str, continues: bool) -> Finding {
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
    Finding::new(Severity::Error, code, message)
        .with_place(by.at.0.clone())
        .with_image(tag.clone())
        .with_help(help)
}
