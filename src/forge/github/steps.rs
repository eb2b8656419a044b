//! Lists the writes that a pull request on GitHub takes: those that every forge makes, and what goes with them here.

use super::journal::Unfinished;
use super::look::Look;
use super::options::Options;
use super::text;
use crate::forge::{Action, Write, decide};

/// Names what is to be done and lists the writes that it takes, in their order. Pure: a dry run shows what a run does.
pub fn steps(look: &Look, options: &Options, unfinished: Unfinished) -> (Action, Vec<Write>) {
    let (action, decided) = decide(&look.observed, &look.wanted);
    let assign = || Write::Assign {
        repo: look.wanted.scope.repo.clone(),
        head: look.wanted.head(),
        labels: options.labels.clone(),
        reviewers: look.reviewers.clone(),
        assignees: options.assignees.clone(),
    };
    let mut writes = Vec::new();
    for write in decided {
        match write {
            Write::Open { .. } => {
                writes.push(write);
                if options.assigns() {
                    writes.push(assign());
                }
            }
            Write::Close { .. } => {
                if !look.comments.iter().any(|comment| comment.body.contains(text::GONE)) {
                    writes.push(comment(look, text::gone_comment(action, look.wanted.yields.as_deref())));
                }
                writes.push(write);
            }
            write => writes.push(write),
        }
    }
    if action == Action::LeaveForeign {
        writes.extend(speak_up(look));
    }
    let stays_open = matches!(action, Action::UpToDate | Action::Update | Action::UpdateText);
    if unfinished.assign && stays_open && options.assigns() {
        writes.push(assign());
    }
    (action, writes)
}

fn comment(look: &Look, text: String) -> Write {
    Write::Comment {
        repo: look.wanted.scope.repo.clone(),
        head: look.wanted.head(),
        text,
    }
}

/// Says once that somebody's commits are respected, and keeps that up to date when they push more.
fn speak_up(look: &Look) -> Option<Write> {
    look.open?;
    let head = look.observed.head.as_deref()?;
    let whose = look
        .observed
        .notes
        .first()
        .map_or("commits of somebody else", String::as_str);
    let text = text::foreign_comment(head, &look.wanted, &crate::base::text::inert(whose));
    let said = look
        .comments
        .iter()
        .rev()
        .find_map(|said| Some((said, text::foreign_head(&said.body).filter(|_| said.viewer_did_author)?)));
    match said {
        None => Some(comment(look, text)),
        Some((_, at)) if at == head => None,
        Some((said, _)) => Some(Write::EditComment {
            repo: look.wanted.scope.repo.clone(),
            head: look.wanted.head(),
            comment: said.database_id?,
            text,
        }),
    }
}
