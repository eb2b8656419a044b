//! Dockerfiles of OKD's own that fell behind those of OCP that they were made from.

use std::collections::BTreeSet;

use super::unnamed::plain;
use crate::audit::Sink;
use crate::audit::check::{Check, Need, nothing};
use crate::audit::context::{Context, Twin};
use crate::base::{Place, RepoName};
use crate::derive::{Image, Release, Standing};
use crate::facts::dockerfile::{Instruction, instructions};
use crate::finding::Severity::{Note, Warning};
use crate::finding::{Code, Family, Finding};

static BEHIND: Code = Code {
    name: "dockerfile-behind",
    family: Family::Files,
    severity: Warning,
    title: "a Dockerfile for OKD fell behind OCP's",
    means: "OCP's Dockerfile of the image got or lost a stage, FROM, COPY or RUN since the two were last changed together, and \
            OKD's did not follow. OKD's image lacks something, or has what OCP's no longer has.",
    action: "Make the same change in OKD's Dockerfile, or change both in one pull request to say that they are even.",
    example: "beacon: Dockerfile.okd was last changed with Dockerfile at 0123456789; since then that has `COPY a /a`",
    fix: None,
};

static NOT_JUDGED: Code = Code {
    name: "behind-not-judged",
    family: Family::Files,
    severity: Note,
    title: "whether a Dockerfile for OKD fell behind cannot be told",
    means: "That needs the history of the repository, and what is here of it does not go back far enough.",
    action: "Give `sources.components` a path with whole clones, or accept it.",
    example: "beacon: whether Dockerfile.okd fell behind Dockerfile cannot be told: the history that is here is shallow",
    fix: None,
};

/// The check.
pub static CHECK: Check = Check {
    codes: &[&BEHIND, &NOT_JUDGED],
    needs: &[Need::History],
    asks: nothing,
    run,
};

/// An image's Dockerfile of OKD's own and OCP's, where there are two.
pub struct Pair {
    /// The image's key.
    pub key: String,
    /// The repository.
    pub repo: RepoName,
    /// The branch.
    pub branch: String,
    /// OKD's Dockerfile.
    pub file: String,
    /// OCP's.
    pub twin: String,
}

/// The images that OKD builds from another Dockerfile than OCP.
pub fn pairs(release: &Release<'_>) -> Vec<Pair> {
    let derived = release
        .images
        .values()
        .filter(|image| image.standing == Standing::Derived);
    derived.filter_map(pair).collect()
}

fn pair(image: &Image) -> Option<Pair> {
    let text = |key: &str| image.view["source"][key].as_str().unwrap_or_default();
    let name = Some(text("dockerfile"))
        .filter(|name| !name.is_empty())
        .unwrap_or("Dockerfile");
    let (file, twin) = (plain(&image.dockerfile), plain(&format!("{}/{name}", text("path"))));
    (file != twin).then(|| Pair {
        key: image.key.clone(),
        repo: image
            .repository
            .value
            .clone()
            .expect("a derived image has a repository"),
        branch: image.branch.clone(),
        file,
        twin,
    })
}

fn run(context: &Context<'_>, sink: &mut Sink) {
    let (release, Some(twins)) = (context.release, context.twins) else {
        return;
    };
    for pair in pairs(release) {
        let Some(image) = release.images.get(&pair.key) else {
            continue;
        };
        let finding = match twins.get(&pair.key) {
            Some(Twin::Apart { commit, then, now, okd }) => behind(&pair, commit, &Changes::between(then, now, okd)),
            Some(Twin::Unknown(why)) => {
                let text = format!(
                    "{}: whether {} fell behind {} cannot be told: {why}",
                    pair.key, pair.file, pair.twin
                );
                Some(NOT_JUDGED.finding(text).with_cause(why.clone()))
            }
            // Without OCP's file there is nothing to fall behind.
            Some(Twin::Gone) | None => None,
        };
        if let Some(finding) = finding {
            let origin = image.origin.as_ref();
            let place = Place {
                repo: pair.repo.to_string(),
                commit: origin.and_then(|origin| origin.commit.clone()),
                file: pair.file.clone(),
                line: Some(1),
            };
            let finding = finding.with_place(place).with_image(image.tag.value.clone());
            sink.add(finding.with_component(pair.repo.to_string()));
        }
    }
}

/// What OCP's Dockerfile got and lost that OKD's did not.
#[derive(Default)]
struct Changes {
    got: Vec<String>,
    lost: Vec<String>,
}

impl Changes {
    fn between(then: &str, now: &str, okd: &str) -> Self {
        let [then, now, okd] = [then, now, okd].map(shown);
        let mine: BTreeSet<&String> = okd.iter().collect();
        let fresh = |one: &&String| !then.contains(one) && !mine.contains(one);
        // Bases differ on purpose: another FROM counts where OKD's still has the one that OCP's had.
        let (froms, rest): (Vec<&String>, Vec<&String>) = now.iter().filter(fresh).partition(|one| is_from(one));
        let lost: Vec<String> = then
            .iter()
            .filter(|one| !now.contains(one) && mine.contains(one))
            .cloned()
            .collect();
        let moved = lost.iter().any(|one| is_from(one)) || count(&now) > count(&then).max(count(&okd));
        let froms = froms.into_iter().filter(|_| moved);
        Self {
            got: froms.chain(rest).cloned().collect(),
            lost,
        }
    }
}

fn is_from(instruction: &str) -> bool {
    instruction.starts_with("FROM ")
}

fn count(instructions: &[String]) -> usize {
    instructions.iter().filter(|one| is_from(one)).count()
}

/// The instructions that count, spaces made even; none of a file that is no Dockerfile.
fn shown(text: &str) -> Vec<String> {
    let counts = |one: &Instruction| ["FROM", "COPY", "ADD", "RUN"].contains(&one.keyword.as_str());
    let all = instructions(text).unwrap_or_default();
    let even = |one: Instruction| {
        let words: Vec<&str> = one.rest.split_whitespace().collect();
        format!("{} {}", one.keyword, words.join(" "))
    };
    all.into_iter().filter(counts).map(even).collect()
}

fn behind(pair: &Pair, commit: &str, changes: &Changes) -> Option<Finding> {
    let mut parts = Vec::new();
    parts.extend(listed("has", &changes.got));
    parts.extend(listed("no longer has", &changes.lost));
    if parts.is_empty() {
        return None;
    }
    let text = format!(
        "{}: {} was last changed with {} at {}; since then that {}",
        pair.key,
        pair.file,
        pair.twin,
        commit.get(..10).unwrap_or(commit),
        parts.join(" and ")
    );
    let help = format!(
        "git log -p {}..{} -- {}",
        commit.get(..10).unwrap_or(commit),
        pair.branch,
        pair.twin
    );
    Some(
        BEHIND
            .finding(text)
            .with_help(format!("see `{help}`, and make the same change in {}", pair.file)),
    )
}

fn listed(verb: &str, instructions: &[String]) -> Option<String> {
    const LENGTH: usize = 60;
    let first = instructions.first()?;
    let cut: String = first.chars().take(LENGTH).collect();
    let dots = if cut.len() < first.len() { "…" } else { "" };
    let more = match instructions.len() - 1 {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Some(format!("{verb} `{cut}{dots}`{more}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(then: &str, now: &str, okd: &str) -> (Vec<String>, Vec<String>) {
        let changes = Changes::between(then, now, okd);
        (changes.got, changes.lost)
    }

    #[test]
    fn what_the_twin_got_and_lost_since_counts_where_okd_did_not_follow() {
        let then = "FROM ocp\nRUN a\nCOPY x /x\n";
        let now = "FROM ocp\nRUN a && \\\n  b\nLABEL l=1\nCOPY y /y\n";
        assert_eq!(
            told(then, now, "FROM okd\nRUN a\nCOPY x /x\nCOPY y /y\n"),
            (
                vec!["RUN a && b".to_owned()],
                vec!["RUN a".to_owned(), "COPY x /x".to_owned()]
            )
        );
        assert_eq!(told(then, now, "FROM okd\nRUN a && b\nCOPY  y  /y\n"), (vec![], vec![]));
        assert_eq!(
            told(then, then, "FROM okd\n"),
            (vec![], vec![]),
            "what was different before is on purpose"
        );
    }

    #[test]
    fn another_from_counts_where_okd_has_the_old_one_or_a_stage_is_new() {
        let then = "FROM go:1.20 AS b\nFROM ocp\n";
        let now = "FROM go:1.21 AS b\nFROM ocp\n";
        assert_eq!(told(then, now, "FROM go:okd AS b\nFROM okd\n"), (vec![], vec![]));
        let (got, lost) = told(then, now, "FROM go:1.20 AS b\nFROM okd\n");
        assert_eq!(
            (got, lost),
            (
                vec!["FROM go:1.21 AS b".to_owned()],
                vec!["FROM go:1.20 AS b".to_owned()]
            )
        );
        let (got, _) = told(
            then,
            "FROM go:1.20 AS b\nFROM node AS n\nFROM ocp\n",
            "FROM mine AS b\nFROM okd\n",
        );
        assert_eq!(got, ["FROM node AS n"]);
    }
}
