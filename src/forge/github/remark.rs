//! The one comment on a pull request of somebody else, where it is asked for: edited, and never a second one.
//!
//! It is known by a marker in a comment of ours, and looked for before it is written and after a write whose answer was lost. Somebody
//! who deletes it is heard: where it was known and is gone, none is written again.

use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::GithubForge;
use super::answers::{Made, OfRepository};
use super::tell::{Answer, Told, cut};
use crate::base::RepoName;
use crate::base::loose::read;
use crate::github::{Fault, FaultKind, Repeat};

/// Starts the comment.
const MARK: &str = "<!-- lockstep:impact -->";
/// As long it may be, in bytes; GitHub takes 65,536 characters.
const LONGEST: usize = 60_000;
/// How many pages of a hundred comments are looked through.
const PAGES: usize = 10;
/// What is needed, for errors.
const PERMISSION: &str = "(permission `pull_requests: write`)";

const COMMENTS: &str = "\
query Ours($owner: String!, $name: String!, $number: Int!, $after: String) {
  repository(owner: $owner, name: $name) {
    pullRequest(number: $number) {
      comments(first: 100, after: $after) {
        pageInfo { hasNextPage endCursor }
        nodes { databaseId body viewerDidAuthor }
      }
    }
  }
}";

/// What is remembered of our comment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comment {
    /// Its id.
    pub id: u64,
    /// A digest of what was written last.
    pub says: String,
}

/// Our comment as it stands.
struct There {
    id: u64,
    body: String,
}

/// Where it was looked for.
enum Found {
    There(There),
    None,
    /// There are too many comments to say that it is not there.
    Unknown,
}

/// A digest of a text.
fn says(text: &str) -> String {
    let digest = Sha256::digest(text.trim());
    crate::base::text::hex(&digest[..16])
}

impl GithubForge {
    /// Makes our comment say the answer. `known`: what is remembered of it, kept here. `speaks`: whether one is made where there is none.
    ///
    /// # Errors
    /// GitHub cannot be asked, or does not take it.
    pub fn comment(
        &self,
        answer: &Answer,
        known: &mut Option<Comment>,
        speaks: bool,
        dry_run: bool,
    ) -> Result<Told, Fault> {
        let text = format!("{MARK}\n{}", cut(&answer.summary, LONGEST));
        if let (Some(known), false) = (known.as_mut(), dry_run) {
            return self.edit_comment((&answer.repo, answer.pull), known, &answer.summary, false);
        }
        self.again(|| match self.our_comment(answer)? {
            Found::There(there) => {
                let is_same = there.body.trim() == text.trim();
                let says = if is_same { says(&text) } else { String::new() };
                let there = known.insert(Comment { id: there.id, says });
                self.edit_comment((&answer.repo, answer.pull), there, &answer.summary, dry_run)
            }
            Found::Unknown if !speaks => Ok(Told::Already),
            Found::Unknown => Ok(Told::Waits(
                format!(
                    "{}#{} has more than {}00 comments, of which one may be ours",
                    answer.repo, answer.pull, PAGES
                ),
                None,
            )),
            Found::None if !speaks => Ok(Told::Already),
            Found::None => {
                if !dry_run {
                    let path = format!("/repos/{}/issues/{}/comments", answer.repo, answer.pull);
                    let what = format!("commenting {PERMISSION} on {}", answer.place());
                    let made = self.put(
                        &answer.repo,
                        Method::POST,
                        path,
                        json!({ "body": text }),
                        Repeat::Once,
                        what,
                    )?;
                    *known = Made::of(&made).id.map(|id| Comment { id, says: says(&text) });
                    self.only_one(answer, known)?;
                }
                Ok(Told::Written(vec![format!("a comment on {}", answer.place())]))
            }
        })
    }

    /// Takes ours away where somebody else of ours has written at the same time: of two the older stays.
    fn only_one(&self, answer: &Answer, known: &mut Option<Comment>) -> Result<(), Fault> {
        let made = known.as_ref().map(|known| known.id);
        let (Some(made), Found::There(first)) = (made, self.our_comment(answer)?) else {
            return Ok(());
        };
        if first.id != made {
            let path = format!("/repos/{}/issues/comments/{made}", answer.repo);
            let what = format!("deleting a second comment {PERMISSION} on {}", answer.place());
            self.put(&answer.repo, Method::DELETE, path, Value::Null, Repeat::Safe, what)?;
            let says = says(&first.body);
            *known = Some(Comment { id: first.id, says });
        }
        Ok(())
    }

    /// Makes a comment of ours on a pull request say something else, where it does not say that already. One that somebody has
    /// deleted stays so.
    ///
    /// # Errors
    /// GitHub does not take it.
    pub fn edit_comment(
        &self,
        (repo, pull): (&RepoName, u64),
        known: &mut Comment,
        text: &str,
        dry_run: bool,
    ) -> Result<Told, Fault> {
        let text = format!("{MARK}\n{}", cut(text, LONGEST));
        let (id, says) = (known.id, says(&text));
        if known.says == says {
            return Ok(Told::Already);
        }
        let line = format!("the comment {id} on {repo}#{pull} says it");
        if !dry_run {
            let body = json!({ "body": text });
            let path = format!("/repos/{repo}/issues/comments/{id}");
            let what = format!("editing a comment {PERMISSION} on {repo}#{pull}");
            match self.put(repo, Method::PATCH, path, body, Repeat::Safe, what) {
                Err(fault) if fault.kind == FaultKind::NotFound => {
                    known.says = says;
                    return Ok(Told::Already);
                }
                other => drop(other?),
            }
            known.says = says;
        }
        Ok(Told::Written(vec![line]))
    }

    fn our_comment(&self, answer: &Answer) -> Result<Found, Fault> {
        let mut after: Option<String> = None;
        for _ in 0..PAGES {
            let variables = json!({
                "owner": answer.repo.org, "name": answer.repo.repo, "number": answer.pull, "after": after,
            });
            let what = format!("reading the comments of {}#{}", answer.repo, answer.pull);
            let data = self.reader.ask(&answer.repo, COMMENTS, variables, what)?;
            let found: OfRepository = read(&data).unwrap_or_default();
            let found = &found.repository.pull_request.comments;
            let ours = found
                .nodes
                .iter()
                .filter(|said| said.body.starts_with(MARK) && *said.viewer_did_author);
            // Of two the older stays.
            let there = ours.into_iter().find_map(|said| {
                let (id, body) = ((*said.database_id)?, said.body.clone());
                Some(There { id, body })
            });
            if let Some(there) = there {
                return Ok(Found::There(there));
            }
            if !*found.page_info.has_next_page {
                return Ok(Found::None);
            }
            after.clone_from(&found.page_info.end_cursor);
        }
        Ok(Found::Unknown)
    }
}
