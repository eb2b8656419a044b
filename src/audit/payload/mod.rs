//! What the payload wants and what is built for it.

mod behind;
mod demand;
mod difference;
mod ended;
mod entries;
mod mirrored;
mod own;
mod unreadable;
mod unwanted;
mod upgrades;
mod verified;

use serde_json::Value as Json;

use super::check::Check;
use crate::derive::{Release, Standing};
use crate::model::metadata::Metadata;

/// The family's checks.
pub static CHECKS: &[&Check] = &[
    &demand::CHECK,
    &unwanted::CHECK,
    &difference::CHECK,
    &verified::CHECK,
    &upgrades::CHECK,
    &behind::CHECK,
    &ended::CHECK,
    &mirrored::CHECK,
    &unreadable::CHECK,
];

/// Why metadata has an image for a tag that is not built; none where it has no such image. The second is its key.
fn dropped<'r>(release: &'r Release<'_>, tag: &str) -> Option<(String, &'r str)> {
    let of_tag = |(_, image): &(&String, &crate::derive::DerivedImage)| image.tag.value == tag;
    if let Some((key, image)) = release.images.iter().find(of_tag)
        && let Standing::Dropped(why) = &image.standing
    {
        return Some((format!("{} is not built: {why}", Metadata::image_file(key)), key));
    }
    let named = |name: &str| name.rsplit('/').next().unwrap_or_default().trim_start_matches("ose-") == tag;
    let (key, _) = release.metadata.images.iter().find(|(key, image)| {
        let text = |value: &'r Json| value.as_str().unwrap_or_default();
        let is_it = match text(&image.view["payload_name"]) {
            "" => named(text(&image.view["name"])),
            name => name == tag,
        };
        is_it && !release.images.contains_key(*key)
    })?;
    let file = Metadata::image_file(key);
    Some((
        format!("{file} is not for the payload, and nothing is built from it"),
        key,
    ))
}
