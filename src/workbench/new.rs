//! `lockstep rules new`: a rule and a case to start from.

use std::path::{Path, PathBuf};

use super::fault::Fault;
use super::{sets, update};
use crate::base::Release;

/// Where each file of the skeleton goes, and its text.
const SKELETON: &[(&str, &str)] = &[
    ("case.yaml", include_str!("../../fixtures/skeleton/case.yaml")),
    ("rules.yaml", include_str!("../../fixtures/skeleton/rules.yaml")),
    (
        "input/openshift-eng/ocp-build-data/group.yml",
        include_str!("../../fixtures/skeleton/group.yml"),
    ),
    (
        "input/openshift-eng/ocp-build-data/streams.yml",
        include_str!("../../fixtures/skeleton/streams.yml"),
    ),
    (
        "input/openshift-eng/ocp-build-data/images/sample.yml",
        include_str!("../../fixtures/skeleton/image.yml"),
    ),
    (
        "input/openshift/sample/Dockerfile.rhel9",
        include_str!("../../fixtures/skeleton/Dockerfile.rhel9"),
    ),
    (
        "input/openshift/release/ci-operator/config/openshift/sample/openshift-sample-release-{{release}}.yaml",
        include_str!("../../fixtures/skeleton/ci-operator.yaml"),
    ),
];

/// Makes the folder of a new case with a rule of that name in it; returns its files.
///
/// # Errors
/// The name is none for a rule, the folder is there already, or a file cannot be written.
pub fn new(name: &str, cases: &Path, release: Release) -> Result<Vec<PathBuf>, Fault> {
    let kebab = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.chars().all(kebab) || name.ends_with('-') {
        return Err(Fault::RuleName(name.to_owned()));
    }
    let dir = cases.join(name);
    if dir.exists() {
        return Err(Fault::Occupied(dir));
    }
    let mut written = Vec::new();
    for (file, text) in SKELETON {
        let path = dir.join(fill(file, name, release));
        let mut text = fill(text, name, release);
        // The schema is found where the case stands beside the shipped ones.
        if *file == "rules.yaml" && sets::builtin_folder().is_some() && cases == Path::new("fixtures/cases") {
            text.insert_str(0, "# yaml-language-server: $schema=../../../rules/schema.json\n");
        }
        update::write(&path, text.as_bytes())?;
        written.push(path);
    }
    Ok(written)
}

fn fill(text: &str, name: &str, release: Release) -> String {
    text.replace("{{name}}", name)
        .replace("{{release}}", &release.to_string())
        .replace("{{major}}", &release.major.to_string())
        .replace("{{minor}}", &release.minor.to_string())
}
