//! What the configuration says about pull requests on GitHub.

/// Options of the forge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Whose fork the branches are made in; `None`: in the repository itself.
    pub fork: Option<String>,
    /// The name that commits carry.
    pub name: String,
    /// The address that commits carry, by which ours are told from others'.
    pub email: String,
    /// Whether commits are signed off.
    pub sign_off: bool,
    /// Whether pull requests are opened as drafts.
    pub draft: bool,
    /// The labels that a new pull request gets.
    pub labels: Vec<String>,
    /// The labels that pause a pull request, beside those that always do.
    pub hold_labels: Vec<String>,
    /// Who is asked for a review; `owners` stands for the OWNERS files above what changes.
    pub reviewers: Vec<String>,
    /// Who is assigned.
    pub assignees: Vec<String>,
    /// The most pull requests that may be open in one organisation.
    pub max_open: usize,
    /// The most that may be opened in one organisation within an hour.
    pub max_new: usize,
}

/// The labels that always pause a pull request.
pub const HOLD: [&str; 2] = ["do-not-merge/hold", "lockstep/ignore"];

impl Default for Options {
    fn default() -> Self {
        Self {
            fork: None,
            name: "lockstep".into(),
            email: "lockstep@localhost".into(),
            sign_off: false,
            draft: false,
            labels: Vec::new(),
            hold_labels: Vec::new(),
            reviewers: Vec::new(),
            assignees: Vec::new(),
            max_open: 30,
            max_new: 10,
        }
    }
}

impl Options {
    /// Whether a label pauses a pull request.
    pub fn holds(&self, label: &str) -> bool {
        HOLD.contains(&label) || self.hold_labels.iter().any(|hold| hold == label)
    }

    /// `name <email>`, as trailers have it.
    pub fn who(&self) -> String {
        format!("{} <{}>", self.name, self.email)
    }

    /// Whether a new pull request gets more than its text.
    pub fn assigns(&self) -> bool {
        !(self.labels.is_empty() && self.reviewers.is_empty() && self.assignees.is_empty())
    }
}
