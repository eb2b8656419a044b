//! What is to be looked at: everything, or some releases and pull requests of others.

use std::collections::BTreeSet;

use crate::base::Release;
use crate::run::feedback::Wish;

/// What is to be looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Everything.
    Whole,
    /// These releases.
    Releases(BTreeSet<Release>),
    /// These pull requests of others.
    Pulls(Wish),
    /// Both.
    Both(BTreeSet<Release>, Wish),
}

impl Extent {
    /// Both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let (Some((mut releases, mut wish)), Some((more, wished))) = (self.parts(), other.parts()) else {
            return Self::Whole;
        };
        releases.extend(more);
        wish.extend(wished);
        Self::of(releases, wish)
    }

    /// Releases and pull requests.
    pub fn of(releases: BTreeSet<Release>, wish: Wish) -> Self {
        match (releases.is_empty(), wish.is_empty()) {
            (_, true) => Self::Releases(releases),
            (true, false) => Self::Pulls(wish),
            (false, false) => Self::Both(releases, wish),
        }
    }

    /// The releases and pull requests; `None`: everything.
    pub fn parts(self) -> Option<(BTreeSet<Release>, Wish)> {
        match self {
            Self::Whole => None,
            Self::Releases(releases) => Some((releases, Wish::default())),
            Self::Pulls(wish) => Some((BTreeSet::new(), wish)),
            Self::Both(releases, wish) => Some((releases, wish)),
        }
    }
}
