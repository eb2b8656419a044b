//! Which open pull requests have to be looked into: those of which something has changed, and that touch what decides a build.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use super::watched::Watched;
use super::{ASKED_AGAIN, Ask, Hour, Kept, Looked, MOST_ASKED, MOST_AT_ONCE, MOST_SHARED, Standing, Wish};
use crate::base::Release;
use crate::config::Pulls;
use crate::forge::github::GithubForge;
use crate::forge::github::tell::Form;
use crate::github::web;
use crate::impact::{Pull, State};
use crate::run::Run;
use crate::source::github::{Open, OpenPull};
use crate::store::Store;

/// One look at pull requests.
pub(super) struct Looking<'l> {
    pub forge: &'l GithubForge,
    pub form: Form,
    pub watched: &'l Watched,
    pub standing: &'l Standing,
    pub releases: &'l [Release],
    pub pulls: &'l Pulls,
    /// Answers within the last hour.
    pub sent: Hour,
    /// Looks that somebody asked for within the last hour.
    pub asked: Hour,
    /// Why nothing more is written in this look, and until when.
    pub stopped: Option<(String, Option<i64>)>,
    pub dry_run: bool,
    pub now: i64,
}

/// A pull request that has to be looked into.
pub(super) struct Due {
    pub open: OpenPull,
    /// What is known of it already; its state is that of the last look.
    pub pull: Pull,
    pub key: Option<String>,
    pub releases: BTreeSet<Release>,
    pub before: Option<Kept>,
    /// How somebody asked for it, where that was heard.
    pub asked: Option<Ask>,
}

impl Due {
    /// Whether the same head has an answer already.
    pub fn is_told(&self) -> bool {
        let before = self.before.as_ref().map(|known| &known.pull);
        before.is_some_and(|known| known.head == self.pull.head && known.verdict.is_some())
    }
}

impl Run {
    /// What has to be looked into, what is new first. What is as it was goes to what was looked at, and what is too much at once
    /// does, too, and waits.
    pub(super) fn due(&self, looking: &mut Looking<'_>, wish: &Wish, listed: &Open, looked: &mut Looked) -> Vec<Due> {
        self.foresee_branches(looking, listed);
        let mut due = Vec::new();
        // What we propose ourselves follows from what is there: nobody has to be told of it.
        for open in listed.pulls.iter().filter(|open| !open.is_ours) {
            let releases = looking.watched.releases(&open.repo, &open.branch, looking.releases);
            let Some(releases) = releases else { continue };
            let key = self.key(looking, open, &releases);
            let mut before = Kept::of(&self.store, &open.repo, open.number);
            let mut pull = first_seen(looking, open, &releases);
            let same_head = before.as_mut().filter(|known| known.pull.head == open.head);
            let waits = same_head.as_ref().and_then(|known| known.waits);
            let mut asked = wish.asks(open);
            if let Some(known) = same_head
                && key.as_ref().is_some_and(|key| *key == known.key)
                && (is_settled(looking, &known.pull) || (waits.is_some() && known.pull.state == State::Waits))
            {
                asked = heard(looking, &self.store, asked, known);
                if asked.is_none() {
                    pull = Pull {
                        title: pull.title,
                        ..known.pull.clone()
                    };
                    looked.take(pull, known.answer.as_deref());
                    continue;
                }
            }
            due.push(Due {
                open: open.clone(),
                pull,
                key,
                releases,
                before,
                asked: asked.max(waits),
            });
        }
        let is_known = |due: &Due| {
            due.before
                .as_ref()
                .is_some_and(|known| known.pull.head == due.open.head)
        };
        due.sort_by_key(is_known);
        self.as_many(looking, due, looked)
    }

    /// As many as are looked into at once.
    fn as_many(&self, looking: &Looking<'_>, due: Vec<Due>, looked: &mut Looked) -> Vec<Due> {
        let (mut all, mut shared, mut now) = (0, 0, Vec::new());
        for mut one in due {
            let is_shared = !looking.watched.is_component(&one.open.repo);
            let fits = all < MOST_AT_ONCE && (!is_shared || shared < MOST_SHARED);
            if fits {
                all += 1;
                shared += usize::from(is_shared);
                now.push(one);
                continue;
            }
            one.pull.state = State::Waits;
            one.pull.note = format!("{all} others are looked into first; the next run looks at it");
            one.pull.until = Some(looking.now);
            looked.take(one.pull, None);
        }
        now
    }

    /// Asks where the branches stand that pull requests are for, all at once.
    fn foresee_branches(&self, looking: &Looking<'_>, listed: &Open) {
        let Some(reader) = self.sources.github() else { return };
        let branches: BTreeSet<_> = listed
            .pulls
            .iter()
            .filter(|open| {
                looking
                    .watched
                    .releases(&open.repo, &open.branch, looking.releases)
                    .is_some()
            })
            .map(|open| (open.repo.clone(), open.branch.clone()))
            .collect();
        reader.heads(&branches.into_iter().collect::<Vec<_>>());
    }

    /// What an answer depends on beside the head: rules, configuration, what the releases have of the repository, and where its
    /// branch stands. `None` where that cannot be told without reading. The commit of the CI configs is not in it: it moves many times a
    /// day, and what of it concerns the repository is in what the releases have of it.
    fn key(&self, looking: &Looking<'_>, open: &OpenPull, releases: &BTreeSet<Release>) -> Option<String> {
        looking.standing.stamp.as_ref()?;
        let mut hash = Sha256::new();
        let mut part = |text: &str| {
            hash.update(text.len().to_le_bytes());
            hash.update(text);
        };
        part(&format!("{} {} {:?}", self.build, self.rules.digest(), self.config));
        let is_component = looking.watched.is_component(&open.repo);
        for release in releases {
            let (commit, parts) = looking.standing.releases.get(release)?;
            part(&release.to_string());
            match is_component {
                true => part(parts.get(&open.repo.to_string()).map_or("", String::as_str)),
                false => part(commit.as_deref()?),
            }
        }
        let is_ci = self.config.sources.ci_config.as_ref().and_then(|ci| ci.name()) == Some(open.repo.clone());
        if !is_ci {
            let head = self.sources.github()?.head(&open.repo, &open.branch).ok()?;
            part(&head.0);
        }
        Some(crate::base::text::hex(&hash.finalize()[..16]))
    }
}

/// How somebody asks for a look at what is as it was, now or before, if that is heard: in a comment not within a minute of the
/// last time, and not more often than some times an hour. What is beyond that waits for its time, a button, too: GitHub lets
/// the suite of the check wait as long.
fn heard(looking: &mut Looking<'_>, store: &Store, asked: Option<Ask>, known: &mut Kept) -> Option<Ask> {
    let is_time = known.pull.until.is_some_and(|until| until <= looking.now);
    let how = asked.max(known.waits.filter(|_| is_time))?;
    if how == Ask::Comment && known.asked.is_some_and(|asked| looking.now - asked < ASKED_AGAIN) {
        let name = known.pull.name();
        tracing::info!("{name} is not looked at because somebody asks: somebody asked less than {ASKED_AGAIN} s ago");
        return None;
    }
    let Some(until) = looking.asked.is_full() else {
        looking.asked.count();
        return Some(how);
    };
    let waits = Some(how).max(known.waits);
    let pull = &mut known.pull;
    if (known.waits, pull.until) != (waits, Some(until)) {
        if pull.state != State::Waits {
            pull.since = looking.now;
        }
        (pull.state, pull.until, known.waits) = (State::Waits, Some(until), waits);
        pull.note = format!("{MOST_ASKED} looks were asked for within the last hour");
        known.put(store);
    }
    None
}

/// Whether nothing is to be done about it as long as nothing changes.
fn is_settled(looking: &Looking<'_>, pull: &Pull) -> bool {
    match pull.state {
        State::Told | State::Silent => true,
        State::Planned => looking.dry_run,
        State::Waits => pull.until.is_none_or(|until| until > looking.now),
        State::Failed => false,
    }
}

fn first_seen(looking: &Looking<'_>, open: &OpenPull, releases: &BTreeSet<Release>) -> Pull {
    Pull {
        repository: open.repo.to_string(),
        pull: open.number,
        title: open.title.clone(),
        author: open.author.clone(),
        branch: open.branch.clone(),
        head: open.head.clone(),
        url: web::pull_request(looking.forge.client().web(), &open.repo, open.number),
        releases: releases.iter().map(Release::to_string).collect(),
        verdict: None,
        sentence: String::new(),
        todo: String::new(),
        state: State::Silent,
        note: String::new(),
        until: None,
        since: looking.now,
    }
}
