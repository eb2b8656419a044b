//! The plan: what was told before and what does not build now, put side by side.

use std::collections::BTreeSet;

use super::breaks::{Break, breaks};
use super::object::{Door, Key, Merged, Object, There};
use super::page::{Block, Kept, Page, State};
use super::policy::{Policy, Telling, Unsaid};
use super::{Deed, Form, Write, command, text};
use crate::base::{Date, RepoName};
use crate::plan::merge_body;
use crate::results::answer::{ImageState, Results};

const DAY: i64 = 86_400;
/// Older pull requests are left alone.
const YOUNG: i64 = 14 * DAY;
/// What breaks again within so long is told where it was told before; a table's row stays as long.
const RELAPSE: i64 = 7 * DAY;
/// What all breaks of one text may take, in bytes: less than GitHub takes, which leaves room for what people write around it.
const ROOM: usize = 45_000;
/// Starts the word with which an issue is closed.
pub const WORD: &str = "<!-- lockstep:word ";
/// What the mark of a break takes beside its text, in bytes.
const MARK: usize = 150;

/// Plans what is to be written. Nothing is, where all that is to be told is told.
pub fn plan(results: &Results, there: &There, policy: &Policy<'_>) -> Telling {
    let mut unsaid = Vec::new();
    let all = breaks(results, policy.now, &mut unsaid);
    let mut desk = Desk::of(there, policy);
    desk.telling.unsaid = unsaid;
    desk.keep_silences();
    desk.drop_doubles();
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
    let fresh = |block: &Block| match block.state {
        State::Broken => true,
        State::Mended(at) => now - at < RELAPSE,
        State::Elsewhere => false,
    };
    page.is_table || !page.silences.is_empty() || page.blocks.iter().any(fresh)
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
            .is_some_and(|image| builds(image.state))
    };
    told.chain(there.known.iter().filter(|key| !over(key)).cloned())
        .collect()
}

/// An issue or comment, as it is or as it is to be.
struct Draft<'t> {
    repo: RepoName,
    spot: Spot,
    object: Option<&'t Object>,
    page: Page,
}

/// Where something is told.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Spot {
    /// A comment on this pull request.
    Pull(u64),
    Issue,
    Table,
}

impl Draft<'_> {
    fn is_open(&self) -> bool {
        self.object.is_none_or(|object| object.is_open)
    }

    /// Whether a person has closed it.
    fn is_closed_by_person(&self) -> bool {
        !self.is_open() && !self.page.is_closed
    }

    fn name(&self) -> String {
        let number = self
            .object
            .map_or_else(String::new, |object| format!("#{}", object.number));
        format!("{}{number}", self.repo)
    }
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
            let page = Page::of(&object.body)?;
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
                let images: BTreeSet<String> = match (&wish.image, draft.spot) {
                    (Some(image), _) => BTreeSet::from([image.clone()]),
                    // In a table it has to say of which image.
                    (None, Spot::Table) => BTreeSet::new(),
                    (None, _) => draft.page.blocks.iter().map(|block| block.image.clone()).collect(),
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

    /// Until when nobody is to hear of an image.
    fn silent(&self, image: &str) -> Option<Date> {
        let kept = self.drafts.iter().flat_map(|draft| &draft.page.silences);
        kept.filter(|kept| kept.image == image).map(|kept| kept.until).max()
    }

    /// What two texts tell, the older one tells.
    fn drop_doubles(&mut self) {
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
                if is_second || !seen.insert((block.release.clone(), block.image.clone())) {
                    block.state = State::Elsewhere;
                    block.text = text::elsewhere(block, draft.spot == Spot::Table);
                }
            }
        }
    }

    /// What builds again, or is no image any more, is told no longer.
    fn mend(&mut self, results: &Results) {
        let silences = self.drafts.iter().flat_map(|draft| &draft.page.silences);
        let silent: BTreeSet<String> = silences.map(|kept| kept.image.clone()).collect();
        let now = self.policy.now;
        for draft in &mut self.drafts {
            let is_table = draft.spot == Spot::Table;
            for block in draft
                .page
                .blocks
                .iter_mut()
                .filter(|block| block.state == State::Broken)
            {
                let Some(release) = results.releases.iter().find(|release| release.release == block.release) else {
                    continue;
                };
                let found = release.images.iter().find(|image| image.image == block.image);
                let by = match found {
                    // Those that are held back were built.
                    Some(image) if builds(image.state) => image.last_good.as_deref().or(image.since.as_deref()),
                    Some(_) => continue,
                    None => None,
                };
                if !silent.contains(&block.image) {
                    let repository = found.map_or("", |image| image.repository.as_str());
                    block.text = text::mended(block, by, repository, now, is_table);
                    block.state = State::Mended(now);
                }
            }
            if is_table {
                let is_kept = |block: &Block| match block.state {
                    State::Broken => true,
                    State::Mended(at) => now - at < RELAPSE,
                    State::Elsewhere => false,
                };
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
        if let Some(until) = self.silent(&one.image.image) {
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
                    match block.state {
                        State::Mended(_) if is && block.since == one.since => true,
                        State::Mended(at) => is && draft.spot == Spot::Issue && self.policy.now - at < RELAPSE,
                        _ => false,
                    }
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
            finish_one(draft, &mut self.telling.writes);
        }
        self.telling.unsaid.sort();
        self.telling
    }
}

fn builds(state: ImageState) -> bool {
    matches!(state, ImageState::Builds | ImageState::StaleBase | ImageState::HeldBack)
}

/// The writes that make a draft what it is to be.
fn finish_one(mut draft: Draft<'_>, writes: &mut Vec<Write>) {
    let order = |block: &Block| (block.release.clone(), block.image.clone());
    draft.page.blocks.sort_by_cached_key(order);
    let blocks: Vec<&Block> = draft.page.blocks.iter().collect();
    let is_broken = blocks.iter().any(|block| block.state == State::Broken);
    let (head, foot) = match draft.spot {
        Spot::Table => text::around(&blocks),
        Spot::Pull(_) => (text::head(&blocks, true), text::foot(is_broken, false)),
        Spot::Issue => (text::head(&blocks, false), text::foot(is_broken, true)),
    };
    let (about, title, word) = (text::about(&blocks), text::title(&blocks), text::word(&blocks));
    let mut write = |deed| {
        writes.push(Write {
            repository: draft.repo.clone(),
            deed,
            about: about.clone(),
        });
    };
    let Some(object) = draft.object else {
        let body = draft.page.write(&head, &foot);
        return write(match draft.spot {
            Spot::Pull(pull) => Deed::Comment { pull, body },
            Spot::Issue => Deed::Open { title, body },
            Spot::Table => Deed::Open {
                title: text::TABLE_TITLE.to_owned(),
                body,
            },
        });
    };
    let number = object.number;
    let was_closed_here = draft.page.is_closed;
    let open = match (draft.spot, object.is_open, is_broken) {
        (Spot::Issue, true, false) => Some(false),
        // What a person closed while it was broken stays so; what was over meanwhile is opened again.
        (Spot::Issue, false, true) if was_closed_here || revived(object, &draft.page) => Some(true),
        _ => None,
    };
    draft.page.is_closed = match open {
        Some(open) => !open,
        None => was_closed_here && !object.is_open,
    };
    let body = draft.page.write(&head, &foot);
    let before = object.body.replace("\r\n", "\n");
    let body = merge_body(&before, &body);
    if open == Some(false) {
        let mark = format!("{WORD}{} -->", digest(&draft.page));
        if !object.words.iter().any(|said| said.contains(&mark)) {
            write(Deed::Say {
                number,
                body: format!("{mark}\n{word}"),
            });
        }
    }
    if body.trim_end() == before.trim_end() && open.is_none() {
        return;
    }
    write(match object.comment {
        Some(comment) => Deed::EditComment {
            pull: number,
            comment,
            body,
        },
        None => Deed::Edit { number, body, open },
    });
}

/// Whether something that is broken now was over before: then it is a relapse, and no break that a person has seen.
fn revived(object: &Object, page: &Page) -> bool {
    let before = Page::of(&object.body).unwrap_or_default();
    page.blocks
        .iter()
        .filter(|block| block.state == State::Broken)
        .any(|block| {
            let same = |old: &Block| old.release == block.release && old.image == block.image;
            before
                .blocks
                .iter()
                .any(|old| same(old) && matches!(old.state, State::Mended(_)))
        })
}

/// What a closing word is known by: the breaks that are over.
fn digest(page: &Page) -> String {
    use sha2::{Digest, Sha256};
    let mut hash = Sha256::new();
    for block in &page.blocks {
        hash.update(format!("{}\0{}\0{}\0", block.release, block.image, block.since));
    }
    hash.finalize()
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
