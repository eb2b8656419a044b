//! A repository's name.

use std::fmt;
use std::str::FromStr;

/// A repository's name on its forge, `org/repo`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct RepoName {
    /// The organisation or user.
    pub org: String,
    /// The repository's own name.
    pub repo: String,
}

impl fmt::Display for RepoName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.org, self.repo)
    }
}

/// A text that is no [`RepoName`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a repository's name: two names with a slash between them are expected, such as openshift/etcd")]
pub struct NotARepoName(pub String);

impl FromStr for RepoName {
    type Err = NotARepoName;

    /// Reads `org/repo`. Each can stand for one segment of a path or URL: letters, digits, `.`, `-` and `_`.
    fn from_str(text: &str) -> Result<Self, NotARepoName> {
        let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        let plain = |part: &str| !matches!(part, "" | "." | "..") && part.chars().all(legal);
        match text.split_once('/') {
            Some((org, repo)) if plain(org) && plain(repo) => Ok(Self {
                org: org.to_owned(),
                repo: repo.to_owned(),
            }),
            _ => Err(NotARepoName(text.to_owned())),
        }
    }
}
