//! The Dockerfiles that a prediction looks at.

use crate::audit::check::Asked;
use crate::audit::context::{Context, FileText};
use crate::base::RepoName;
use crate::derive::{DerivedImage, Release, Standing};
use crate::doozer::{Doozer, Terms};

/// The repository and branch that an image is built from, where both are known.
pub fn source(image: &DerivedImage) -> Option<(&RepoName, &str)> {
    let repo = image.repository.value.as_ref()?;
    (!image.branch.is_empty()).then_some((repo, image.branch.as_str()))
}

/// For each image that is built the Dockerfile that doozer takes, and the one that is derived.
pub fn asks(release: &Release<'_>) -> Vec<Asked> {
    let doozer = Doozer::new(release.metadata, Terms::default());
    let built = release
        .images
        .values()
        .filter(|image| !matches!(image.standing, Standing::Dropped(_)));
    let files = built.flat_map(|image| {
        let paths = doozer
            .dockerfile(&image.key)
            .into_iter()
            .chain([image.dockerfile.clone()]);
        let at = source(image);
        paths.filter_map(move |path| {
            let (repo, branch) = at?;
            Some(Asked {
                repo: repo.clone(),
                branch: branch.to_owned(),
                path,
            })
        })
    });
    files.collect()
}

/// Gives files that were read for a check.
pub fn look<'c>(context: &Context<'c>) -> impl Fn(&RepoName, &str) -> Option<FileText> + use<'c> {
    let files = context.files;
    move |repo, path| files?.text(repo, path).cloned()
}
