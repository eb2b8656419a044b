//! What of the drift is put right: adoption of one cause, component, image or release at a time, and accepted deviations.

use serde::{Deserialize, Serialize};

use super::desired::Cause;
use super::verdict::Verdict;
use super::words::{NEW_FILE, REMOVED_FILE, WHOLE_FILE};
use crate::base::Date;

/// A deviation that somebody stands for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Accept {
    /// What it is about: a rule's id, a field, `rule/field`, `new-file` or `removed-file`.
    pub cause: String,
    /// Only for this component (`org/repo`).
    #[serde(default)]
    pub component: Option<String>,
    /// Only for this image (payload tag).
    #[serde(default)]
    pub image: Option<String>,
    /// Only for this release.
    #[serde(default)]
    pub release: Option<String>,
    /// Why the deviation is right.
    pub reason: String,
    /// Who says so.
    pub author: String,
    /// The last day on which it holds, `YYYY-MM-DD`.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub until: Option<Date>,
    /// Where it is written, e.g. `lockstep.yaml:31`; filled in by whoever reads it.
    #[serde(default, skip)]
    pub at: Option<String>,
}

/// What of the drift is adopted. An empty list adopts everything of its kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Adopt {
    /// Rule ids, fields, `rule/field`, `new-file`, `removed-file`.
    pub causes: Vec<String>,
    /// Components, `org/repo`.
    pub components: Vec<String>,
    /// Releases.
    pub releases: Vec<String>,
    /// Images, by payload tag.
    pub images: Vec<String>,
}

/// Adoption and acceptance as of a day.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// The accepted deviations.
    pub accept: Vec<Accept>,
    /// What is adopted.
    pub adopt: Adopt,
    /// The day on which the run takes place; `None`: no acceptance has expired.
    pub today: Option<Date>,
}

/// Whether a selector (rule id, field, `rule/field`, or the word for all new or all removed files) names a cause.
pub(super) fn names(selector: &str, cause: &Cause) -> bool {
    let whole = match selector {
        NEW_FILE => cause.field == WHOLE_FILE && cause.old.is_none() && cause.new.is_some(),
        REMOVED_FILE => cause.field == WHOLE_FILE && cause.old.is_some() && cause.new.is_none(),
        _ => false,
    };
    whole
        || selector == cause.rule
        || selector == cause.field
        || selector
            .strip_prefix(cause.rule.as_str())
            .and_then(|rest| rest.strip_prefix('/'))
            == Some(&cause.field)
}

/// Whether a cause concerns an image.
pub(super) fn concerns(image: &str, cause: &Cause) -> bool {
    cause.item.as_deref() == Some(image) || cause.images.iter().any(|i| i == image)
}

impl Accept {
    /// Whether the acceptance no longer holds on a day.
    pub fn expired(&self, today: Option<Date>) -> bool {
        matches!((self.until, today), (Some(until), Some(today)) if today > until)
    }

    fn covers(&self, cause: &Cause, release: &str) -> bool {
        names(&self.cause, cause)
            && self.component.as_ref().is_none_or(|c| *c == cause.component)
            && self.image.as_ref().is_none_or(|i| concerns(i, cause))
            && self.release.as_ref().is_none_or(|r| r == release)
    }
}

impl Adopt {
    /// Whether anything is left out.
    pub fn is_bounded(&self) -> bool {
        *self != Self::default()
    }

    /// Whether everything that may differ of a component in a release is adopted.
    pub(super) fn takes_all_of(&self, component: Option<&str>, release: &str) -> bool {
        let among = |list: &[String], name: Option<&str>| {
            list.is_empty() || name.is_some_and(|name| list.iter().any(|one| one == name))
        };
        self.causes.is_empty()
            && self.images.is_empty()
            && among(&self.components, component)
            && among(&self.releases, Some(release))
    }

    /// What stands for it where it is written down: equal ones, equal adoptions.
    pub fn digest(&self) -> String {
        let text = format!("{self:?}");
        git2::Oid::hash_object(git2::ObjectType::Blob, text.as_bytes())
            .map_or_else(|_| String::new(), |oid| oid.to_string().chars().take(12).collect())
    }

    fn covers(&self, cause: &Cause, release: &str) -> bool {
        let among = |list: &[String], held: &dyn Fn(&String) -> bool| list.is_empty() || list.iter().any(held);
        among(&self.causes, &|s| names(s, cause))
            && among(&self.components, &|c| *c == cause.component)
            && among(&self.releases, &|r| r == release)
            && among(&self.images, &|i| concerns(i, cause))
    }
}

impl Policy {
    /// Says what happens to a field that differs. An acceptance goes before adoption; of several the first one counts.
    pub fn verdict(&self, cause: &Cause, release: &str) -> Verdict {
        let accepted = self
            .accept
            .iter()
            .position(|a| !a.expired(self.today) && a.covers(cause, release));
        match accepted {
            Some(index) => Verdict::Accepted(index),
            None if self.adopt.covers(cause, release) => Verdict::Apply,
            None => Verdict::NotAdopted,
        }
    }
}
