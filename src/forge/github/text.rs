//! What a pull request carries for the next run: marker comments in its body and in ours, trailers in its commit.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::base::RepoName;
use crate::forge::Action;
use crate::forge::carry::trailer;
use crate::plan::{BEGIN, PullRequest, Reach, Scope, mention};

/// The pull requests that are open, with the names of their repositories: what others say that they depend on.
pub type Numbers = RefCell<BTreeMap<Scope, (RepoName, u64)>>;

/// Starts the line of the body that remembers what was last written.
const STATE: &str = "<!-- lockstep:state ";
/// Stands in the body of a pull request that was closed here, not by a person.
pub const CLOSED: &str = "<!-- lockstep:closed -->";
/// Stands in the comment that says why it was closed.
pub const GONE: &str = "<!-- lockstep:gone -->";
/// Starts the comment about commits of somebody else.
const FOREIGN: &str = "<!-- lockstep:foreign ";
/// Hands a branch back.
pub const TAKE: &str = "/lockstep take";
/// The commit's trailer with the digest of what it changes, and from what.
const CONTENT: &str = "Lockstep-Content";
/// The commit's trailer with the digest of the plan.
const DIGEST: &str = "Lockstep-Digest";

/// The managed part of a body, with what the next run needs to know of this one, and the predecessor's number.
pub fn managed(wanted: &PullRequest, predecessor: Option<u64>) -> String {
    let mut lines = format!("{STATE}title={} -->\n", hash(&wanted.title));
    if let Some(number) = predecessor {
        lines.push_str(&format!(
            "Follows #{number}, which was closed; the content has changed since.\n\n"
        ));
    }
    match wanted.body.strip_prefix(BEGIN) {
        Some(rest) => format!("{BEGIN}\n{lines}{}", rest.trim_start_matches('\n')),
        None => wanted.body.clone(),
    }
}

/// A text's hash: git's own, so that it needs no further library.
pub fn hash(text: &str) -> String {
    git2::Oid::hash_object(git2::ObjectType::Blob, text.as_bytes())
        .map_or_else(|_| String::new(), |oid| oid.to_string())
}

/// The value of a `name=value` in a marker comment.
fn marked<'t>(text: &'t str, marker: &str, name: &str) -> Option<&'t str> {
    let rest = &text[text.find(marker)? + marker.len()..];
    let inside = &rest[..rest.find("-->")?];
    inside
        .split_whitespace()
        .find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
}

/// Whether a title is the one last written; where a person took the markers out, it counts as theirs.
pub fn title_is_ours(body: &str, title: &str) -> bool {
    marked(body, STATE, "title") == Some(hash(title).as_str())
}

/// The digest of what a pull request changes, as its body says.
pub fn digest_in_body(body: &str) -> Option<&str> {
    let marker = "<!-- lockstep:digest ";
    let rest = &body[body.find(marker)? + marker.len()..];
    rest[..rest.find("-->")?].split_whitespace().next()
}

/// Names what a pull request depends on by number, where it is open.
pub fn with_numbers(body: &str, wanted: &PullRequest, numbers: &Numbers) -> String {
    let numbers = numbers.borrow();
    let mut body = body.to_owned();
    for scope in &wanted.depends {
        if let Some((repo, number)) = numbers.get(scope) {
            body = body.replace(&mention(scope), &format!("{repo}#{number}"));
        }
    }
    body
}

/// The message of a commit.
pub fn commit_message(
    title: &str,
    wanted: &PullRequest,
    content: &str,
    reach: &Reach,
    sign_off: Option<&str>,
) -> String {
    let mut text = format!(
        "{title}\n\nDerived from the metadata of {}.\n\n{CONTENT}: {content}\n{DIGEST}: {}\n{}",
        crate::base::text::inert(&wanted.scope.release),
        wanted.digest,
        trailer(reach),
    );
    if let Some(who) = sign_off {
        text.push_str(&format!("Signed-off-by: {who}\n"));
    }
    text
}

fn trailed<'m>(message: &'m str, name: &str) -> Option<&'m str> {
    message
        .lines()
        .rev()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
        .map(str::trim)
}

/// What a commit of ours says that it changes.
pub fn content_of(message: &str) -> Option<&str> {
    trailed(message, CONTENT)
}

/// The digest of the plan that a commit of ours was made from.
pub fn digest_of(message: &str) -> Option<&str> {
    trailed(message, DIGEST)
}

/// The comment that closes.
pub fn gone_comment(action: Action, cut: Option<&str>) -> String {
    if let Some(cut) = cut {
        return format!("{GONE}\nA branch cut has these files now: {cut}. Closing, and deleting the branch.\n");
    }
    if action == Action::CloseRefused {
        return format!(
            "{GONE}\nWhat is left of this is what was refused in a pull request before, so it is not proposed again. Closing, and \
             deleting the branch.\n"
        );
    }
    format!(
        "{GONE}\nThe drift that this was for is gone: the base has what metadata asks for. Closing, and deleting the branch.\n"
    )
}

/// The comment about commits of somebody else.
pub fn foreign_comment(head: &str, wanted: &PullRequest, whose: &str) -> String {
    let what = match wanted.files.len() {
        0 => "The drift that this was for is gone, so this would have been closed.".to_owned(),
        1 => "One file would have been written anew.".to_owned(),
        n => format!("{n} files would have been written anew ({}).", wanted.counts()),
    };
    format!(
        "{FOREIGN}head={head} -->\nThe branch has {whose}, so nothing is pushed over it. {what}\n\nTo hand the branch back, \
         comment `{TAKE}`: what was pushed to it is then replaced by one commit. To go on by hand, do nothing.\n"
    )
}

/// The head that a comment about commits of somebody else was written for.
pub fn foreign_head(comment: &str) -> Option<&str> {
    marked(comment, FOREIGN, "head")
}

/// Whether a comment hands the branch back: the words alone on a line, not in a quotation.
pub fn takes(comment: &str) -> bool {
    comment.lines().any(|line| line.trim() == TAKE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_is_found_again() {
        let body = format!(
            "hello\n{BEGIN}\n{STATE}title={} -->\n<!-- lockstep:digest abc -->\n",
            hash("T")
        );
        assert!(title_is_ours(&body, "T"));
        assert!(!title_is_ours(&body, "edited"));
        assert!(
            !title_is_ours("nothing", "T"),
            "who takes the markers out takes the title over"
        );
        assert_eq!(digest_in_body(&body), Some("abc"));
        assert_eq!(digest_in_body("<!-- lockstep:digest"), None);
    }

    #[test]
    fn trailers_are_found_again() {
        let mut plan = crate::plan::Plan::build(crate::plan::Input {
            desired: vec![crate::plan::Desired {
                repo: "o/r".parse().unwrap(),
                branch: "main".into(),
                path: "a".into(),
                release: "4.16".into(),
                target: "t".into(),
                group: "ci".into(),
                component: None,
                images: Vec::new(),
                before: None,
                after: Some(b"a"[..].into()),
                causes: Vec::new(),
                refused: Vec::new(),
                follows: None,
                notes: Vec::new(),
                held: false,
            }],
            ..crate::plan::Input::default()
        });
        let mut wanted = plan.pull_requests.remove(0);
        wanted.digest = "d1".into();
        let message = commit_message("t", &wanted, "c1", &wanted.reach, Some("a <a@b>"));
        assert_eq!((content_of(&message), digest_of(&message)), (Some("c1"), Some("d1")));
        assert!(message.ends_with("Signed-off-by: a <a@b>\n"));
        assert_eq!(content_of("Lockstep-Contents: x"), None);
    }

    #[test]
    fn a_branch_is_handed_back_by_words_alone_on_a_line() {
        assert!(takes("please\r\n/lockstep take\r\n"));
        assert!(!takes("> /lockstep take"));
        assert!(!takes("use `/lockstep take`"));
    }
}
