//! What people do on GitHub, and what tests ask about it.

use std::collections::BTreeMap;

use super::FakeGithub;
use super::state::{Comment, Pull, PullState, Repo};

impl FakeGithub {
    /// Makes a repository with one commit on `main`.
    pub fn repository(&self, name: &str, files: &[(&str, &str)]) {
        let mut inside = self.inside();
        let state = &mut inside.state;
        let id = state.id();
        state.repos.insert(
            name.to_owned(),
            Repo {
                id,
                name: name.to_owned(),
                ..Repo::default()
            },
        );
        drop(inside);
        let files: Vec<_> = files.iter().map(|(path, text)| (*path, Some(*text))).collect();
        self.push(name, "main", "ann", &files);
    }

    /// Makes a fork.
    pub fn fork(&self, of: &str, name: &str) {
        let mut inside = self.inside();
        let id = inside.state.id();
        let refs = inside.state.repo(of).unwrap().refs.clone();
        let repo = Repo {
            id,
            name: name.to_owned(),
            refs,
            parent: Some(of.to_owned()),
            ..Repo::default()
        };
        inside.state.repos.insert(name.to_owned(), repo);
    }

    /// Deletes a repository; pull requests from it stay, without their head.
    pub fn delete_repository(&self, name: &str) {
        let mut inside = self.inside();
        inside.state.repos.remove(name);
        for repo in inside.state.repos.values_mut() {
            for pull in &mut repo.pulls {
                if pull.head_repo.as_deref() == Some(name) {
                    pull.head_repo = None;
                }
            }
        }
    }

    /// Commits on a branch.
    pub fn push(&self, repo: &str, branch: &str, who: &str, files: &[(&str, Option<&str>)]) -> String {
        let mut inside = self.inside();
        let state = &mut inside.state;
        let parent = state.branch(repo, branch);
        let tree = parent.as_ref().map(|parent| {
            let commit = state.git.find_commit(git2::Oid::from_str(parent).unwrap()).unwrap();
            commit.tree_id().to_string()
        });
        let changes: BTreeMap<_, _> = files
            .iter()
            .map(|(path, text)| {
                let blob = text.map(|text| (0o100_644, state.blob(text.as_bytes())));
                ((*path).to_owned(), blob)
            })
            .collect();
        let tree = state.tree(tree.as_deref(), &changes).unwrap();
        let parents: Vec<_> = parent.into_iter().collect();
        let email = format!("{who}@example.org");
        let commit = state.commit(&tree, &parents, "Change by hand", (who, &email)).unwrap();
        state.set_ref(repo, &format!("refs/heads/{branch}"), Some(commit.clone()));
        commit
    }

    /// Commits files of any mode and content on a branch.
    pub fn push_raw(&self, repo: &str, branch: &str, files: &[(&str, i32, &[u8])]) -> String {
        let mut inside = self.inside();
        let state = &mut inside.state;
        let entries = files
            .iter()
            .map(|(path, mode, bytes)| ((*path).to_owned(), Some((*mode, state.blob(bytes)))));
        let changes: BTreeMap<_, _> = entries.collect();
        let tree = state.tree(None, &changes).unwrap();
        let commit = state.commit(&tree, &[], "Make it", ("ann", "ann@example.org")).unwrap();
        state.set_ref(repo, &format!("refs/heads/{branch}"), Some(commit.clone()));
        commit
    }

    /// Changes the last pull request of a repository.
    pub fn edit(&self, repo: &str, edit: impl FnOnce(&mut Pull)) {
        let mut inside = self.inside();
        edit(inside.state.repo_mut(repo).unwrap().pulls.last_mut().unwrap());
    }

    /// A person closes the last pull request.
    pub fn close(&self, repo: &str) {
        self.edit(repo, |pull| pull.state = PullState::Closed);
    }

    /// A person merges the last pull request: its files come onto the base.
    pub fn merge(&self, repo: &str) {
        let pull = self.pulls(repo).pop().unwrap();
        let mut inside = self.inside();
        inside
            .state
            .set_ref(repo, &format!("refs/heads/{}", pull.base), Some(pull.head_sha));
        inside.state.repo_mut(repo).unwrap().pulls.last_mut().unwrap().state = PullState::Merged;
    }

    /// Somebody comments on the last pull request.
    pub fn say(&self, repo: &str, who: &str, association: &'static str, body: &str) {
        let mut inside = self.inside();
        let (id, at) = (inside.state.id(), inside.state.tick());
        let comment = Comment {
            id,
            author: who.to_owned(),
            association,
            body: body.to_owned(),
            created_at: at,
            edited_at: None,
        };
        inside
            .state
            .repo_mut(repo)
            .unwrap()
            .pulls
            .last_mut()
            .unwrap()
            .comments
            .push(comment);
    }

    pub fn pulls(&self, repo: &str) -> Vec<Pull> {
        self.inside().state.repo(repo).unwrap().pulls.clone()
    }

    /// The texts of a branch's files; empty where there is no such branch.
    pub fn files(&self, repo: &str, branch: &str) -> BTreeMap<String, String> {
        self.inside().state.files(repo, branch)
    }

    pub fn branch(&self, repo: &str, branch: &str) -> Option<String> {
        self.inside().state.branch(repo, branch)
    }

    /// What two runs must agree on in the end: branches by content, pull requests by what they say.
    pub fn picture(&self, repo: &str) -> String {
        let inside = self.inside();
        let found = inside.state.repo(repo).unwrap();
        let mut out = String::new();
        for name in found.refs.keys() {
            let branch = name.strip_prefix("refs/heads/").unwrap();
            out.push_str(&format!("{branch}: {:?}\n", inside.state.files(repo, branch)));
        }
        for issue in &found.issues {
            let comments: Vec<_> = issue.comments.iter().map(|comment| &comment.body).collect();
            let state = if issue.is_open { "open" } else { "closed" };
            out.push_str(&format!(
                "#{} {state} {}\n{}\n{comments:?}\n",
                issue.number, issue.title, issue.body
            ));
        }
        for pull in &found.pulls {
            let comments: Vec<_> = pull.comments.iter().map(|comment| &comment.body).collect();
            out.push_str(&format!(
                "#{} {:?} {} {} <- {} labels {:?} reviewers {:?}\n{}\n{comments:?}\n",
                pull.number, pull.state, pull.title, pull.base, pull.head, pull.labels, pull.reviewers, pull.body
            ));
        }
        out
    }
}
