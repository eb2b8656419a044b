use super::*;
use crate::derive::resolve::Resolver;
use crate::facts::ci_config::Promotion;

mod branches;
mod digests;
mod from_map;
mod images;
pub mod world;

use world::{World, promotion, repo_name};

fn standing(release: &Release<'_>, key: &str) -> Standing {
    release.images[key].standing.clone()
}

fn finding<'r>(release: &'r Release<'_>, code: &str) -> &'r Finding {
    let found = release.findings.iter().find(|finding| finding.code == code);
    found.unwrap_or_else(|| panic!("no {code} in {:#?}", release.findings))
}
