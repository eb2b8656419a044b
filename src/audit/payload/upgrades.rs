//! Upgrades to a release that nothing tests, or that start from nothing.

use std::sync::Arc;

use super::entries;
use super::own::Own;
use crate::audit::check::{Check, Need};
use crate::audit::context::Context;
use crate::audit::{Change, Sink};
use crate::base::Release;
use crate::facts::gating::{BOUNDS, minor_of};
use crate::finding::Severity::{Note, Warning};
use crate::finding::{Code, Family, Finding, Subject};
use crate::targets::payload_jobs::gates::{Bounds, Gate};
use crate::targets::payload_jobs::{self, Known};
use crate::targets::release_controller::from_minor_before;
use crate::yaml::{self, Node};

static FROM_NOTHING: Code = Code {
    name: "nothing-to-upgrade-from",
    family: Family::Payload,
    severity: Warning,
    title: "an upgrade to a release starts from nothing older",
    means: "The lower bound of what upgrades start from is the release itself, or the release controller asks for the minor release \
            before the first one of a major. Nothing that is older is within it, so no upgrade is tested.",
    action: "Let the lower bound be the release two minors before, or name the release that is upgraded.",
    example: "upgrades to 5.0 start from 5.0.0-0 on, and nothing older: two minors before is 4.21.0-0",
    fix: Some("sets the lower bound that the rules give"),
};

static NO_VERSION: Code = Code {
    name: "bound-is-no-version",
    family: Family::Payload,
    severity: Note,
    title: "a bound of what upgrades start from is no version that there is",
    means: "The upper bound was meant as none, a minor release that there never will be, and was counted up with each release as \
            if it were one; or a bound is a text that is no version at all, which CI does not read.",
    action: "Write the bound that was meant.",
    example: "the upper bound 4.1005.0-0 was counted up from one that means none: 4.999.0-0",
    fix: Some("sets the bound that the rules give"),
};

static NO_INITIAL: Code = Code {
    name: "gating-without-initial",
    family: Family::Payload,
    severity: Note,
    title: "a gating config does not say what upgrades start from",
    means: "It has no `releases.initial`: a test of an upgrade that it has cannot start.",
    action: "Say what upgrades start from, where the config has a test of one.",
    example: "the gating config of 4.22 has no `releases.initial`",
    fix: None,
};

static NOT_TESTED: Code = Code {
    name: "upgrade-not-tested",
    family: Family::Payload,
    severity: Warning,
    title: "no test upgrades from one release to another",
    means: "Rules say that the release is upgraded to from the other one (`upgrades_from`), and there is no gating config of the \
            two, none of its tests runs by the clock, or the release controller's files of the release have no entry for it.",
    action: "Add what is missing, or take the release out of `upgrades_from`.",
    example: "no gating config tests upgrades from 4.19 to 4.20",
    fix: Some(
        "makes the gating config of the newest older release that has one, with its jobs; or adds the entry as the file of the \
         same kind of the release before or after has it, or as this file has it for another upgrade",
    ),
};

static FROM_NOBODY: Code = Code {
    name: "upgrade-from-nobody",
    family: Family::Payload,
    severity: Note,
    title: "a release is upgraded to from one that nobody looks after",
    means: "A rule names it in `upgrades_from`, and it is none of the releases of the configuration, so that nobody keeps its payloads.",
    action: "Look after the release, or take it out of `upgrades_from`.",
    example: "5.1 is upgraded to from 4.22, which nobody looks after",
    fix: None,
};

static NO_BRANCH: Code = Code {
    name: "major-without-branch",
    family: Family::Payload,
    severity: Note,
    title: "rules know of a major that build data has no branch of yet",
    means: "A rule says from which release the first one of the next major is upgraded to (`upgrades_from`), somebody looks after that \
            release, and build data has no branch of the new one. Nothing is made for it before it has; all else is as it would be.",
    action: "Nothing, until the branch is there; or put the rule right.",
    example: "5.0 is upgraded to from 4.22 by upgrades-to-first-of-major (rules/62-payload-jobs.yaml:44), and build data has no branch of \
              5.0 yet",
    fix: None,
};

/// The check.
pub static CHECK: Check = Check::new(
    &[
        &NOT_TESTED,
        &FROM_NOTHING,
        &NO_VERSION,
        &NO_INITIAL,
        &FROM_NOBODY,
        &NO_BRANCH,
    ],
    &[Need::CiConfigs, Need::Verification],
    run,
);

fn run(context: &Context<'_>, sink: &mut Sink) {
    let Some(own) = Own::of(context) else { return };
    let bounds = own.gates.bounds(context.release);
    for (path, text, config) in own.mains() {
        if !config.has_initial {
            let text = format!("the gating config of {} has no `releases.initial`", own.release);
            let help = "say what upgrades start from, where the config has a test of one";
            sink.add(NO_INITIAL.finding(text).with_place(own.place(path, 1)).with_help(help));
        }
        let Some(there) = config.bounds else { continue };
        let file = File { own: &own, path, text };
        if let Some((lower, line)) = &there.lower {
            file.lower(lower, *line, &bounds, sink);
        }
        if let Some((upper, line)) = &there.upper {
            file.upper(upper, *line, &bounds, sink);
        }
    }
    minor_before(&own, sink);
    without_branch(&own, sink);
    if !own.mains().is_empty() {
        pairs(context, &own, sink);
    }
}

/// A gating config of the release.
struct File<'f> {
    own: &'f Own<'f>,
    path: &'f str,
    text: &'f Arc<[u8]>,
}

impl File<'_> {
    fn lower(&self, lower: &str, line: u32, bounds: &Bounds, sink: &mut Sink) {
        let meant = bounds.lower.as_deref();
        let own = self.own.release;
        match minor_of(lower) {
            None => self.no_version("lower", lower, line, meant, sink),
            Some(minor) if minor >= own => {
                let two_before = meant
                    .map(|meant| format!(": two minors before is {meant}"))
                    .unwrap_or_default();
                let text = format!("upgrades to {own} start from {lower} on, and nothing older{two_before}");
                let help = match meant {
                    Some(meant) => format!("let `lower` be {meant}"),
                    None => {
                        "let `lower` be the release two minors before; a rule `upgrades_from` says which one".to_owned()
                    }
                };
                let finding = self.at(FROM_NOTHING.finding(text), "lower", line).with_help(help);
                sink.add_with_fix(
                    finding,
                    self.change("lower", meant),
                    "Upgrades start from what is two minor releases old at most.",
                );
            }
            Some(_) => {}
        }
    }

    fn upper(&self, upper: &str, line: u32, bounds: &Bounds, sink: &mut Sink) {
        let meant = Some(bounds.upper.as_str()).filter(|meant| !meant.is_empty());
        let Some(minor) = minor_of(upper) else {
            return self.no_version("upper", upper, line, meant, sink);
        };
        let none = meant.and_then(minor_of);
        let Some((meant, none)) = meant
            .zip(none)
            .filter(|(_, none)| minor.major == none.major && minor > *none)
        else {
            return;
        };
        let text = format!("the upper bound {upper} was counted up from one that means none: {meant}");
        let help = format!("let `upper` be {meant}, in which {none} is no release that there will ever be");
        let finding = self.at(NO_VERSION.finding(text), "upper", line).with_help(help);
        sink.add_with_fix(
            finding,
            self.change("upper", Some(meant)),
            "The bound means none, and was counted up.",
        );
    }

    fn no_version(&self, key: &str, bound: &str, line: u32, meant: Option<&str>, sink: &mut Sink) {
        let text = format!("the {key} bound `{bound}` is no version");
        let help = match meant {
            Some(meant) => format!("let `{key}` be {meant}"),
            None => format!("let `{key}` be a version such as 4.20.0-0"),
        };
        let finding = self.at(NO_VERSION.finding(text), key, line).with_help(help);
        sink.add_with_fix(
            finding,
            self.change(key, meant),
            "CI does not read a bound that is no version.",
        );
    }

    fn at(&self, finding: Finding, key: &str, line: u32) -> Finding {
        let repo = self.own.gates.repo.to_string();
        let finding = finding.with_place(self.own.place(self.path, line)).with_component(repo);
        finding.with_subject(Own::key(self.path, key))
    }

    /// The config with another bound: the piece of it that is another one.
    fn change(&self, key: &str, meant: Option<&str>) -> Option<Change> {
        let text = std::str::from_utf8(self.text).ok()?;
        let mut root = yaml::parse(self.text).ok()?;
        let path = BOUNDS.iter().chain([&key]);
        let node = path
            .into_iter()
            .try_fold(&mut root, |node, key| node.as_map_mut()?.get_mut(key))?;
        *node = Node::from(meant?);
        let after = yaml::edit::edit(text, &[root], &yaml::edit::How::default()).ok()?;
        let (at, new) = yaml::edit::piece(text, &after);
        Some(Change::Piece {
            path: self.path.to_owned(),
            text: self.text.clone(),
            at,
            new,
        })
    }
}

/// A major that rules know of and that has no branch: told once, of the newest release.
fn without_branch(own: &Own<'_>, sink: &mut Sink) {
    let newest = own.all.looked_after.last() == Some(&own.release);
    let Some(next) = own.all.next_major.as_ref().filter(|_| newest) else {
        return;
    };
    let (first, from) = (next.first, next.from.iter().map(Release::to_string));
    let text = format!(
        "{first} is upgraded to from {} by {}, and build data has no branch of {first} yet",
        from.collect::<Vec<_>>().join(" and "),
        next.rule
    );
    let help = "nothing is made for it before it has one; if it is not to come, take it out of the rule";
    sink.add(NO_BRANCH.finding(text).with_help(help));
}

/// Entries that upgrade from the minor release before, where there is none.
fn minor_before(own: &Own<'_>, sink: &mut Sink) {
    if own.release.minor > 0 {
        return;
    }
    for (path, _, file) in own.controllers() {
        for entry in file
            .entries
            .iter()
            .filter(|entry| !file.ended && from_minor_before(entry))
        {
            let text = format!(
                "`verify.{}` upgrades from the minor release before {}, and there is none of its major",
                entry.key, own.release
            );
            let help = "name the release that is upgraded (`upgradeFromRelease`), or switch the entry off (`disabled`)";
            sink.add(
                FROM_NOTHING
                    .finding(text)
                    .with_place(own.place(path, entry.line))
                    .with_subject(Own::key(path, &format!("verify.{}", entry.key)))
                    .with_help(help),
            );
        }
    }
}

fn pairs(context: &Context<'_>, own: &Own<'_>, sink: &mut Sink) {
    let release = own.release;
    for from in &own.gates.upgrades_from {
        let is_default = release
            .minor
            .checked_sub(1)
            .is_some_and(|minor| *from == Release { minor, ..release });
        if !own.all.looked_after.contains(from) {
            if !is_default {
                let text = format!("{release} is upgraded to from {from}, which nobody looks after");
                let help = "look after the release, or take it out of `upgrades_from`";
                let line = own
                    .configs(|gate| gate == Gate::of(release))
                    .first()
                    .map(|(_, path, _)| own.place(path, 1));
                let subject = Subject::Name(from.to_string());
                let finding = FROM_NOBODY.finding(text).with_help(help).with_subject(subject);
                sink.add(match line {
                    Some(place) => finding.with_place(place),
                    None => finding,
                });
            }
            continue;
        }
        let pair = own.configs(|gate| gate == Gate::upgrade(release, *from));
        let told = |what: String, path: &str, line: u32, help: &str| {
            let finding = NOT_TESTED.finding(what).with_place(own.place(path, line));
            let finding = finding.with_component(own.gates.repo.to_string()).with_help(help);
            finding.with_subject(Subject::Name(from.to_string()))
        };
        let main = own.configs(|gate| gate == Gate::of(release));
        let Some((_, main, _)) = main.first() else { return };
        let Some((_, path, _)) = pair.first() else {
            if !own.unread(|gate| gate == Gate::upgrade(release, *from)).is_empty() {
                continue;
            }
            let text = format!("no gating config tests upgrades from {from} to {release}");
            let finding = told(
                text,
                main,
                1,
                "add the config, or take the release out of `upgrades_from`",
            );
            let known = Known {
                configs: &own.all.configs,
                unreadable: &own.all.unreadable,
                branch: &own.all.origin.branch,
            };
            let made = payload_jobs::pair(context.release, &own.gates, &known, *from);
            let change = made.map(|(config, after)| Change::New { config, after });
            sink.add_with_fix(
                finding,
                change,
                format!("Rules say that {release} is upgraded to from {from}."),
            );
            continue;
        };
        let jobs = own.all.of_configs.get(*path).map(Vec::as_slice).unwrap_or_default();
        if jobs.is_empty() {
            let text =
                format!("the gating config of upgrades from {from} to {release} has no test that runs by the clock");
            sink.add(told(
                text,
                path,
                1,
                "give its test an `interval`, or take the release out of `upgrades_from`",
            ));
            continue;
        }
        without_entry(context, own, *from, jobs, sink);
    }
}

/// A pair that is tested, and that no payload waits for.
fn without_entry(context: &Context<'_>, own: &Own<'_>, from: Release, jobs: &[String], sink: &mut Sink) {
    let files: Vec<_> = own
        .controllers()
        .into_iter()
        .filter(|(path, ..)| own.is_own(path))
        .collect();
    let files: Vec<_> = files.into_iter().filter(|(.., file)| !file.ended).collect();
    let Some((path, ..)) = files.first().filter(|_| !own.may_wait_for_more()) else {
        return;
    };
    let version = from.to_string();
    let mut entries = files.iter().flat_map(|(.., file)| &file.entries);
    let names = |name: &str| jobs.iter().any(|job| job == name);
    if entries
        .any(|entry| entry.from.as_deref() == Some(&version) || entry.job.as_ref().is_some_and(|(name, _)| names(name)))
    {
        return;
    }
    let text = format!("no payload of {} waits for an upgrade from {from}", own.release);
    let help = format!(
        "add an entry with the job {} and `upgradeFromRelease`",
        jobs.join(" or ")
    );
    let finding = NOT_TESTED.finding(text).with_place(own.place(path, 1)).with_help(help);
    let finding = finding.with_subject(Subject::Name(from.to_string()));
    let gate = Gate::upgrade(own.release, from);
    let made = jobs.iter().map(|job| entries::of_neighbours(context, own, gate, job));
    let (changes, because) = made
        .into_iter()
        .find(|(changes, _)| !changes.is_empty())
        .unwrap_or_default();
    sink.add_with_fixes(finding, changes, &because);
}
