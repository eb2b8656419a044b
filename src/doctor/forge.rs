//! What GitHub lets us do: the token, what is left of its limit, each repository that is written to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value as Json;

use super::places::Looked;
use super::{Check, Written};
use crate::base::RepoName;
use crate::base::loose::{Loose, May, read};
use crate::config::Config;
use crate::forge::github::Options;
use crate::github::{Call, Client, Credential, Fault, FaultKind, Installation, Policy, Repeat, SystemClock};

/// As many repositories are asked for their rules about branches.
const LOOKED_INTO: usize = 20;
/// A clock that differs by more is one that an App cannot sign with.
const CLOCK: i64 = 60;
/// What an App has to be allowed, as GitHub's API names it.
const NEEDED: [(&str, &str); 3] = [("contents", "write"), ("metadata", "read"), ("pull_requests", "write")];

const TOKEN: &str = "make a new one: docs/operations.md has the permissions that are needed";

pub(super) struct Forge<'f> {
    pub(super) client: Client,
    pub(super) credential: &'f Credential,
    options: &'f Options,
    now: i64,
}

/// Looks at all of that. `api`, `credential` and `options` are those of the configuration's forge.
pub(super) fn check(
    config: &Config,
    (api, credential, options): (&str, &Credential, &Options),
    looked: &Looked,
    now: i64,
) -> Vec<Check> {
    let written = &looked.written;
    // Whoever waits for an answer about a wrong address wants it soon.
    let policy = Policy {
        attempts: 2,
        first_pause: Duration::from_millis(200),
        longest_pause: Duration::from_secs(2),
    };
    let client = match Client::with(api, credential.clone(), policy, Arc::new(SystemClock)) {
        Ok(client) => client,
        Err(fault) => return vec![Check::fail("forge", fault.to_string(), "put `forge` right")],
    };
    let forge = Forge {
        client,
        credential,
        options,
        now,
    };
    let first = written.first().map(|place| &place.repo).or(looked.components.first());
    let Some(first) = first else {
        return vec![Check::skipped("token", "nothing is known that would be written to")];
    };
    let mut checks = Vec::new();
    if !forge.token(first, &mut checks) {
        checks.push(Check::skipped(
            "repositories",
            "without a token that is accepted nothing can be said of them",
        ));
        return checks;
    }
    let repos: BTreeSet<&RepoName> = written.iter().map(|place| &place.repo).collect();
    for (at, repo) in repos.into_iter().enumerate() {
        let places: Vec<&Written> = written.iter().filter(|place| place.repo == *repo).collect();
        checks.extend(forge.repository(repo, &places, at < LOOKED_INTO));
    }
    checks.extend(forge.told(config, &looked.components, &looked.shared));
    checks
}

/// How much of each of GitHub's limits is left.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Limits {
    resources: Loose<BTreeMap<String, Loose<Rate>>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Rate {
    remaining: May<i64>,
    limit: May<i64>,
    reset: May<i64>,
}

/// A repository, as far as it is looked at.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Repository {
    pub(super) archived: Loose<bool>,
    pub(super) has_issues: May<bool>,
    pub(super) permissions: Loose<Permissions>,
}

/// What the credential may do there.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Permissions {
    pub(super) push: May<bool>,
}

/// A rule that is in force for a branch.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Rule {
    #[serde(rename = "type")]
    kind: May<String>,
}

impl Forge<'_> {
    pub(super) fn repository_of(&self, repo: &RepoName, what: &str) -> Result<Repository, Fault> {
        let (found, _) = self.get(repo, format!("/repos/{repo}"), what)?;
        Ok(read(&found).unwrap_or_default())
    }

    pub(super) fn get(&self, repo: &RepoName, path: String, what: &str) -> Result<(Json, Option<i64>), Fault> {
        let call = Call {
            method: http::Method::GET,
            path,
            body: None,
            repeat: Repeat::Safe,
            what: what.to_owned(),
        };
        self.client.call(repo, &call).map(|answer| (answer.body, answer.date))
    }

    /// Whether the token is accepted; with what is left of its limit, and how far the clocks are apart.
    fn token(&self, repo: &RepoName, checks: &mut Vec<Check>) -> bool {
        let (limits, date) = match self.get(repo, "/rate_limit".to_owned(), "asking for the rate limit") {
            Ok(found) => found,
            Err(fault) => {
                checks.push(refused("token", &fault));
                return false;
            }
        };
        checks.push(Check::ok(
            "token",
            match self.credential {
                Credential::App { id, .. } => format!("the app {id} is installed in {}", repo.org),
                Credential::TokenEnv(name) => format!("GitHub accepts the token in {name}"),
                Credential::TokenFile(path) => format!("GitHub accepts the token in {}", path.display()),
            },
        ));
        let limits: Limits = read(&limits).unwrap_or_default();
        let none = Rate::default();
        for (name, resource) in [("core", "REST"), ("graphql", "GraphQL")] {
            let rate = limits.resources.get(name).map_or(&none, |rate| &rate.0);
            let (Some(left), Some(limit)) = (*rate.remaining, *rate.limit) else {
                continue;
            };
            let minutes = rate.reset.map_or(0, |reset| (reset - self.now).max(0) / 60);
            let what = format!("rate limit {resource}");
            let text = format!("{left} of {limit} requests are left, all again in {minutes} minutes");
            checks.push(match left {
                0 => Check::fail(what, text, "wait, or find out who else uses this credential"),
                left if left * 10 < limit => Check::note(what, text, "find out who else uses this credential"),
                _ => Check::ok(what, text),
            });
        }
        if let Some(ahead) = date.map(|date| self.now - date) {
            let is_app = matches!(self.credential, Credential::App { .. });
            let text = format!(
                "it is {} s {} GitHub's",
                ahead.abs(),
                if ahead < 0 { "behind" } else { "ahead of" }
            );
            let help = "set the clock (NTP): GitHub refuses what an App signs at another time";
            checks.extend(match ahead.abs() > CLOCK {
                true if is_app => Some(Check::fail("clock", text, help)),
                true => Some(Check::note("clock", text, help)),
                false => None,
            });
        }
        true
    }

    fn repository(&self, repo: &RepoName, places: &[&Written], closely: bool) -> Vec<Check> {
        let what = repo.to_string();
        let found = match self.repository_of(repo, "looking at the repository") {
            Ok(found) => found,
            Err(fault) => return vec![refused(&what, &fault)],
        };
        let mut checks = Vec::new();
        if *found.archived {
            let help = "leave out what writes there, or have it unarchived";
            checks.push(Check::fail(&what, "it is archived: nothing can be written", help));
        }
        let own = match &self.options.fork {
            Some(owner) => RepoName {
                org: owner.clone(),
                repo: repo.repo.clone(),
            },
            None => repo.clone(),
        };
        let stops = self.may_write(repo, &own, &found);
        // Of what is not there, or cannot be written, nothing more is asked.
        let closely = closely && stops.is_empty();
        checks.extend(stops);
        for base in places.iter().map(|place| &place.base).collect::<BTreeSet<_>>() {
            checks.extend(self.base(repo, base, closely));
        }
        if closely {
            for head in places.iter().map(|place| &place.head).collect::<BTreeSet<_>>() {
                checks.extend(self.head(&own, head));
            }
        }
        if checks.is_empty() {
            let branches: BTreeSet<&str> = places.iter().map(|place| place.base.as_str()).collect();
            let branches = branches.into_iter().collect::<Vec<_>>().join(", ");
            checks.push(Check::ok(what, format!("pull requests can be made against {branches}")));
        }
        checks
    }

    /// Whether branches can be made where they are made.
    fn may_write(&self, repo: &RepoName, own: &RepoName, found: &Repository) -> Vec<Check> {
        let what = own.to_string();
        if let Credential::App { .. } = self.credential {
            let mut checks = Vec::new();
            for place in BTreeSet::from([repo, own]) {
                match self.client.installation(place) {
                    Ok(installation) => checks.extend(lacking(place, &installation)),
                    Err(fault) => checks.push(refused(&place.to_string(), &fault)),
                }
            }
            return checks;
        }
        let of_fork = match own == repo {
            true => None,
            false => match self.repository_of(own, "looking at the fork") {
                Ok(found) => Some(found),
                Err(fault) => {
                    let mut check = refused(&what, &fault);
                    check.help = format!("make the fork of {repo} (`forge.fork`), and let the token see it");
                    return vec![check];
                }
            },
        };
        let found = of_fork.as_ref().unwrap_or(found);
        match *found.permissions.push {
            Some(false) => {
                let text = "the credential may not push there";
                let help = "give it *Contents* and *Pull requests* (read and write), or make the branches in a fork (`forge.fork`)";
                vec![Check::fail(what, text, help)]
            }
            Some(true) | None => Vec::new(),
        }
    }

    /// What stands against merges into a branch.
    fn base(&self, repo: &RepoName, base: &str, closely: bool) -> Vec<Check> {
        let what = repo.to_string();
        match self.get(
            repo,
            format!("/repos/{repo}/branches/{}", escaped(base)),
            "looking at the branch",
        ) {
            Ok(_) => {}
            Err(fault) if fault.kind == FaultKind::NotFound => {
                let text = format!("it has no branch {base}");
                return vec![Check::fail(
                    what,
                    text,
                    "make the branch, or leave the release or the target out",
                )];
            }
            Err(fault) => return vec![refused(&what, &fault)],
        }
        if !closely {
            return Vec::new();
        }
        let told = |kind: &str| match kind {
            "required_signatures" => Some("takes signed commits only, and lockstep's are not signed"),
            "update" => Some("is changed by few people only: merges wait for them"),
            _ => None,
        };
        self.rules(repo, base)
            .iter()
            .filter_map(|kind| told(kind))
            .map(|why| {
                let help = "talk to whoever set the rule: pull requests are made, and cannot be merged as usual";
                Check::note(&what, format!("branch {base} {why}"), help)
            })
            .collect()
    }

    /// What stands against a branch of ours.
    fn head(&self, own: &RepoName, head: &str) -> Option<Check> {
        let rules = self.rules(own, head);
        let stops: Vec<&String> = rules
            .iter()
            .filter(|kind| ["creation", "update", "non_fast_forward", "required_signatures"].contains(&kind.as_str()))
            .collect();
        if stops.is_empty() {
            return None;
        }
        let names: Vec<&str> = stops.iter().map(|name| name.as_str()).collect();
        let text = format!(
            "a rule of the repository ({}) is in force for the branch {head}",
            names.join(", ")
        );
        let help = "leave `lockstep/**` out of the rule, let the credential bypass it, or use a fork (`forge.fork`)";
        Some(Check::fail(own.to_string(), text, help))
    }

    /// The types of the rules that are in force for a branch. A server that knows none has none.
    fn rules(&self, repo: &RepoName, branch: &str) -> BTreeSet<String> {
        let path = format!("/repos/{repo}/rules/branches/{}", escaped(branch));
        let rules = self.get(repo, path, "looking at rules for the branch");
        let rules = rules.map(|(rules, _)| rules).unwrap_or_default();
        let rules = rules.as_array().into_iter().flatten();
        rules.filter_map(|rule| read::<Rule>(rule)?.kind.0).collect()
    }
}

/// What an installation of an App lacks.
fn lacking(repo: &RepoName, installation: &Installation) -> Option<Check> {
    let what = repo.to_string();
    if installation.suspended_at.is_some() {
        let help = "have an owner of the organisation unsuspend it";
        return Some(Check::fail(what, format!("the app is suspended in {}", repo.org), help));
    }
    let found = lacks(installation, &NEEDED)?;
    let help = format!(
        "change the app's permissions, and have an owner of {} accept them",
        repo.org
    );
    Some(Check::fail(what, found, help))
}

/// What of some permissions an installation does not have, as a sentence.
pub(super) fn lacks(installation: &Installation, needed: &[(&str, &str)]) -> Option<String> {
    let lacks = |(name, needed): &(&str, &str)| {
        let has = installation.permissions.get(*name);
        let has = has.and_then(|has| has.as_deref()).unwrap_or("none");
        let enough = has == *needed || has == "admin" || (has == "write" && *needed == "read");
        (!enough).then(|| format!("{} is `{has}` and has to be `{needed}`", name.replace('_', " ")))
    };
    let lacking: Vec<String> = needed.iter().filter_map(lacks).collect();
    (!lacking.is_empty()).then(|| format!("the app lacks permissions: {}", lacking.join(", ")))
}

pub(super) fn refused(what: &str, fault: &Fault) -> Check {
    let help = match &fault.kind {
        FaultKind::Connection(_) => "check the network, `https_proxy` and `no_proxy`, and `forge.api`",
        FaultKind::Unauthorized(_) => TOKEN,
        FaultKind::NotFound => "check the name; let the credential see it, or install the app there",
        FaultKind::Credential(text) if text.contains("not installed") => {
            "install the app in that organisation, for that repository"
        }
        FaultKind::Credential(_) => "put the secret there",
        FaultKind::Forbidden(_) => TOKEN,
        FaultKind::RateLimited { .. } => "wait, or find out who else uses this credential",
        _ => "try again; githubstatus.com says what GitHub knows of",
    };
    Check::fail(what, fault.to_string(), help)
}

/// A branch as a path's segment.
fn escaped(branch: &str) -> String {
    let mut out = String::new();
    for byte in branch.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_an_app_lacks_is_named() {
        let repo: RepoName = "openshift/release".parse().expect("a name");
        let lacking = |installation: &Json| lacking(&repo, &read(installation).expect("an installation"));
        let with = |permissions: Json| lacking(&json!({"permissions": permissions}));
        assert_eq!(
            with(json!({"contents": "write", "metadata": "read", "pull_requests": "write"})),
            None
        );
        let check = with(json!({"contents": "read", "metadata": "read"})).expect("it lacks two");
        assert!(
            check.found.contains("contents is `read` and has to be `write`")
                && check.found.contains("pull requests is `none`"),
            "{}",
            check.found
        );
        let suspended = json!({"suspended_at": "2026-01-01T00:00:00Z", "permissions": {}});
        assert!(lacking(&suspended).expect("a check").found.contains("suspended"));
    }

    #[test]
    fn a_branch_is_one_segment() {
        assert_eq!(escaped("lockstep/prow/4.16"), "lockstep%2Fprow%2F4.16");
    }
}
