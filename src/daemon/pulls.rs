//! Tells the pull requests of others what they would do, and posts what became of that.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::account::Done;
use super::error::ReconcileError;
use super::now;
use super::reconcile::Reconciler;
use crate::base::{Gate, Guard, Release, RepoName};
use crate::board::{Drift, Impacts};
use crate::impact::{Pull, State};
use crate::run::feedback::{Looked, Standing, Wish};
use crate::run::place::ConfiguredForge;

/// The commits that answers depend on beside heads of pull requests: those of branches of components, by repository and branch,
/// and, without a repository, those of build data, by release.
pub(super) type Stands = BTreeMap<(Option<RepoName>, String), String>;

impl Reconciler {
    /// Where what answers depend on stands.
    pub(super) fn stands(&self) -> Stands {
        let mut stands = Stands::new();
        for (release, known) in &self.known {
            let commit = known.build_data.commit.clone();
            stands.extend(commit.map(|commit| ((None, release.to_string()), commit)));
            for (repo, origin) in &known.components {
                let at = (Some(repo.clone()), origin.branch.clone());
                stands.extend(origin.commit.clone().map(|commit| (at, commit)));
            }
        }
        stands
    }

    /// Whose pull requests have to be looked at, as what their answers depend on has moved since: those of a component to which
    /// somebody has pushed, and all of them where metadata has changed.
    pub(super) fn moved(&self, before: &Stands) -> Wish {
        let mut wish = Wish::default();
        for ((repo, at), commit) in self.stands() {
            if before.get(&(repo.clone(), at)) == Some(&commit) {
                continue;
            }
            match repo {
                Some(repo) => drop(wish.repositories.insert(repo)),
                None => wish.all = true,
            }
        }
        wish
    }

    /// Looks at pull requests of others where that is configured, and writes where this replica may. A fault there is shown, and
    /// costs nothing else.
    pub(super) fn look_at_pulls(&mut self, wish: &Wish, done: &mut Done) {
        if self.run.config().feedback.pulls.is_none() {
            self.post_pulls(|impacts| *impacts = Impacts::default());
            return;
        }
        if wish.is_empty() || self.fence.is_stopping() {
            return;
        }
        match self.looked_at(wish) {
            Ok(looked) => self.told(wish, looked, done),
            Err(error) => {
                tracing::error!("the pull requests of others were not looked at: {error}");
                self.post_pulls(|impacts| impacts.error = Some(error.to_string()));
            }
        }
    }

    /// Makes a run that looks at nothing else.
    pub(super) fn only_pulls(&mut self, wish: &Wish, done: &mut Done) {
        done.record.drift = Drift::of(&self.board.view().plan);
        self.look_at_pulls(wish, done);
    }

    fn looked_at(&mut self, wish: &Wish) -> Result<Looked, ReconcileError> {
        if self.place.is_none() {
            let gate = Gate::new(Arc::clone(&self.fence) as Arc<dyn Guard>);
            self.place = Some(ConfiguredForge::of(&self.run, gate)?);
        }
        let documents = self.known.iter().map(|(release, known)| (*release, &*known.document));
        let standing = Standing::of(documents, self.ci_commit().as_deref());
        let releases: Vec<Release> = self.known.keys().copied().collect();
        let dry_run = self.fence.may_write().is_err();
        let forge = self.place.as_ref().and_then(ConfiguredForge::github);
        let looked = self
            .run
            .look_at_pulls(forge, &mut self.watch, &standing, &releases, wish, (dry_run, now()));
        Ok(looked?)
    }

    fn told(&self, wish: &Wish, looked: Looked, done: &mut Done) {
        for pull in looked.failed() {
            tracing::warn!("{pull}");
        }
        self.log_what_waits(&looked);
        let record = &mut done.record;
        if self.fence.may_write().is_ok() {
            record.writes.extend(looked.writes.iter().cloned());
        }
        let told = looked
            .told
            .iter()
            .map(|(verdict, count)| (verdict.name().to_owned(), *count));
        record.told = told.collect();
        self.post_pulls(|impacts| take(impacts, wish, looked));
    }

    /// Logs what waits by now and did not, or for another reason: once, not with each look.
    fn log_what_waits(&self, looked: &Looked) {
        let before = Arc::clone(&self.board.view().impacts);
        let waits = looked.pulls.iter().filter(|pull| pull.state == State::Waits);
        for pull in waits {
            let known = before.pull(&pull.repository, pull.pull);
            let same = known.is_some_and(|known| (known.state, &known.note) == (pull.state, &pull.note));
            if !same {
                tracing::info!(until = pull.until, "{pull}");
            }
        }
    }

    fn post_pulls(&self, change: impl FnOnce(&mut Impacts)) {
        self.board.update(|view| {
            let mut impacts = Impacts::clone(&view.impacts);
            change(&mut impacts);
            view.impacts = Arc::new(impacts);
        });
    }
}

/// Puts what was looked at in the place of what was known of these repositories.
fn take(impacts: &mut Impacts, wish: &Wish, looked: Looked) {
    let Looked {
        pulls,
        answers,
        repositories,
        unread,
        left_out,
        ..
    } = looked;
    let has = |all: &BTreeSet<RepoName>, name: &str| all.iter().any(|repo| repo.to_string() == name);
    // Of what could not be read stays what was known.
    let is_looked_at = |name: &str| (wish.all && !has(&unread, name)) || has(&repositories, name);
    impacts.error = None;
    impacts.pulls.retain(|pull| !is_looked_at(&pull.repository));
    impacts.pulls.extend(pulls);
    impacts
        .pulls
        .sort_by(|one, other| (&one.repository, one.pull).cmp(&(&other.repository, other.pull)));
    impacts.answers.extend(answers);
    let names: BTreeMap<String, &Pull> = impacts.pulls.iter().map(|pull| (pull.name(), pull)).collect();
    let has_answer = |name: &String| names.get(name).is_some_and(|pull| pull.verdict.is_some());
    let gone: Vec<String> = impacts
        .answers
        .keys()
        .filter(|name| !has_answer(name))
        .cloned()
        .collect();
    gone.iter().for_each(|name| drop(impacts.answers.remove(name)));
    impacts.left_out.retain(|name, _| !is_looked_at(name));
    impacts
        .left_out
        .extend(left_out.into_iter().map(|(repo, count)| (repo.to_string(), count)));
    if wish.all {
        impacts.looked_at = Some(now());
        impacts.unread = unread.iter().map(ToString::to_string).collect();
    }
}
