//! Paths of a tree: what they come to, and which paths and names may be written at all.

use super::RepoName;

/// Says why a path must not be written in a repository, or `None` where it may.
pub fn path_fault(path: &str) -> Option<&'static str> {
    if path.is_empty() {
        return Some("it is empty");
    }
    if path.contains(['\0', '\n', '\\']) || path.chars().any(char::is_control) {
        return Some("it has a backslash or a control character");
    }
    path.split('/').find_map(|segment| match segment {
        "" if path.starts_with('/') => Some("it is absolute"),
        "" => Some("it has an empty segment"),
        "." | ".." => Some("it has a `.` or `..` segment"),
        s if is_dot_git(s) => Some("it reaches into `.git`"),
        _ => None,
    })
}

/// What a path comes to from the root: without `.` and empty segments, with `..` resolved; `None` where it leads out.
pub fn within(path: &str) -> Option<String> {
    let mut segments = Vec::new();
    for segment in segments_of(path) {
        match segment {
            ".." => drop(segments.pop()?),
            segment => segments.push(segment),
        }
    }
    Some(segments.join("/"))
}

/// The same where nothing is above the root, as in a container: `..` leads nowhere there.
pub fn from_root(path: &str) -> String {
    let mut segments = Vec::new();
    for segment in segments_of(path) {
        match segment {
            ".." => drop(segments.pop()),
            segment => segments.push(segment),
        }
    }
    segments.join("/")
}

/// The segments of a path that lead anywhere.
pub fn segments_of(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|segment| !matches!(*segment, "" | "."))
}

/// `.git` in every writing that a file system may take for it.
fn is_dot_git(segment: &str) -> bool {
    let trimmed = segment.trim_end_matches(['.', ' ']);
    trimmed.eq_ignore_ascii_case(".git")
        || trimmed.eq_ignore_ascii_case("git~1")
        || segment.get(..5).is_some_and(|s| s.eq_ignore_ascii_case(".git:"))
}

/// Says why a repository's name cannot be one, or `None` where it can.
pub fn name_fault(name: &RepoName) -> Option<&'static str> {
    [&name.org, &name.repo]
        .into_iter()
        .find_map(|part| match part.as_str() {
            "" => Some("a part of the name is empty"),
            p if p.starts_with('.') => Some("a part of the name starts with a dot"),
            p if !p.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)) => {
                Some("a name has letters, digits, `-`, `_` and `.` only")
            }
            _ => None,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_inside() {
        for bad in [
            "",
            "/etc/passwd",
            "../x",
            "a/../b",
            "a//b",
            "a/",
            ".git/config",
            "a/.GIT/x",
            "a/.git./x",
            "git~1/x",
            "a\\b",
            "a\nb",
            "./a",
        ] {
            assert!(path_fault(bad).is_some(), "{bad:?}");
        }
        for good in [
            "a",
            "a/b.yaml",
            ".gitignore",
            ".tekton/x.yaml",
            "ci-operator/config/a/b/..c.yaml",
        ] {
            assert_eq!(path_fault(good), None, "{good:?}");
        }
    }

    #[test]
    fn paths_come_to_what_they_lead_to() {
        for (path, inside, rooted) in [
            ("", Some(""), ""),
            ("./a//b/.", Some("a/b"), "a/b"),
            ("/a/../b/c/..", Some("b"), "b"),
            ("a/..", Some(""), ""),
            ("..", None, ""),
            ("a/../../b", None, "b"),
        ] {
            assert_eq!(within(path).as_deref(), inside, "{path:?}");
            assert_eq!(from_root(path), rooted, "{path:?}");
        }
    }

    #[test]
    fn names_are_plain() {
        let name = |org: &str, repo: &str| RepoName {
            org: org.into(),
            repo: repo.into(),
        };
        assert_eq!(name_fault(&name("openshift", "release")), None);
        for (org, repo) in [("", "a"), ("a", ".."), ("a/b", "c"), ("a", "b c"), (".git", "x")] {
            assert!(name_fault(&name(org, repo)).is_some(), "{org}/{repo}");
        }
    }
}
