//! Walks a path through a tree of any kind, so that links and `..` mean the same in all of them.

use std::borrow::Cow;

use super::ReadError;

/// How many symbolic links one path may go through.
const MAX_LINKS: usize = 16;

/// A tree that can be stepped through one entry at a time.
pub(super) trait Tree {
    /// A handle of a directory.
    type Dir: Clone;
    /// What is needed to read a file.
    type File;

    /// Why a step cannot be taken.
    type Error: std::fmt::Display;

    /// The tree's root.
    fn root(&self) -> Self::Dir;
    /// Yields what stands under a name (never empty, `.`, `..`, nor holding `/` or NUL) in a directory.
    fn child(&self, dir: &Self::Dir, name: &str) -> Stepped<Self>;
}

/// What a step into a directory leads to; `None` where nothing is.
pub(super) type Stepped<T> = Result<Option<Node<<T as Tree>::Dir, <T as Tree>::File>>, <T as Tree>::Error>;

/// What stands at a path.
pub(super) enum Node<D, F> {
    Dir(D),
    File(F),
    /// A symbolic link with its target's bytes.
    Link(Vec<u8>),
    /// A submodule, a device.
    Other,
}

/// What a path leads to in the end: never a link.
pub(super) struct Found<D, F> {
    pub(super) node: Node<D, F>,
    /// The path without links, `.` and `..`.
    pub(super) path: String,
}

/// What [`resolve`] finds in a tree.
pub(super) type FoundIn<T> = Found<<T as Tree>::Dir, <T as Tree>::File>;

/// Follows a path from the root. As in a file system, `..` after a link goes to the parent of what the link points at.
pub(super) fn resolve<T: Tree>(tree: &T, path: &str) -> Result<Option<FoundIn<T>>, ReadError> {
    let io = |message: String| ReadError::Io {
        path: path.to_owned(),
        message,
    };
    if path.contains('\0') {
        return Err(io("a path cannot hold a NUL byte".to_owned()));
    }
    if path.starts_with('/') {
        return Err(ReadError::LeavesTree(path.to_owned()));
    }
    let root = tree.root();
    let mut at: Vec<(String, T::Dir)> = Vec::new();
    let mut todo: Vec<Cow<'_, str>> = path.rsplit('/').map(Cow::Borrowed).collect();
    let mut links = 0;
    while let Some(name) = todo.pop() {
        match name.as_ref() {
            "" | "." => continue,
            ".." if at.pop().is_none() => return Err(ReadError::LeavesTree(path.to_owned())),
            ".." => continue,
            _ => {}
        }
        let dir = at.last().map_or(&root, |(_, dir)| dir);
        match tree.child(dir, &name).map_err(|error| io(error.to_string()))? {
            None => return nothing(&at, &todo, path),
            Some(Node::Dir(dir)) => at.push((name.into_owned(), dir)),
            Some(Node::Link(target)) => {
                links += 1;
                if links > MAX_LINKS {
                    return Err(ReadError::LinkLoop(path.to_owned()));
                }
                push_target(&mut todo, target, path)?;
            }
            Some(node) => return leaf(&at, &name, &todo, node, path),
        }
    }
    let path = join(&at, None);
    let dir = at.pop().map_or(root, |(_, dir)| dir);
    Ok(Some(Found {
        node: Node::Dir(dir),
        path,
    }))
}

/// Puts a link's target in front of what is still to walk.
fn push_target(todo: &mut Vec<Cow<'_, str>>, target: Vec<u8>, path: &str) -> Result<(), ReadError> {
    let io = |message: &str| ReadError::Io {
        path: path.to_owned(),
        message: message.to_owned(),
    };
    let target = String::from_utf8(target).map_err(|_| io("a symbolic link on the way is not UTF-8"))?;
    if target.contains('\0') {
        return Err(io("a symbolic link on the way holds a NUL byte"));
    }
    if target.starts_with('/') {
        return Err(ReadError::LeavesTree(path.to_owned()));
    }
    todo.extend(target.rsplit('/').map(|part| Cow::Owned(part.to_owned())));
    Ok(())
}

/// Ends a walk at an entry that is neither a directory nor a link.
fn leaf<D, F>(
    at: &[(String, D)],
    name: &str,
    todo: &[Cow<'_, str>],
    node: Node<D, F>,
    path: &str,
) -> Result<Option<Found<D, F>>, ReadError> {
    if todo.iter().all(|part| part.is_empty() || part == ".") {
        return Ok(Some(Found {
            node,
            path: join(at, Some(name)),
        }));
    }
    match node {
        // Below a submodule there may well be something; that it cannot be seen from here must not read as "nothing".
        Node::Other => Err(ReadError::WrongKind(join(at, Some(name)), "directory")),
        _ => nothing(at, todo, path),
    }
}

/// Ends a walk where nothing is; a path that would leave the tree is an error whether its first part exists or not.
fn nothing<D, F>(at: &[(String, D)], todo: &[Cow<'_, str>], path: &str) -> Result<Option<Found<D, F>>, ReadError> {
    let mut depth = at.len() + 1;
    for part in todo.iter().rev() {
        match part.as_ref() {
            "" | "." => {}
            ".." if depth == 0 => return Err(ReadError::LeavesTree(path.to_owned())),
            ".." => depth -= 1,
            _ => depth += 1,
        }
    }
    Ok(None)
}

fn join<D>(at: &[(String, D)], last: Option<&str>) -> String {
    let parts: Vec<&str> = at.iter().map(|(name, _)| name.as_str()).chain(last).collect();
    parts.join("/")
}
