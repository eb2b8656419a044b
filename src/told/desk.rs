//! The plan: what was told before and what does not build now, put side by side.

use std::collections::BTreeSet;

use super::breaks::{Break, breaks};
use super::draft::{Draft, Spot};
use super::finish;
use super::object::{Door, Key, Merged, Object, There};
use super::page::{Block, Kept, Page, State};
use super::policy::{Policy, Telling, Unsaid};
use super::{Form, command, text};
use crate::base::{Date, RepoName};
use crate::results::answer::{ImageResult, ImageState, Results};

const DAY: i64 = 86_400;
/// Older pull requests are left alone.
const YOUNG: i64 = 14 * DAY;
/// What breaks again within so long is told where it was told before; a table's row stays as long.
const RELAPSE: i64 = 7 * DAY;
/// What all breaks of one text may take, in bytes: less than GitHub takes, which leaves room for what people write around it.
const ROOM: usize = 45_000;
/// What the mark of a break takes beside its text, in bytes.
const MARK: usize = 150;

/// Plans what is to be written. Nothing is, where all that is to be told is told.
pub fn plan(results: &Results, there: &There, policy: &Policy<'_>) -> Telling {
    let mut unsaid = Vec::new();
    let all = breaks(results, policy.now, &mut unsaid);
    let mut desk = Desk::of(there, policy);
    desk.telling.unsaid = unsaid;
    desk.keep_silences();
    desk.drop_doubles(results);
    desk.mend(results);
    for one in &all {
        desk.tell(one);
    }
    desk.finish()
}

/// Whether something may still have to be changed in an issue or comment: it is the table, tells of a break, or of one that was over
/// less than a week ago, or keeps a silence.
pub fn concerns(object: &Object, now: i64) -> bool {
    let Some(page) = Page::of(&object.body) else {
        return false;
    };
    let fresh = |block: &Block| block.state == State::Broken || is_fresh(block, now);
    page.is_table || !page.silences.is_empty() || page.blocks.iter().any(fresh)
}

/// Whether a break was over less than a week ago.
fn is_fresh(block: &Block, now: i64) -> bool {
    block.state.over().is_some_and(|at| now - at < RELAPSE)
}

/// The breaks that are told by what is there, and those that were told before and have not been over since.
pub fn told_of(there: &There, results: &Results) -> BTreeSet<Key> {
    let pages = there.objects.iter().filter_map(|object| Page::of(&object.body));
    let blocks = pages.flat_map(|page| page.blocks);
    let told = blocks.filter(|block| block.state == State::Broken);
    let told = told.map(|block| (block.release, block.image, block.since));
    let over = |(release, image, _): &&Key| {
        let of = results.releases.iter().find(|of| of.release == *release);
        of.and_then(|of| of.images.iter().find(|known| known.image == *image))
            .is_some_and(|image| builds(image.state) || fails_everywhere(image))
    };
    told.chain(there.known.iter().filter(|key| !over(key)).cloned())
        .collect()
}

struct Desk<'t> {
    there: &'t There,
    policy: &'t Policy<'t>,
    drafts: Vec<Draft<'t>>,
    telling: Telling,
    begun: usize,
}

impl<'t> Desk<'t> {
    fn of(there: &'t There, policy: &'t Policy<'t>) -> Self {
        let mut objects: Vec<&Object> = there.objects.iter().collect();
        // Of two the older stays.
        objects.sort_by_key(|object| (object.created, object.number, object.comment));
        let draft = |object: &'t Object| {
            let mut page = Page::of(&object.body)?;
            // Whoever may write to a repository can edit what we wrote there: only the table's own has one.
            page.is_table &= object.comment.is_none() && policy.table == Some(&object.repo);
            let spot = match (object.comment, page.is_table) {
                (Some(_), _) => Spot::Pull(object.number),
                (None, true) => Spot::Table,
                (None, false) => Spot::Issue,
            };
            Some(Draft {
                repo: object.repo.clone(),
                spot,
                object: Some(object),
                page,
            })
        };
        Self {
            there,
            policy,
            drafts: objects.into_iter().filter_map(draft).collect(),
            telling: Telling::default(),
            begun: 0,
        }
    }

    fn today(&self) -> Date {
        Date::of_unix(self.policy.now)
    }

    /// Keeps what was asked for since, and lets go of what is over.
    fn keep_silences(&mut self) {
        let today = self.today();
        for draft in &mut self.drafts {
            let said = draft.object.map(|object| object.said.as_slice()).unwrap_or_default();
            for said in said {
                let known = draft.page.silences.iter().any(|kept| kept.comment == said.comment);
                let Some(wish) = command::silence(&said.body).filter(|_| !known) else {
                    continue;
                };
                let until = Date::of_unix(said.at + i64::from(wish.days) * DAY);
                let told: BTreeSet<String> = draft.page.blocks.iter().map(|block| block.image.clone()).collect();
                let images: BTreeSet<String> = match (&wish.image, draft.spot) {
                    // Who may write here may not write to every image's repository.
                    (Some(image), Spot::Pull(_) | Spot::Issue) if !told.contains(image) => {
                        draft.page.silences.push(Kept {
                            comment: said.comment,
                            text: text::no_silence(image, &said.author, &told),
                            image: String::new(),
                            until,
                        });
                        continue;
                    }
                    (Some(image), _) => BTreeSet::from([image.clone()]),
                    // In a table it has to say of which image.
                    (None, Spot::Table) => BTreeSet::new(),
                    (None, _) => told,
                };
                draft.page.silences.extend(images.into_iter().map(|image| Kept {
                    comment: said.comment,
                    text: text::silence(&image, &said.author, &wish.reason, until),
                    image,
                    until,
                }));
            }
            draft.page.silences.retain(|kept| kept.until >= today);
        }
    }

    /// Until when nobody is to hear of a break. Outside the table a silence holds for what its own text tells of, and for the images of
    /// its own repository.
    fn silent(&self, one: &Break) -> Option<Date> {
        let image = &one.image.image;
        let tells = |block: &Block| block.release == one.release && block.image == *image;
        let reach = self.drafts.iter().filter(|draft| {
            let is_own = is_of(&one.image, &draft.repo) && draft.page.blocks.iter().any(tells);
            draft.spot == Spot::Table || is_own
        });
        let kept = reach.flat_map(|draft| &draft.page.silences);
        kept.filter(|kept| kept.image == *image).map(|kept| kept.until).max()
    }

    /// What two texts tell, the older one tells; and what stands in a text of another repository is told in its own.
    fn drop_doubles(&mut self, results: &Results) {
        let (mut seen, mut table) = (BTreeSet::new(), false);
        for draft in &mut self.drafts {
            let is_second = draft.spot == Spot::Table && table;
            table |= draft.spot == Spot::Table;
            if is_second {
                // There is one table: this is closed, as an issue that another one makes superfluous.
                (draft.spot, draft.page.is_table) = (Spot::Issue, false);
            }
            for block in draft
                .page
                .blocks
                .iter_mut()
                .filter(|block| block.state == State::Broken)
            {
                let is_elsewhere = draft.spot != Spot::Table
                    && image_of(results, block).is_some_and(|image| !is_of(image, &draft.repo));
                if is_second || is_elsewhere || !seen.insert((block.release.clone(), block.image.clone())) {
                    block.state = State::Elsewhere;
                    block.text = text::elsewhere(block, draft.spot == Spot::Table);
                }
            }
        }
    }

    /// What builds again, is no image any more, or fails for OCP as well, is told no longer, in silence or not.
    fn mend(&mut self, results: &Results) {
        let now = self.policy.now;
        for draft in &mut self.drafts {
            let is_table = draft.spot == Spot::Table;
            for block in draft
                .page
                .blocks
                .iter_mut()
                .filter(|block| matches!(block.state, State::Broken | State::Shared(_)))
            {
                let Some(release) = results.releases.iter().find(|release| release.release == block.release) else {
                    continue;
                };
                let found = release.images.iter().find(|image| image.image == block.image);
                let by = match found {
                    Some(image) if fails_everywhere(image) => {
                        if block.state == State::Broken {
                            block.text = text::in_both(block, image, now, is_table);
                            block.state = State::Shared(now);
                        }
                        continue;
                    }
                    // Those that are held back were built.
                    Some(image) if builds(image.state) => image.last_good.as_deref().or(image.since.as_deref()),
                    None if release.lacks(&block.image) => None,
                    // It builds no more than before, or nobody knows.
                    Some(_) | None => continue,
                };
                let repository = found.map_or("", |image| image.repository.as_str());
                block.text = text::over(block, by, repository, now, is_table);
                block.state = State::Mended(now);
            }
            if is_table {
                let is_kept = |block: &Block| block.state == State::Broken || is_fresh(block, now);
                draft.page.blocks.retain(is_kept);
            }
        }
    }

    fn not(&mut self, one: &Break, waits: bool, why: String) {
        self.telling.unsaid.push(Unsaid {
            release: one.release.clone(),
            image: one.image.image.clone(),
            waits,
            why,
        });
    }

    /// Finds the place of a break.
    fn tell(&mut self, one: &Break) {
        let is = |block: &Block| block.release == one.release && block.image == one.image.image;
        let told = self.drafts.iter().find(|draft| {
            let mut blocks = draft.page.blocks.iter();
            blocks.any(|block| is(block) && block.state == State::Broken)
        });
        if let Some(told) = told {
            let closed = told.is_closed_by_person().then(|| told.name());
            if let Some(name) = closed {
                self.not(
                    one,
                    false,
                    format!("somebody has closed {name}: nothing more is said of it"),
                );
            }
            return;
        }
        if let Some(until) = self.silent(one) {
            return self.not(one, false, format!("it is silenced until {until}, as somebody asked"));
        }
        let Ok(repo) = one.image.repository.parse::<RepoName>() else {
            return self.not(one, false, "the name of its repository is none".to_owned());
        };
        match self.relapse(one).or_else(|| self.spot(one, &repo)) {
            Some(at) => self.put(at, one),
            None => drop(self.begin(one, repo)),
        }
    }

    /// Where it was told before that it broke: with the same commit, or, in an issue, within a week.
    fn relapse(&self, one: &Break) -> Option<usize> {
        self.drafts.iter().position(|draft| {
            draft.spot != Spot::Table
                && draft.page.blocks.iter().any(|block| {
                    let is = block.release == one.release && block.image == one.image.image;
                    let is_over = block.state.over().is_some();
                    let same = block.since == one.since;
                    is && is_over && (same || draft.spot == Spot::Issue && is_fresh(block, self.policy.now))
                })
        })
    }

    /// The pull request that a comment goes to.
    fn pull(&mut self, one: &Break, repo: &RepoName) -> Option<u64> {
        let cause = one.cause().filter(|_| self.policy.form == Form::Comment)?;
        let is_young = |at: i64| self.policy.now - at < YOUNG;
        match self.there.pulls.get(&(repo.clone(), cause.pull)) {
            Some(merged) => merged.as_ref().filter(|merged| is_young(merged.at)).map(|_| cause.pull),
            None if one.image.since_time.is_none_or(is_young) => {
                self.telling.look_at_pulls.insert((repo.clone(), cause.pull));
                Some(cause.pull)
            }
            None => None,
        }
    }

    /// What is there already for a break that was told nowhere.
    fn spot(&mut self, one: &Break, repo: &RepoName) -> Option<usize> {
        let wanted = self.wanted(one, repo);
        self.drafts.iter().position(|draft| match (wanted.1, draft.spot) {
            (Spot::Table, Spot::Table) => draft.repo == wanted.0,
            (Spot::Pull(pull), Spot::Pull(other)) => draft.repo == wanted.0 && pull == other,
            (Spot::Issue, Spot::Issue) => {
                let same = |block: &Block| block.since == one.since && block.state == State::Broken;
                draft.repo == wanted.0 && draft.is_open() && draft.page.blocks.iter().any(same)
            }
            _ => false,
        })
    }

    /// Where a break belongs.
    fn wanted(&mut self, one: &Break, repo: &RepoName) -> (RepoName, Spot) {
        let pull = self.pull(one, repo);
        match (self.policy.form, pull, self.policy.table) {
            (Form::Comment, Some(pull), _) => (repo.clone(), Spot::Pull(pull)),
            (Form::Comment | Form::Table, None, Some(table)) | (Form::Table, Some(_), Some(table)) => {
                (table.clone(), Spot::Table)
            }
            _ => (repo.clone(), Spot::Issue),
        }
    }

    /// Begins something new, where that may be.
    fn begin(&mut self, one: &Break, repo: RepoName) -> Option<()> {
        let (repo, spot) = self.wanted(one, &repo);
        match (spot, self.there.doors.get(&repo)) {
            (_, Some(Door::Shut(why))) => {
                let why = format!("nothing can be said in {repo}: {why}");
                self.not(one, false, why);
                return None;
            }
            (Spot::Pull(_), _) | (_, Some(Door::Open)) => {}
            (_, None) => drop(self.telling.look_at_issues.insert(repo.clone())),
        }
        let key = (one.release.clone(), one.image.image.clone(), one.since.clone());
        if self.there.known.contains(&key) {
            self.not(one, false, "it was told, and somebody has deleted that".to_owned());
            return None;
        }
        if self.begun >= self.policy.may_begin {
            self.not(one, true, self.policy.bound.to_owned());
            return None;
        }
        self.begun += 1;
        self.drafts.push(Draft {
            repo,
            spot,
            object: None,
            page: Page {
                is_table: spot == Spot::Table,
                ..Page::default()
            },
        });
        self.put(self.drafts.len() - 1, one);
        Some(())
    }

    /// Tells a break in a draft.
    fn put(&mut self, at: usize, one: &Break) {
        let Some(draft) = self.drafts.get_mut(at) else { return };
        let is = |block: &Block| block.release == one.release && block.image == one.image.image;
        if draft.spot == Spot::Table && draft.is_closed_by_person() {
            let why = format!("somebody has closed {}, the table: reopen it to have one", draft.name());
            return self.not(one, false, why);
        }
        let merged: Option<&Merged> = one
            .cause()
            .and_then(|cause| self.there.pulls.get(&(draft.repo.clone(), cause.pull)))
            .and_then(Option::as_ref);
        let text = |with_log| match draft.spot {
            Spot::Table => text::row(one, self.policy),
            Spot::Pull(_) | Spot::Issue => {
                let seen = text::Seen {
                    on_pull: draft.spot != Spot::Issue,
                    with_log,
                    merged,
                };
                text::block(one, seen, self.policy)
            }
        };
        let taken = draft.page.blocks.iter().filter(|block| !is(block));
        let left = ROOM.saturating_sub(taken.map(|block| block.text.len() + MARK).sum());
        let Some(text) = [text(true), text(false)]
            .into_iter()
            .find(|text| text.len() + MARK <= left)
        else {
            let why = format!(
                "{} has as many as fit: it waits until one of them builds again",
                draft.name()
            );
            return self.not(one, true, why);
        };
        draft.page.blocks.retain(|block| !is(block));
        draft.page.blocks.push(Block {
            release: one.release.clone(),
            image: one.image.image.clone(),
            since: one.since.clone(),
            state: State::Broken,
            text,
        });
    }

    /// Names who approves changes where something begins; a table is not theirs.
    fn name_owners(&mut self) {
        if !self.policy.owners {
            return;
        }
        let begun = self.drafts.iter_mut().filter(|draft| draft.object.is_none());
        for draft in begun.filter(|draft| draft.spot != Spot::Table) {
            match self.there.owners.get(&draft.repo) {
                Some(names) => draft.page.named = text::named(names),
                None => drop(self.telling.look_at_owners.insert(draft.repo.clone())),
            }
        }
    }

    fn finish(mut self) -> Telling {
        self.name_owners();
        for draft in std::mem::take(&mut self.drafts) {
            finish::finish(draft, &mut self.telling.writes);
        }
        self.telling.unsaid.sort();
        self.telling
    }
}

/// Whether an image is built from a repository.
fn is_of(image: &ImageResult, repo: &RepoName) -> bool {
    image.repository.parse::<RepoName>().is_ok_and(|own| own == *repo)
}

/// The image that a block tells of, where results know it.
fn image_of<'r>(results: &'r Results, block: &Block) -> Option<&'r ImageResult> {
    let release = results.releases.iter().find(|of| of.release == block.release)?;
    release.images.iter().find(|image| image.image == block.image)
}

fn builds(state: ImageState) -> bool {
    matches!(state, ImageState::Builds | ImageState::StaleBase | ImageState::HeldBack)
}

/// Whether it does not build, and OCP's own build does not either.
fn fails_everywhere(image: &ImageResult) -> bool {
    image.state == ImageState::Broken && image.okd_only == Some(false)
}
