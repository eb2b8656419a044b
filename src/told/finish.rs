//! The writes that make issues and comments what they are to be.

use super::draft::{Draft, Spot};
use super::object::Object;
use super::page::{Block, Page, State};
use super::{Deed, Write, text};
use crate::plan::merge_body;

/// Starts the word with which an issue is closed.
pub const WORD: &str = "<!-- lockstep:word ";

/// The writes that make a draft what it is to be.
pub(super) fn finish(mut draft: Draft<'_>, writes: &mut Vec<Write>) {
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
            before.blocks.iter().any(|old| same(old) && old.state.over().is_some())
        })
}

/// What a closing word is known by: the breaks that are over.
fn digest(page: &Page) -> String {
    use sha2::{Digest, Sha256};
    let mut hash = Sha256::new();
    for block in &page.blocks {
        hash.update(format!("{}\0{}\0{}\0", block.release, block.image, block.since));
        if matches!(block.state, State::Shared(_)) {
            hash.update("OCP as well");
        }
    }
    crate::base::text::hex(&hash.finalize()[..8])
}
