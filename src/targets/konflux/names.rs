//! Names and words that stand in runs and resources: which of them can.

use crate::derive::konflux::Konflux;

/// The longest name that labels and names of Kubernetes may have.
pub(super) const MAX_NAME: usize = 63;

/// Whether a text can stand in the map: on one line, without what Tekton or Pipelines as Code would fill in.
pub(super) fn is_line(text: &str) -> bool {
    let blank = text.chars().any(|c| c.is_whitespace() || c.is_control());
    !text.is_empty() && !blank && !text.contains("$(") && !text.contains("{{")
}

/// What is wrong with a word that stands in an expression and in parameters.
pub(super) fn word_fault(word: &str) -> Option<&'static str> {
    match word {
        _ if word.contains(['"', '\'', '\\']) => Some("quotes and backslashes would end what they stand in"),
        _ if word.chars().any(char::is_control) => Some("it has characters that nobody sees"),
        _ if word.contains("{{") || word.contains("$(") => Some("it would be taken for a placeholder"),
        _ => None,
    }
}

/// What is wrong with the name of the release's version, where components have versions.
pub(super) fn version_fault(konflux: &Konflux) -> Option<String> {
    if !konflux.has_versions.value {
        return None;
    }
    let version = konflux.version.value.as_str();
    if konflux.labels.value.version.is_empty() {
        return Some("components have versions, and no annotation names that of a run".to_owned());
    }
    let kept = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let fits = !version.is_empty() && version.chars().all(kept) && !version.starts_with('-') && !version.ends_with('-');
    (!fits).then(|| {
        format!(
            "Konflux would call version `{version}` something else: it keeps lower-case letters, digits and hyphens"
        )
    })
}

/// What is wrong with a name.
pub(super) fn name_fault(name: &str) -> Option<String> {
    if name.len() > MAX_NAME {
        let why = format!(
            "{} characters are more than the {MAX_NAME} that a name may have",
            name.len()
        );
        return Some(why);
    }
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let ends = name.starts_with(|c: char| c.is_ascii_lowercase()) && !name.ends_with('-');
    let fits = ends && name.chars().all(plain);
    (!fits).then(|| {
        "a name has lower-case letters, digits and hyphens, begins with a letter and ends with no hyphen".to_owned()
    })
}
