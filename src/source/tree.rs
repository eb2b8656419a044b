//! The id of a tree from what is in it.

/// One entry of a tree.
pub(super) struct Entry {
    /// Its mode, as git has it.
    pub mode: u32,
    /// Its name.
    pub name: String,
    /// Its object's id.
    pub oid: String,
}

/// The id that git gives to a tree of these entries; `None` where an entry's own id is none.
pub(super) fn id(mut entries: Vec<Entry>) -> Option<String> {
    // Git sorts a folder as if its name ended in a slash.
    let key = |entry: &Entry| format!("{}{}", entry.name, if entry.mode == 0o040_000 { "/" } else { "" }).into_bytes();
    entries.sort_by_cached_key(key);
    let mut bytes = Vec::new();
    for entry in &entries {
        bytes.extend_from_slice(format!("{:o} {}\0", entry.mode, entry.name).as_bytes());
        bytes.extend_from_slice(git2::Oid::from_str(&entry.oid).ok()?.as_bytes());
    }
    git2::Oid::hash_object(git2::ObjectType::Tree, &bytes)
        .ok()
        .map(|oid| oid.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::testing::TestRepo;
    use crate::source::{DirectorySnapshot, GitSnapshot, Snapshot};

    #[test]
    fn the_order_is_gits() {
        let entry = |mode, name: &str, digit: &str| Entry {
            mode,
            name: name.to_owned(),
            oid: digit.repeat(40),
        };
        let one = id(vec![entry(0o040_000, "a", "1"), entry(0o100_644, "a.b", "2")]);
        let other = id(vec![entry(0o100_644, "a.b", "2"), entry(0o040_000, "a", "1")]);
        assert_eq!(one, other);
        assert_eq!(id(vec![entry(0o100_644, "a", "x")]), None);
        // `git mktree` of no entries.
        assert_eq!(
            id(Vec::new()).as_deref(),
            Some("4b825dc642cb6eb9a060e54bf8d69288fbee4904")
        );
    }

    #[test]
    fn a_folder_has_the_id_that_git_gives_it() {
        let files = [("Dockerfile", "FROM a\n"), ("a.b/c", "1"), ("a/d", "2"), ("a/e/f", "3")];
        let repo = TestRepo::bare();
        let commit = repo.commit_files("main", &files);
        let git = GitSnapshot::new(git2::Repository::open(repo.path()).unwrap(), commit, "o/r", "main").unwrap();
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        std::fs::create_dir(folder.path().join("empty")).unwrap();
        let plain = DirectorySnapshot::open("o/r", folder.path()).unwrap();
        for dir in ["", "a", "a/e", "./a.b"] {
            let id = git.tree(dir).unwrap();
            assert!(id.is_some(), "{dir}");
            assert_eq!(plain.tree(dir).unwrap(), id, "{dir}");
        }
        assert_eq!(git.tree("none").unwrap(), None);
        assert!(git.tree("a/d").is_err() && plain.tree("a/d").is_err());
    }
}
