//! Names and patterns of branches in jobs, as openshift/release's generator forms them.

use crate::base::RepoName;

/// The folder of all job files.
pub const ROOT: &str = "ci-operator/jobs";

/// Characters of a branch that is a name and no pattern.
fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')
}

/// A branch as file and job names have it: what a name cannot hold is left out, as is what it cannot start or end with.
pub fn label(branch: &str) -> String {
    let kept: String = branch.replace('/', "-").chars().filter(|c| is_plain(*c)).collect();
    match kept.trim_matches(['-', '.', '_']) {
        "" => "main".to_owned(),
        label => label.to_owned(),
    }
}

/// The pattern of exactly this branch. A branch that looks like a pattern is one already.
pub fn exactly(branch: &str) -> String {
    pattern(branch, "$")
}

/// The patterns of this branch and of those that start with its name and a dash, sorted and each once.
pub fn with_features(branch: &str) -> Vec<String> {
    let mut patterns = vec![exactly(branch), pattern(branch, "-")];
    patterns.sort();
    patterns.dedup();
    patterns
}

fn pattern(branch: &str, end: &str) -> String {
    if branch.is_empty() || !branch.chars().all(is_plain) {
        return branch.to_owned();
    }
    format!("^{}{end}", branch.replace('.', "\\."))
}

/// The time of day that the generator draws for a job from its name: a cron pattern between 22 and 4 o'clock.
pub fn daily(job: &str) -> String {
    // FNV-1, 32 bits.
    let hash = job.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        hash.wrapping_mul(0x0100_0193) ^ u32::from(byte)
    });
    format!("{} {} * * *", hash % 60, (22 + hash % 6) % 24)
}

/// The path of a branch's job file of one list.
pub fn path(repo: &RepoName, branch: &str, list: &str) -> String {
    let RepoName { org, repo } = repo;
    format!("{ROOT}/{org}/{repo}/{org}-{repo}-{}-{list}.yaml", label(branch))
}

/// The label of the branch that a job file is for, and its list; `None` where the name is none of a job file.
pub fn taken_apart<'f>(file: &'f str, repo: &RepoName, lists: &[&'static str]) -> Option<(&'f str, &'static str)> {
    let rest = file
        .strip_prefix(&format!("{}-{}-", repo.org, repo.repo))?
        .strip_suffix(".yaml")?;
    lists
        .iter()
        .find_map(|list| Some((rest.strip_suffix(list)?.strip_suffix('-')?, *list)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn branches_become_patterns_as_the_generator_makes_them() {
        assert_eq!(exactly("release-4.16"), r"^release-4\.16$");
        assert_eq!(with_features("main"), ["^main$", "^main-"]);
        assert_eq!(with_features("release-.*"), ["release-.*"], "a pattern already");
        assert_eq!(exactly("4.16+okd"), "4.16+okd");
    }

    #[test]
    fn a_time_of_day_follows_from_the_name() {
        // FNV-1 of the empty text is its offset, 2166136261.
        assert_eq!(daily(""), "1 23 * * *");
        // FNV-1 of "foobar" is 0x31f0b262.
        assert_eq!(
            daily("foobar"),
            format!("{} {} * * *", 0x31f0_b262_u32 % 60, (22 + 0x31f0_b262_u32 % 6) % 24)
        );
    }

    #[test]
    fn branches_become_parts_of_file_names() {
        let repo: RepoName = "org/repo".parse().expect("a name");
        assert_eq!(
            path(&repo, "release-4.16", "presubmits"),
            "ci-operator/jobs/org/repo/org-repo-release-4.16-presubmits.yaml"
        );
        assert_eq!(label("feature/x.*"), "feature-x");
        assert_eq!(label(".*"), "main");
        let lists = ["presubmits", "postsubmits", "periodics"];
        assert_eq!(
            taken_apart("org-repo-a-b-postsubmits.yaml", &repo, &lists),
            Some(("a-b", "postsubmits"))
        );
        assert_eq!(
            taken_apart("org-repo-a-periodics.yaml", &repo, &lists),
            Some(("a", "periodics"))
        );
        assert_eq!(taken_apart("org-repo-postsubmits.yaml", &repo, &lists), None);
        assert_eq!(taken_apart("OWNERS", &repo, &lists), None);
    }
}
