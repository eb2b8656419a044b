//! What a release was derived from, for those who look at its pull requests.

use super::Run;
use crate::base::{Origin, RepoName};
use crate::config::Forge;
use crate::derive;
use crate::github;
use crate::model::metadata::Metadata;
use crate::plan::{Spot, Upstream, UpstreamImage};
use crate::source::Location;

impl Run {
    /// What a derived release was derived from.
    pub(super) fn upstream(&self, derived: &derive::Release<'_>) -> Upstream {
        let release = derived.metadata.release;
        let sources = &self.config.sources;
        let component = |(repo, origin): (&RepoName, &Origin)| {
            let web = sources.components.repo(release, repo).and_then(|at| self.web(&at));
            (repo.to_string(), spot(origin, web))
        };
        let metadata = sources.build_data.repo(release);
        Upstream {
            release: release.to_string(),
            metadata: spot(&derived.metadata.origin, self.web(&metadata)),
            components: derived.components.iter().map(component).collect(),
            images: images(derived).collect(),
        }
    }

    /// Where people look at a repository. A mirror on disk has its place where pull requests go.
    fn web(&self, at: &Location) -> Option<String> {
        match (at, &self.config.forge) {
            (Location::Url(url), _) => {
                let url = url.to_string();
                Some(url.strip_suffix(".git").unwrap_or(&url).to_owned())
            }
            (Location::Path(_), Forge::GitHub { api, .. }) => {
                Some(format!("{}/{}", github::web::host(api), at.name()?))
            }
            (Location::Path(_), Forge::Local { .. }) => None,
        }
    }
}

fn spot(origin: &Origin, web: Option<String>) -> Spot {
    Spot {
        name: origin.name.clone(),
        branch: origin.branch.clone(),
        commit: origin.commit.clone(),
        web,
    }
}

fn images<'r>(derived: &'r derive::Release<'_>) -> impl Iterator<Item = (String, UpstreamImage)> + 'r {
    let tag = |key: &String| Some(derived.images.get(key)?.tag.value.clone());
    derived.images.values().map(move |image| {
        let from = crate::derive::outline::members(&image.from.value);
        let copied = image.copies.iter().filter(|copy| copy.kind == "member");
        let parents = from.iter().chain(copied.map(|copy| &copy.name)).filter_map(tag);
        let known = UpstreamImage {
            file: Metadata::image_file(&image.key),
            component: image.component(),
            merge_first: image.view["ci"]["merge_first"].as_bool().unwrap_or_default(),
            wave: image.wave,
            parents: parents.filter(|parent| *parent != image.tag.value).collect(),
        };
        (image.tag.value.clone(), known)
    })
}
