//! Names in the configuration that nothing has: in doubt nothing is written or closed on their account.

use std::collections::BTreeSet;

use super::change::{NEW_FILE, OTHER_CHANGE, REMOVED_FILE, UNREFERENCED, WHOLE_FILE};
use super::desired::{Cause, Desired};
use super::policy::{Policy, concerns, names};
use crate::finding::{Finding, Severity};

/// What there is to name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Components, `org/repo`.
    pub components: BTreeSet<String>,
    /// Images, by payload tag or key of metadata.
    pub images: BTreeSet<String>,
    /// Releases.
    pub releases: BTreeSet<String>,
    /// The ids of rules.
    pub rules: BTreeSet<String>,
    /// The fields that rules set.
    pub fields: BTreeSet<String>,
}

impl Names {
    /// Takes in what files, and the reasons why they differ, name.
    pub fn see(&mut self, files: &[Desired]) {
        for file in files {
            self.components.extend(file.component.clone());
            self.images.extend(file.images.iter().cloned());
            self.releases.insert(file.release.clone());
            let refused = file.refused.iter().map(|refused| &refused.cause);
            for cause in file.causes.iter().chain(refused) {
                self.rules.insert(cause.rule.clone());
                self.fields.insert(cause.field.clone());
                self.images.extend(cause.images.iter().chain(&cause.item).cloned());
            }
        }
    }

    /// What is wrong with a selector of causes: a rule's id, a field, or both.
    fn cause(&self, selector: &str) -> Option<String> {
        let rules = || self.rules.iter().map(String::as_str);
        let own = [NEW_FILE, REMOVED_FILE, OTHER_CHANGE, UNREFERENCED, WHOLE_FILE];
        let known = |name: &str| self.rules.contains(name) || own.contains(&name);
        let field = |name: &str| {
            let last = name.rsplit(['.', ']']).next().unwrap_or(name);
            self.fields.contains(name) || self.fields.contains(last)
        };
        let fault = |name: &str, of: &[&str]| Some(format!("no rule and no field is named `{name}`{}", near(name, of)));
        match selector.split_once('/') {
            _ if known(selector) || field(selector) => None,
            Some((rule, name)) if known(rule) && field(name) => None,
            Some((rule, name)) if known(rule) => {
                fault(name, &self.fields.iter().map(String::as_str).collect::<Vec<_>>())
            }
            Some((rule, _)) => fault(rule, &rules().collect::<Vec<_>>()),
            None => {
                let fields = self.fields.iter().map(String::as_str);
                fault(selector, &rules().chain(fields).chain(own).collect::<Vec<_>>())
            }
        }
    }

    fn among(&self, what: &str, name: &str, known: &BTreeSet<String>) -> Option<String> {
        if known.contains(name) {
            return None;
        }
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        Some(format!("no {what} is named `{name}`{}", near(name, &known)))
    }

    fn component(&self, name: &str) -> Option<String> {
        self.among("component", name, &self.components)
    }

    fn image(&self, name: &str) -> Option<String> {
        self.among("image", name, &self.images)
    }

    fn release(&self, name: &str) -> Option<String> {
        self.among("release that is looked at", name, &self.releases)
    }

    /// Tells of every name of an adoption that nothing has.
    pub fn adopted(&self, policy: &Policy) -> Vec<Finding> {
        let adopt = &policy.adopt;
        type Check = fn(&Names, &str) -> Option<String>;
        let lists: [(&str, &[String], Check); 4] = [
            ("causes", &adopt.causes, Self::cause),
            ("components", &adopt.components, Self::component),
            ("images", &adopt.images, Self::image),
            ("releases", &adopt.releases, Self::release),
        ];
        let faults = lists.into_iter().flat_map(|(list, names, check)| {
            let faults = names.iter().filter_map(move |name| check(self, name));
            faults.map(move |fault| format!("`adopt.{list}`: {fault}; nothing is adopted on its account"))
        });
        faults.map(|fault| finding(&fault)).collect()
    }

    /// The acceptances that name something which nothing has, each with what it may be meant for; and what tells of them.
    pub fn doubtful(&self, policy: &Policy) -> (Vec<Doubt>, Vec<Finding>) {
        let (mut doubts, mut findings) = (Vec::new(), Vec::new());
        let alive = policy.accept.iter().enumerate();
        for (index, accept) in alive.filter(|(_, accept)| !accept.expired(policy.today)) {
            let of = |name: &Option<String>, check: &dyn Fn(&str) -> Option<String>| name.as_deref().and_then(check);
            let faults = [
                self.cause(&accept.cause),
                of(&accept.component, &|name| self.component(name)),
                of(&accept.image, &|name| self.image(name)),
                of(&accept.release, &|name| self.release(name)),
            ];
            let named: Vec<&str> = faults.iter().flatten().map(String::as_str).collect();
            if named.is_empty() {
                continue;
            }
            let at = accept.at.as_deref().map(|at| format!("{at}: ")).unwrap_or_default();
            let text = format!(
                "{at}the acceptance of `{}` by {}: {}; what it may be meant for is not written until that is put right",
                accept.cause,
                accept.author,
                named.join("; ")
            );
            findings.push(finding(&text));
            let [cause, component, image, release] = faults;
            let kept = |name: &Option<String>, fault: Option<String>| name.clone().filter(|_| fault.is_none());
            doubts.push(Doubt {
                accept: index,
                cause: cause.is_none().then(|| accept.cause.clone()),
                component: kept(&accept.component, component),
                image: kept(&accept.image, image),
                release: kept(&accept.release, release),
            });
        }
        (doubts, findings)
    }
}

/// What an acceptance with a wrong name may be meant for: what it names right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubt {
    /// Which acceptance of the policy it is.
    pub accept: usize,
    cause: Option<String>,
    component: Option<String>,
    image: Option<String>,
    release: Option<String>,
}

impl Doubt {
    /// Whether a difference may be what is meant.
    pub fn may_cover(&self, cause: &Cause, release: &str) -> bool {
        self.cause.as_ref().is_none_or(|name| names(name, cause))
            && self.component.as_ref().is_none_or(|name| *name == cause.component)
            && self.image.as_ref().is_none_or(|name| concerns(name, cause))
            && self.release.as_ref().is_none_or(|name| name == release)
    }
}

fn finding(text: &str) -> Finding {
    Finding::new(Severity::Error, "unknown-name", text)
        .with_help("put the name right in the configuration, or take it out")
}

/// `: did you mean …?`, where something is near.
fn near(name: &str, known: &[&str]) -> String {
    crate::rules::load::near(name, known)
        .map(|near| format!(": {near}"))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::policy::Accept;
    use super::*;

    fn known() -> Names {
        let set = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        Names {
            components: set(&["openshift/etcd", "openshift/oc"]),
            images: set(&["etcd", "cli"]),
            releases: set(&["4.16"]),
            rules: set(&["stream-upstream"]),
            fields: set(&["images[].inputs", "build_root"]),
        }
    }

    fn accept(cause: &str, component: Option<&str>) -> Accept {
        Accept {
            cause: cause.into(),
            component: component.map(str::to_owned),
            image: None,
            release: None,
            reason: "r".into(),
            author: "ann".into(),
            until: None,
            at: Some("lockstep.yaml:9".into()),
        }
    }

    #[test]
    fn a_name_of_an_adoption_that_nothing_has_is_told_with_the_nearest() {
        let mut policy = Policy::default();
        policy.adopt.components = vec!["openshift/etdc".into(), "openshift/oc".into()];
        policy.adopt.causes = vec![
            "stream-upstream/build_root".into(),
            "new-file".into(),
            "stream-upstraem".into(),
        ];
        let told: Vec<String> = known()
            .adopted(&policy)
            .into_iter()
            .map(|finding| finding.message)
            .collect();
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(
            told[0].contains("`stream-upstraem`: did you mean `stream-upstream`?"),
            "{told:?}"
        );
        assert!(
            told[1].contains("`openshift/etdc`: did you mean `openshift/etcd`?"),
            "{told:?}"
        );
    }

    #[test]
    fn an_acceptance_with_a_wrong_name_is_not_told_to_be_removed() {
        let policy = Policy {
            accept: vec![accept("build_rot", None)],
            ..Policy::default()
        };
        let plan = crate::plan::Plan::build(crate::plan::Input {
            policy,
            names: Some(known()),
            whole: true,
            ..crate::plan::Input::default()
        });
        let codes: Vec<&str> = plan.findings.iter().map(|finding| &*finding.code).collect();
        assert_eq!(codes, ["unknown-name"]);
    }

    #[test]
    fn a_doubtful_acceptance_may_cover_what_it_names_right() {
        let cause = |component: &str, field: &str| Cause {
            rule: "r".into(),
            rule_at: String::new(),
            field: field.into(),
            item: None,
            component: component.into(),
            images: Vec::new(),
            old: None,
            new: None,
            because: String::new(),
        };
        let policy = Policy {
            accept: vec![accept("build_rot", Some("openshift/etcd")), accept("build_root", None)],
            ..Policy::default()
        };
        let (doubts, findings) = known().doubtful(&policy);
        assert_eq!((doubts.len(), findings.len()), (1, 1));
        assert!(
            findings[0].message.contains("did you mean `build_root`?"),
            "{findings:?}"
        );
        assert!(doubts[0].may_cover(&cause("openshift/etcd", "anything"), "4.16"));
        assert!(!doubts[0].may_cover(&cause("openshift/oc", "build_root"), "4.16"));
    }
}
