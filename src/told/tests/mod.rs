//! A forge in memory, and what is written to it.

mod rules;
mod story;

use std::collections::BTreeMap;

use super::*;
use crate::results::answer::{Absent, ImageResult, ImageState, OfRelease, Results, Suspect};

pub const DAY: i64 = 86_400;
/// The first of January 2026.
pub const START: i64 = 1_767_225_600;

pub fn repo(name: &str) -> RepoName {
    name.parse().expect("a name")
}

/// What is there, and the time.
pub struct Forge {
    pub there: There,
    pub now: i64,
    pub form: Form,
    pub table: Option<RepoName>,
    pub may_begin: usize,
    pub owners: bool,
    ids: u64,
    numbers: BTreeMap<RepoName, u64>,
}

impl Forge {
    pub fn new(form: Form) -> Self {
        Self {
            there: There::default(),
            now: START,
            form,
            table: None,
            may_begin: 10,
            owners: false,
            ids: 100,
            numbers: BTreeMap::new(),
        }
    }

    /// A pull request that was merged so many days after the start.
    pub fn merged(&mut self, name: &str, pull: u64, day: i64, warned: Option<&str>) {
        let merged = Merged {
            at: START + day * DAY,
            warned: warned.map(str::to_owned),
        };
        self.there.pulls.insert((repo(name), pull), Some(merged));
    }

    pub fn plan(&self, results: &Results) -> Telling {
        let address = |run: &str| Some(format!("https://ci.example.com/{run}"));
        let policy = Policy {
            form: self.form,
            table: self.table.as_ref(),
            may_begin: self.may_begin,
            owners: self.owners,
            bound: "as many as are allowed were begun within the last hour",
            now: self.now,
            address: &address,
        };
        plan(results, &self.there, &policy)
    }

    /// Plans and writes; afterwards there is nothing left to write.
    pub fn tell(&mut self, results: &Results) -> Telling {
        let telling = self.plan(results);
        for write in &telling.writes {
            self.apply(write);
        }
        let again = self.plan(results);
        assert_eq!(again.writes, [], "a second run writes nothing");
        telling
    }

    pub fn apply(&mut self, write: &Write) {
        self.ids += 1;
        let id = self.ids;
        let found = |there: &mut There, repo: &RepoName, comment: Option<u64>, number: u64| {
            let mut all = there.objects.drain(..).collect::<Vec<_>>();
            let at = all
                .iter()
                .position(|object| object.repo == *repo && object.number == number && object.comment == comment)
                .expect("it is there");
            let object = all.remove(at);
            there.objects = all;
            object
        };
        let name = write.repository.clone();
        let new = |number: u64, comment: Option<u64>, body: &str, now: i64| Object {
            repo: name.clone(),
            number,
            comment,
            created: now,
            is_open: true,
            body: body.to_owned(),
            words: Vec::new(),
            said: Vec::new(),
        };
        let object = match &write.deed {
            Deed::Comment { pull, body } => new(*pull, Some(id), body, self.now),
            Deed::Open { body, .. } => {
                let number = self.numbers.entry(name.clone()).or_insert(40);
                *number += 1;
                new(*number, None, body, self.now)
            }
            Deed::EditComment { pull, comment, body } => {
                let object = found(&mut self.there, &name, Some(*comment), *pull);
                Object {
                    body: body.clone(),
                    ..object
                }
            }
            Deed::Edit { number, body, open } => {
                let object = found(&mut self.there, &name, None, *number);
                Object {
                    body: body.clone(),
                    is_open: open.unwrap_or(object.is_open),
                    ..object
                }
            }
            Deed::Say { number, body } => {
                let mut object = found(&mut self.there, &name, None, *number);
                object.words.push(body.clone());
                object
            }
        };
        self.there.objects.push(object);
    }

    /// Somebody who may says something where it was told last.
    pub fn say(&mut self, author: &str, body: &str) {
        self.ids += 1;
        let said = Said {
            comment: self.ids,
            author: author.to_owned(),
            at: self.now,
            body: body.to_owned(),
        };
        self.there
            .objects
            .last_mut()
            .expect("something was told")
            .said
            .push(said);
    }
}

/// An image that has broken on a day.
pub fn broken(image: &str, day: i64, suspects: &[u64]) -> ImageResult {
    let suspect = |pull: &u64| Suspect {
        commit: format!("{pull:040}"),
        pull: Some(*pull),
        title: format!("Change number {pull}"),
    };
    ImageResult {
        image: image.to_owned(),
        repository: "openshift/harbor".to_owned(),
        branch: "main".to_owned(),
        job: "branch-ci-openshift-harbor-main-okd-scos-images".to_owned(),
        state: ImageState::Broken,
        says: "its build failed".to_owned(),
        because: None,
        since: Some("b".repeat(40)),
        since_time: Some(START + day * DAY),
        last_good: Some("a".repeat(40)),
        attempts: 2,
        okd_only: Some(true),
        twin: "branch-ci-openshift-harbor-main-images".to_owned(),
        lines: vec!["error: it does not compile".to_owned()],
        suspects: suspects.iter().map(suspect).collect(),
        run: Some("logs/branch-ci-openshift-harbor-main-okd-scos-images/7".to_owned()),
        elsewhere: None,
        history: Vec::new(),
        silenced: None,
    }
}

/// The same, building again.
pub fn builds(image: &str) -> ImageResult {
    ImageResult {
        state: ImageState::Builds,
        since: None,
        since_time: None,
        last_good: Some("c".repeat(40)),
        suspects: Vec::new(),
        lines: Vec::new(),
        ..broken(image, 0, &[])
    }
}

pub fn results(release: &str, images: Vec<ImageResult>) -> Results {
    Results {
        version: 1,
        releases: vec![OfRelease {
            release: release.to_owned(),
            images,
            payloads: Vec::new(),
            absent: Absent {
                all_others: true,
                ..Absent::default()
            },
        }],
        unread: Vec::new(),
    }
}
