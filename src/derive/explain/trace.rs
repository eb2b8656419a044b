//! The whole evaluation of an image, step by step.

use super::{Explainer, Field, one_line};
use crate::derive::provenance::About;
use crate::derive::{Config, Derived, DerivedInput};

/// Everything that rules were asked, in the order of the evaluation: payload, image, its inputs, its config.
pub(super) fn of(explainer: &Explainer<'_>, fields: &[Field]) -> Vec<Field> {
    let mut trace = payload(explainer);
    trace.extend(image(explainer));
    trace.extend(fields.iter().cloned());
    trace.extend(inputs(explainer));
    let image = explainer.image;
    let repository = image.repository.value.as_ref();
    let config = repository.and_then(|repository| explainer.release.configs.get(repository));
    trace.extend(config.into_iter().flat_map(|config| of_config(explainer, config)));
    trace
}

fn payload(explainer: &Explainer<'_>) -> Vec<Field> {
    let payload = &explainer.release.payload;
    let fields = [
        ("registry", &payload.registry),
        ("namespace", &payload.namespace),
        ("name", &payload.name),
        ("variant", &payload.variant),
        ("source_namespace", &payload.source_namespace),
        ("source_name", &payload.source_name),
    ];
    let field = |(name, derived): (&str, &Derived<String>)| {
        explainer.about(
            About::Release,
            &format!("payload.{name}"),
            name,
            derived,
            derived.value.clone(),
        )
    };
    fields.into_iter().map(field).collect()
}

fn image(explainer: &Explainer<'_>) -> Vec<Field> {
    let image = explainer.image;
    let excluded = image.excluded.value.clone();
    vec![
        explainer.field("excluded", &image.excluded, excluded, "excluded"),
        explainer.field("from", &image.from, one_line(&image.from.value), "from"),
        explainer.field("path", &image.path, image.path.value.clone(), "path"),
    ]
}

fn inputs(explainer: &Explainer<'_>) -> Vec<Field> {
    let mut fields = Vec::new();
    let mut builders = 0;
    for input in &explainer.image.inputs {
        let name = if input.builder {
            builders += 1;
            format!("builders[{}]", builders - 1)
        } else {
            "base".to_owned()
        };
        fields.extend(of_input(explainer, &name, input));
    }
    fields
}

fn of_input(explainer: &Explainer<'_>, name: &str, input: &DerivedInput) -> [Field; 2] {
    let replace = input.replace.value.to_string();
    [
        explainer.field(&format!("{name}.replace"), &input.replace, replace, "replace"),
        explainer.field(&format!("{name}.go"), &input.go, input.go.value.clone(), "go"),
    ]
}

fn of_config(explainer: &Explainer<'_>, config: &Config) -> Vec<Field> {
    let json = [
        ("promotion", &config.promotion),
        ("prowgen", &config.prowgen),
        ("releases", &config.releases),
        ("resources", &config.resources),
        ("tests", &config.tests),
    ];
    let words = [
        ("images_form", &config.images_as_items),
        ("stage_names", &config.last_stage_only),
        ("same_meaning", &config.rewrite_same_meaning),
    ];
    let word = |(name, derived): (&str, &Derived<bool>)| {
        // The engine keeps only whether it is the word that changes something; the rule says which it is.
        let deciders = derived
            .deciders()
            .filter_map(|at| explainer.release.rules.rules.get(at));
        let ids: Vec<&str> = deciders.map(|rule| rule.id.as_str()).collect();
        let value = format!("as {} says", ids.join(" and "));
        explainer.about(About::Release, &format!("config.{name}"), name, derived, value)
    };
    let fields = json.into_iter().map(|(name, derived)| {
        let value = one_line(&derived.value);
        explainer.about(About::Release, &format!("config.{name}"), name, derived, value)
    });
    fields.chain(words.into_iter().map(word)).collect()
}
