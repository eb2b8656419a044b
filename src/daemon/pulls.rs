//! Tells the pull requests of others what they would do, and posts what became of that.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::now;
use super::reconcile::{Done, Reconciler};
use crate::base::{Gate, Guard, Release};
use crate::board::{Drift, Impacts};
use crate::impact::Pull;
use crate::run::feedback::{Looked, Standing, Wish};
use crate::run::place::Place;

impl Reconciler {
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
                self.post_pulls(|impacts| impacts.error = Some(error));
            }
        }
    }

    /// Makes a run that looks at nothing else.
    pub(super) fn only_pulls(&mut self, wish: &Wish, done: &mut Done) {
        done.record.drift = Drift::of(&self.board.view().plan);
        self.look_at_pulls(wish, done);
    }

    fn looked_at(&mut self, wish: &Wish) -> Result<Looked, String> {
        if self.place.is_none() {
            let gate = Gate::new(Arc::clone(&self.fence) as Arc<dyn Guard>);
            self.place = Some(Place::of(&self.run, gate).map_err(|fault| fault.to_string())?);
        }
        let documents = self.known.iter().map(|(release, known)| (*release, &*known.document));
        let standing = Standing::of(documents, self.ci_commit().as_deref());
        let releases: Vec<Release> = self.known.keys().copied().collect();
        let dry_run = self.fence.may_write().is_err();
        let forge = self.place.as_ref().and_then(Place::github);
        let looked = self
            .run
            .look_at_pulls(forge, &mut self.watch, &standing, &releases, wish, (dry_run, now()));
        looked.map_err(|error| error.to_string())
    }

    fn told(&self, wish: &Wish, looked: Looked, done: &mut Done) {
        for pull in looked.failed() {
            tracing::warn!("{pull}");
        }
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
    let is_looked_at = |name: &str| wish.all || repositories.iter().any(|repo| repo.to_string() == name);
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
