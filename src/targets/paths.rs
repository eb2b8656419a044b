//! Paths as people and build systems write them.

/// A path without `./` and doubled slashes; the root is empty.
pub(super) fn clean(path: &str) -> String {
    let parts = path.split('/').filter(|part| !part.is_empty() && *part != ".");
    parts.collect::<Vec<_>>().join("/")
}

/// The path of a Dockerfile as a build sees it: without `./`, below the context if it is there.
pub(super) fn below(dockerfile: &str, context: &str) -> String {
    let (dockerfile, context) = (clean(dockerfile), clean(context));
    match dockerfile
        .strip_prefix(&context)
        .and_then(|rest| rest.strip_prefix('/'))
    {
        Some(below) if !context.is_empty() => below.to_owned(),
        _ => dockerfile,
    }
}
