//! Turns the changes that checks propose into files: which of them can be made, and the plan of those that are asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use rayon::prelude::*;

use super::Audited;
use crate::audit::context::Context;
use crate::audit::edit::Edit;
use crate::audit::{Change, Fix, Sink, registry};
use crate::base::RepoName;
use crate::config::Forge;
use crate::derive::Release;
use crate::facts::group::Group;
use crate::finding::Finding;
use crate::plan::{self, Bytes, Cause, Desired, Plan, Refused, Verdict};
use crate::run::{Run, RunError, render};
use crate::source::{Location, Snapshot};
use crate::targets::build_data;
use crate::targets::prow_jobs;
use crate::targets::release_controller::spliced;

/// The target's name in plans.
const TARGET: &str = "audit";

/// A fix that can be made.
#[derive(Clone, Debug)]
pub struct Made {
    /// The fix.
    pub fix: Fix,
    work: Work,
}

#[derive(Clone, Debug)]
enum Work {
    /// Files of the CI repository.
    Files(Vec<Desired>),
    /// Pieces of a file of the CI repository, which come together or not at all; others of the same file come with them.
    Pieces(Box<Pieces>),
    /// One change of a text; others of the same file come with it.
    Text(Box<Text>),
}

/// Pieces of a file of the CI repository.
#[derive(Clone, Debug)]
struct Pieces {
    repo: RepoName,
    branch: String,
    path: String,
    before: Bytes,
    all: Vec<(Range<usize>, String)>,
    /// The files that follow.
    followers: Vec<Desired>,
}

/// A change of a file of build data.
#[derive(Clone, Debug)]
struct Text {
    repo: RepoName,
    branch: String,
    path: String,
    before: Bytes,
    group: Group,
    edit: Edit,
}

/// Sorts out the fixes that can be made: files are as they were found, requests can be made where they stand, and every
/// change means what it should and nothing else. `whole`: all releases were looked at; where they were not, nobody can say of
/// a config that none of them needs it.
pub(super) fn made(
    run: &Run,
    audited: &[Audited<'_>],
    ci: Option<&Arc<dyn Snapshot>>,
    fixes: Vec<Fix>,
    whole: bool,
) -> Result<Vec<Made>, RunError> {
    // What metadata says with values that somebody tries out is no reason to change it.
    if !run.overrides.is_empty() {
        return Ok(Vec::new());
    }
    // Build data of a release is opened once, by the first fix that wants to change it.
    let opened: Vec<(&Audited<'_>, OnceLock<Option<BuildData<'_>>>)> =
        audited.iter().map(|one| (one, OnceLock::new())).collect();
    let one = |fix: Fix| {
        let of = opened
            .iter()
            .find(|(one, _)| one.release.metadata.release.to_string() == fix.release);
        let Some((audited, opened)) = of else { return Ok(None) };
        let work = match &fix.change {
            Change::Metadata { .. } if run.fixes_in_target() && by_build_data_alone(&fix.code) => None,
            Change::Metadata { file, edit } => {
                let build_data = opened.get_or_init(|| BuildData::open(run, audited)).as_ref();
                build_data.and_then(|known| known.text(file, edit)).map(Work::Text)
            }
            Change::Retire { .. } if !whole => None,
            Change::Retire { config, text } => {
                changed(run, audited, ci, &fix, config, (Some(text), None))?.map(Work::Files)
            }
            Change::Config { config, text, after } => {
                changed(run, audited, ci, &fix, config, (Some(text), Some(after)))?.map(Work::Files)
            }
            Change::New { config, after } => {
                changed(run, audited, ci, &fix, config, (None, Some(after)))?.map(Work::Files)
            }
            Change::Piece { path, text, at, new } => {
                pieces(run, ci, (path, text), vec![(at.clone(), new.clone())], Vec::new())?
            }
            Change::Pieces {
                config,
                text,
                pieces: all,
            } => with_jobs(run, audited, ci, &fix, (config, text, all))?,
        };
        Ok(work.map(|work| Made { fix, work }))
    };
    let made: Vec<Result<Option<Made>, RunError>> = fixes.into_par_iter().map(one).collect();
    made.into_iter().filter_map(Result::transpose).collect()
}

/// Build data of a release, as it was audited, where pull requests can be made for it.
struct BuildData<'a> {
    repo: RepoName,
    branch: String,
    snapshot: Box<dyn Snapshot>,
    group: &'a Group,
}

impl<'a> BuildData<'a> {
    fn open(run: &Run, audited: &Audited<'a>) -> Option<Self> {
        let metadata = audited.release.metadata;
        let build_data = &run.config.sources.build_data;
        let (location, branch) = (build_data.repo(metadata.release), build_data.branch(metadata.release));
        let repo = location.name()?;
        if !takes_requests(run, &location, metadata.origin.commit.is_some()) {
            return None;
        }
        let snapshot = run.sources.open(&repo.to_string(), &location, &branch).ok()?;
        let same = snapshot.origin().commit == metadata.origin.commit;
        same.then_some(Self {
            repo,
            branch,
            snapshot,
            group: &metadata.group,
        })
    }

    /// A change of one of its files.
    fn text(&self, file: &str, edit: &Edit) -> Option<Box<Text>> {
        let blob = self.snapshot.read(file).ok()??;
        // A link would become a file, and what it leads to would stay as it is.
        if blob.path != file {
            return None;
        }
        let before = blob.bytes;
        let text = std::str::from_utf8(&before).ok()?;
        edit.apply(text, self.group).ok()?;
        Some(Box::new(Text {
            repo: self.repo.clone(),
            branch: self.branch.clone(),
            path: file.to_owned(),
            before,
            group: self.group.clone(),
            edit: edit.clone(),
        }))
    }
}

/// Whether the forge can take requests for build data: the local one makes branches in a repository, and what is merged
/// into a copy of anything else would never be read.
fn takes_requests(run: &Run, location: &Location, has_commits: bool) -> bool {
    match run.config.forge {
        Forge::GitHub { .. } => has_commits,
        Forge::Local { .. } => has_commits && matches!(location, Location::Path(_)),
    }
}

/// Pieces of a file of the CI repository.
fn pieces(
    run: &Run,
    ci: Option<&Arc<dyn Snapshot>>,
    (path, before): (&str, &Bytes),
    all: Vec<(Range<usize>, String)>,
    followers: Vec<Desired>,
) -> Result<Option<Work>, RunError> {
    let made = render::ci_config(run, ci)?.map(|ground| Pieces {
        repo: ground.name,
        branch: ground.branch,
        path: path.to_owned(),
        before: Arc::clone(before),
        all,
        followers,
    });
    Ok(made.map(|made| Work::Pieces(Box::new(made))))
}

/// Pieces of a config, with the jobs that follow.
fn with_jobs(
    run: &Run,
    audited: &Audited<'_>,
    ci: Option<&Arc<dyn Snapshot>>,
    fix: &Fix,
    (config, before, all): (&str, &Bytes, &[(Range<usize>, String)]),
) -> Result<Option<Work>, RunError> {
    let Ok(text) = std::str::from_utf8(before) else {
        return Ok(None);
    };
    let after = Bytes::from(spliced(text, all.to_vec()).into_bytes());
    let Some(mut files) = changed(run, audited, ci, fix, config, (Some(before), Some(&after)))? else {
        return Ok(None);
    };
    files.retain(|file| file.path != config);
    pieces(run, ci, (config, before), all.to_vec(), files)
}

/// Another text of a config, or its removal, with its jobs; `None` where the jobs cannot follow or somebody does not want it.
fn changed(
    run: &Run,
    audited: &Audited<'_>,
    ci: Option<&Arc<dyn Snapshot>>,
    fix: &Fix,
    config: &str,
    (before, after): (Option<&Bytes>, Option<&Bytes>),
) -> Result<Option<Vec<Desired>>, RunError> {
    let cause = cause(fix);
    let single = render::Single {
        path: config,
        before,
        after: after.cloned(),
        cause: cause.clone(),
    };
    let mut files = render::alone(run, &audited.release, ci, single)?;
    let refused = files.iter().any(|file| !file.refused.is_empty());
    if refused
        || !files
            .iter()
            .any(|file| file.path == config && file.after.as_ref() == after)
    {
        return Ok(None);
    }
    for file in &mut files {
        file.target = TARGET.to_owned();
        file.group = plan::FIXES.to_owned();
        file.causes = vec![cause.clone()];
    }
    Ok(Some(files))
}

fn cause(fix: &Fix) -> Cause {
    Cause {
        rule: fix.code.clone(),
        rule_at: String::new(),
        field: plan::WHOLE_FILE.to_owned(),
        item: None,
        component: fix.component.clone().unwrap_or_default(),
        images: Vec::new(),
        old: None,
        new: None,
        because: fix.because.clone(),
    }
}

/// What fixes are made for: one entry for each release and repository that takes them, so that a request that has lost its
/// reason is closed. The CI repository is one of them only where all releases were looked at.
pub(super) fn looked_at(
    run: &Run,
    audited: &[Audited<'_>],
    ci: Option<&Arc<dyn Snapshot>>,
    whole: bool,
) -> Result<Vec<Desired>, RunError> {
    if !run.overrides.is_empty() {
        return Ok(Vec::new());
    }
    let configs = if whole { render::ci_config(run, ci)? } else { None };
    let configs = configs.map(|ground| (ground.name, ground.branch));
    let build_data = &run.config.sources.build_data;
    let mut all = Vec::new();
    for one in audited {
        let (release, origin) = (one.release.metadata.release, &one.release.metadata.origin);
        let location = build_data.repo(release);
        let own = location
            .name()
            .filter(|_| takes_requests(run, &location, origin.commit.is_some()));
        let own = own.map(|name| (name, build_data.branch(release)));
        let places = configs.clone().into_iter().chain(own);
        all.extend(places.map(|(repo, branch)| nothing(repo, branch, release.to_string())));
    }
    Ok(all)
}

/// Whether the check that finds a code looks at build data and nothing else.
fn by_build_data_alone(code: &str) -> bool {
    let mut checks = registry::checks().filter(|check| check.codes.iter().any(|known| known.name == code));
    checks.any(|check| check.needs.is_empty())
}

/// An edit of a file after other changes of it: what is told by its line is looked for where that line stands now. None where
/// it is there no more.
fn moved(edit: &Edit, before: &str, after: &str) -> Option<Edit> {
    let to = |line: u32| {
        let old: Vec<&str> = before.lines().collect();
        let new: Vec<&str> = after.lines().collect();
        let index = (line as usize).checked_sub(1)?;
        let ops = similar::capture_diff_slices(similar::Algorithm::Myers, &old, &new);
        ops.iter().find_map(|op| match *op {
            similar::DiffOp::Equal {
                old_index,
                new_index,
                len,
            } if (old_index..old_index + len).contains(&index) => u32::try_from(new_index + index - old_index + 1).ok(),
            _ => None,
        })
    };
    Some(match edit {
        Edit::Replace { line, old, new } => Edit::Replace {
            line: to(*line)?,
            old: old.clone(),
            new: new.clone(),
        },
        Edit::Quote { line, value } => Edit::Quote {
            line: to(*line)?,
            value: value.clone(),
        },
        other => other.clone(),
    })
}

/// The order in which changes of one file are made.
fn order(fix: &Fix) -> Option<&Edit> {
    match &fix.change {
        Change::Metadata { edit, .. } => Some(edit),
        _ => None,
    }
}

/// A file that is as it should be.
fn nothing(repo: RepoName, branch: String, release: String) -> Desired {
    Desired {
        repo,
        branch,
        path: String::new(),
        release,
        target: TARGET.to_owned(),
        group: plan::FIXES.to_owned(),
        component: None,
        images: Vec::new(),
        before: None,
        after: None,
        causes: Vec::new(),
        refused: Vec::new(),
        follows: None,
        notes: Vec::new(),
        held: false,
    }
}

impl Run {
    /// Whether the target that writes build data has the fixes of build data in its own requests.
    pub(super) fn fixes_in_target(&self) -> bool {
        let target = self
            .config
            .targets
            .iter()
            .find(|chosen| chosen.target == &build_data::TARGET);
        target.is_some_and(|chosen| chosen.options.flag(&build_data::FIXES))
    }

    /// Makes the safe changes of checks that look at build data alone in the files of the target that writes it.
    pub(in crate::run) fn with_fixes(&self, release: &Release<'_>, files: &mut [Desired]) {
        if !self.fixes_in_target() || !self.overrides.is_empty() {
            return;
        }
        let context = Context {
            release,
            components: None,
            files: None,
            names: None,
            twins: None,
            ci: None,
            verification: None,
            before: None,
            after: None,
        };
        let mut sink = Sink::new(release.metadata.release.to_string());
        for check in registry::checks().filter(|check| check.needs.is_empty()) {
            (check.run)(&context, &mut sink);
        }
        let heard: BTreeSet<String> = self.heard(sink.findings).iter().map(Finding::identity).collect();
        let mut fixes = sink.fixes;
        fixes.retain(|fix| heard.contains(&fix.finding));
        fixes.sort_by(|one, other| order(one).cmp(&order(other)));
        let number = release.metadata.release.to_string();
        for fix in fixes {
            let Change::Metadata { file: path, edit } = &fix.change else {
                continue;
            };
            let own = |file: &&mut Desired| file.target == build_data::TARGET.name && file.path == *path && !file.held;
            let Some(file) = files.iter_mut().find(own) else {
                continue;
            };
            let cause = cause(&fix);
            let verdict = self.policy.verdict(&cause, &number);
            if verdict != Verdict::Apply {
                file.refused.push(Refused { cause, verdict });
                continue;
            }
            let text = |bytes: &Option<Bytes>| {
                bytes
                    .as_deref()
                    .and_then(|bytes| std::str::from_utf8(bytes).ok().map(str::to_owned))
            };
            let edited = text(&file.before).zip(text(&file.after)).and_then(|(before, after)| {
                let edit = moved(edit, &before, &after)?;
                edit.apply(&after, &release.metadata.group).ok()
            });
            if let Some(after) = edited {
                file.after = Some(after.into_bytes().into());
                file.causes.push(cause);
            }
        }
    }

    /// The plan of fixes. They have a group and pull requests of their own, so that a run that looks for drift leaves
    /// them alone. `looked_at`: what was looked at in full ([`super::Audit::looked_at`]); requests for anything else stay.
    pub fn plan_of_fixes(&self, made: Vec<Made>, looked_at: Vec<Desired>) -> Plan {
        let (mut desired, mut texts, mut pieces) = (looked_at, BTreeMap::new(), BTreeMap::new());
        for Made { fix, work } in made {
            match work {
                Work::Files(files) => desired.extend(files),
                Work::Pieces(made) => {
                    let file = (fix.release.clone(), made.path.clone());
                    pieces.entry(file).or_insert_with(Vec::new).push((fix, made));
                }
                Work::Text(text) => {
                    let file = (fix.release.clone(), text.path.clone());
                    texts.entry(file).or_insert_with(Vec::new).push((fix, text));
                }
            }
        }
        desired.extend(texts.into_values().filter_map(together));
        desired.extend(pieces.into_values().flat_map(in_one));
        let desired = each_once(desired);
        Plan::build(plan::Input {
            desired,
            policy: self.policy.clone(),
            max_removals: self.config.limits.removals,
            service: self.config.service.clone(),
            rules_web: self.config.rules_web.clone(),
            audit: self.config.audit.clone(),
            ..plan::Input::default()
        })
    }
}

/// All pieces of one file, with what follows them. Of two fixes whose pieces overlap the first is made, and the other waits until
/// it is there; what two of them want alike comes once.
fn in_one(mut all: Vec<(Fix, Box<Pieces>)>) -> Vec<Desired> {
    all.sort_by_key(|(_, made)| made.all.first().map(|(at, _)| (at.start, at.end)));
    let Some((first, file)) = all.first().cloned() else {
        return Vec::new();
    };
    let Ok(text) = std::str::from_utf8(&file.before) else {
        return Vec::new();
    };
    let (mut changes, mut causes, mut files) = (Vec::new(), Vec::new(), Vec::new());
    for (fix, made) in all {
        let new: Vec<_> = made.all.into_iter().filter(|piece| !changes.contains(piece)).collect();
        let overlaps = |(at, _): &(Range<usize>, String)| {
            let mut there = changes.iter();
            there.any(|(other, _): &(Range<usize>, String)| at.start < other.end && other.start < at.end)
        };
        if new.iter().any(overlaps) {
            continue;
        }
        changes.extend(new);
        causes.push(cause(&fix));
        files.extend(made.followers);
    }
    changes.sort_by_key(|(at, _)| (at.start, at.end));
    files.push(Desired {
        path: file.path.clone(),
        component: first.component.clone(),
        before: Some(Arc::clone(&file.before)),
        after: Some(spliced(text, changes).into_bytes().into()),
        causes,
        ..nothing(file.repo.clone(), file.branch.clone(), first.release.clone())
    });
    files
}

/// Each job file of a release once: what several fixes change of it, all together.
fn each_once(desired: Vec<Desired>) -> Vec<Desired> {
    let mut found: Vec<Desired> = Vec::new();
    for file in desired {
        let same = |known: &&mut Desired| {
            (&known.repo, &known.release, &known.path) == (&file.repo, &file.release, &file.path)
        };
        if let Some(known) = found.iter_mut().find(same) {
            let afters = [&known.after, &file.after]
                .into_iter()
                .filter_map(|after| after.as_deref());
            let joined = prow_jobs::joined(&file.path, file.before.as_deref(), &afters.collect::<Vec<_>>());
            if let Some(joined) = joined {
                known.after = Some(joined.into());
                known.causes.extend(file.causes);
                continue;
            }
        }
        found.push(file);
    }
    found
}

/// All changes of one file. One that cannot be made after the others waits until they are there.
fn together(mut all: Vec<(Fix, Box<Text>)>) -> Option<Desired> {
    all.sort_by(|(_, one), (_, other)| one.edit.cmp(&other.edit));
    let (first, file) = all.first()?;
    let mut text = std::str::from_utf8(&file.before).ok()?.to_owned();
    let mut causes = Vec::new();
    for (fix, one) in &all {
        if let Ok(after) = one.edit.apply(&text, &one.group) {
            text = after;
            causes.push(cause(fix));
        }
    }
    Some(Desired {
        path: file.path.clone(),
        component: first.component.clone(),
        before: Some(Arc::clone(&file.before)),
        after: Some(text.into_bytes().into()),
        causes,
        ..nothing(file.repo.clone(), file.branch.clone(), first.release.clone())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_looked_for_where_it_stands_after_other_changes() {
        let edit = Edit::Replace {
            line: 2,
            old: "x".to_owned(),
            new: "y".to_owned(),
        };
        let line = |after: &str| match moved(&edit, "a: 1\nb: x\nc: x\n", after)? {
            Edit::Replace { line, .. } => Some(line),
            _ => None,
        };
        assert_eq!(line("a: 1\nb: x\nc: x\nd: 1\n"), Some(2));
        assert_eq!(line("a: 1\nnew: x\nb: x\nc: x\n"), Some(3));
        assert_eq!(line("a: 1\nc: x\n"), None, "it is gone");
    }
}
