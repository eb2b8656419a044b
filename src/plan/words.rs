//! Words that stand for a rule where a file as a whole comes, goes or changes.

/// The field of causes that speak for a whole file.
pub const WHOLE_FILE: &str = "file";
/// The rule id of a new file whose target gave no cause; in a policy it names every new file.
pub const NEW_FILE: &str = "new-file";
/// The rule id of a removal whose target gave no cause; in a policy it names every removal.
pub const REMOVED_FILE: &str = "removed-file";
/// The rule id of a change whose target gave no cause.
pub const OTHER_CHANGE: &str = "other-change";
/// The rule named by the cause of an entry that goes because nothing refers to it any more.
pub const UNREFERENCED: &str = "unreferenced";
