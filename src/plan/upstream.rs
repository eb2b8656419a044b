//! What a release was derived from: commits, and images in the order in which they are built.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// What a release was derived from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upstream {
    /// The release.
    pub release: String,
    /// Its metadata.
    pub metadata: Spot,
    /// The components that were read, by `org/repo`.
    pub components: BTreeMap<String, Spot>,
    /// The images, by payload tag.
    pub images: BTreeMap<String, UpstreamImage>,
}

/// A repository at a commit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spot {
    /// The repository as people know it.
    pub name: String,
    /// The branch; empty for a plain directory.
    pub branch: String,
    /// The commit; `None` for a plain directory.
    pub commit: Option<String>,
    /// Where people look at the repository, `https://…`, where that is known.
    pub web: Option<String>,
}

/// An image as metadata has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpstreamImage {
    /// Its file in the metadata.
    pub file: String,
    /// The component that it is built from, `org/repo`, where it is public.
    pub component: Option<String>,
    /// Whether metadata asks for its change to be merged before others.
    pub merge_first: bool,
    /// The build wave, from 0; `None` where it is built from itself.
    pub wave: Option<u32>,
    /// The payload tags of the images that it is built from.
    pub parents: BTreeSet<String>,
}

/// How many digits of a commit are shown.
const SHORT: usize = 10;

impl Spot {
    /// The commit, short.
    pub fn short(&self) -> Option<&str> {
        let commit = self.commit.as_deref()?;
        Some(commit.get(..SHORT).unwrap_or(commit))
    }

    /// Where people look at the commit.
    pub fn commit_link(&self) -> Option<String> {
        Some(format!("{}/commit/{}", self.plain_web()?, self.short()?))
    }

    /// Where people look at a file of the commit.
    pub fn file_link(&self, path: &str) -> Option<String> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_./+".contains(c);
        let plain = !path.is_empty() && path.chars().all(plain);
        plain.then_some(format!("{}/blob/{}/{path}", self.plain_web()?, self.short()?))
    }

    /// The repository's address, if it is one that can stand in a link as it is.
    fn plain_web(&self) -> Option<&str> {
        let web = self.web.as_deref()?;
        let rest = web.strip_prefix("https://").or_else(|| web.strip_prefix("http://"))?;
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:".contains(c);
        (!rest.is_empty() && rest.chars().all(plain)).then_some(web)
    }
}

impl Upstream {
    /// The images that an image is built from, and those that they are built from, by tag.
    pub fn ancestors(&self, tag: &str) -> BTreeSet<&str> {
        let mut found = BTreeSet::new();
        let mut todo: Vec<&UpstreamImage> = self.images.get(tag).into_iter().collect();
        while let Some(next) = todo.pop() {
            let new = next.parents.iter().filter(|parent| found.insert(parent.as_str()));
            todo.extend(new.filter_map(|parent| self.images.get(parent)));
        }
        found
    }

    /// When an image's turn is: first those that metadata wants merged first, then by wave.
    pub fn turn(&self, tag: &str) -> u32 {
        match self.images.get(tag) {
            Some(image) if image.merge_first => 0,
            Some(image) => image.wave.unwrap_or(u32::MAX - 1).saturating_add(1),
            None => u32::MAX,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spot(web: &str) -> Spot {
        Spot {
            name: "o/r".into(),
            branch: "main".into(),
            commit: Some("0123456789abcdef".into()),
            web: Some(web.into()),
        }
    }

    #[test]
    fn links_lead_to_the_commit() {
        let spot = spot("https://github.com/o/r");
        assert_eq!(
            spot.commit_link().as_deref(),
            Some("https://github.com/o/r/commit/0123456789")
        );
        assert_eq!(
            spot.file_link("images/a.yml").as_deref(),
            Some("https://github.com/o/r/blob/0123456789/images/a.yml")
        );
        assert_eq!(spot.file_link("a b)[x](y"), None, "no name breaks out of a link");
        let folder = Spot { commit: None, ..spot };
        assert_eq!(folder.commit_link(), None);
    }

    #[test]
    fn an_address_that_is_none_is_no_link() {
        for web in ["javascript:alert(1)", "https://", "https://h/) [x](y", "repos/o/r"] {
            assert_eq!(spot(web).commit_link(), None, "{web}");
        }
    }

    #[test]
    fn ancestors_and_turns() {
        let image = |parents: &[&str], wave, merge_first| UpstreamImage {
            parents: parents.iter().map(|p| (*p).to_owned()).collect(),
            wave: Some(wave),
            merge_first,
            ..UpstreamImage::default()
        };
        let upstream = Upstream {
            images: [
                ("base".to_owned(), image(&[], 0, false)),
                ("cli".to_owned(), image(&["base"], 1, false)),
                ("tools".to_owned(), image(&["cli", "tools"], 2, true)),
            ]
            .into(),
            ..Upstream::default()
        };
        assert_eq!(upstream.ancestors("tools"), ["base", "cli", "tools"].into());
        assert_eq!(
            ["tools", "base", "cli", "?"].map(|tag| upstream.turn(tag)),
            [0, 1, 2, u32::MAX]
        );
    }
}
