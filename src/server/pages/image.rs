//! An image's page: its unified config, where each value says why, and its drift side by side.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value as Json;

use super::diff::{self, Diff};
use super::{Moment, builds, links, matrix};
use crate::base::Release;
use crate::board::{ReleaseView, View};
use crate::finding::Finding;
use crate::model::build_config::{BuildConfig, Image, Input, Repository, RuleAt, Value};
use crate::plan::{Cause, FileChange, PullRequest};
use crate::server::standing::{Cell, Row, Standing, State, since};
use crate::yaml;

/// The page.
#[derive(Serialize)]
pub(super) struct ImagePage {
    key: String,
    tag: String,
    release: String,
    state: StateView,
    repository: String,
    repository_link: Option<String>,
    branch: Option<String>,
    commit: Option<String>,
    wave: Option<u32>,
    releases: Vec<ReleaseLink>,
    note: Option<String>,
    request: Option<RequestView>,
    fields: Vec<FieldView>,
    shared: Vec<FieldView>,
    built_from: Vec<ImageLink>,
    used_by: Vec<ImageLink>,
    builds: Option<builds::Told>,
    findings: Vec<FindingView>,
    files: Vec<FileView>,
}

#[derive(Serialize)]
struct StateView {
    class: &'static str,
    title: &'static str,
    age: String,
}

#[derive(Serialize)]
struct ReleaseLink {
    release: String,
    link: String,
    state: StateView,
    here: bool,
}

#[derive(Serialize)]
pub(super) struct RequestView {
    url: Option<String>,
    head: String,
    repo: String,
    state: &'static str,
    since: String,
    note: String,
}

/// One value and why it is so.
#[derive(Default, Serialize)]
struct FieldView {
    name: String,
    value: String,
    /// Whether the value has several lines.
    long: bool,
    /// What else is known of it, label and text.
    about: Vec<(&'static str, String)>,
    rules: Vec<RuleView>,
    from: Vec<String>,
}

#[derive(Serialize)]
struct RuleView {
    id: String,
    at: String,
}

#[derive(Serialize)]
struct ImageLink {
    tag: String,
    link: String,
}

#[derive(Serialize)]
pub(super) struct FindingView {
    pub severity: String,
    pub code: String,
    pub message: String,
    pub place: Option<String>,
    pub help: Option<String>,
}

#[derive(Serialize)]
struct FileView {
    path: String,
    repo: String,
    kind: String,
    target: String,
    age: String,
    notes: Vec<String>,
    causes: Vec<CauseView>,
    diff: Diff,
}

/// Why a field of a file differs.
#[derive(Serialize)]
struct CauseView {
    field: String,
    item: Option<String>,
    old: Option<String>,
    new: Option<String>,
    because: String,
    rule: String,
    rule_at: String,
}

impl From<&Cause> for CauseView {
    fn from(cause: &Cause) -> Self {
        Self {
            field: cause.field.clone(),
            item: cause.item.clone(),
            old: cause.old.clone(),
            new: cause.new.clone(),
            because: cause.because.clone(),
            rule: cause.rule.clone(),
            rule_at: cause.rule_at.clone(),
        }
    }
}

impl From<&Finding> for FindingView {
    fn from(finding: &Finding) -> Self {
        Self {
            severity: finding.severity.to_string(),
            code: finding.code.to_string(),
            message: finding.message.clone(),
            place: finding.place.as_ref().map(ToString::to_string),
            help: finding.help.clone(),
        }
    }
}

/// Where an image's newest release is shown.
pub(super) fn newest(view: &View, key: &str) -> Option<String> {
    let standing = Standing::only(view, |known| known == key);
    let (release, _) = standing.rows.first()?.cells.last_key_value()?;
    Some(links::image(key, &release.to_string()))
}

impl ImagePage {
    /// The page of an image in a release; `None`: there is no such image in it.
    pub(super) fn of(look: &Moment<'_>, key: &str, release: &str) -> Option<Self> {
        let release: Release = release.parse().ok()?;
        let standing = Standing::only(look.view, |known| known == key);
        let row = standing.rows.first()?;
        let cell = row.cells.get(&release)?;
        let shown = look.view.releases.get(&release)?;
        let config = shown.build_config.as_deref();
        let image = config.and_then(|config| config.images.get(key));
        let repository = image.map_or(row.repository, |image| &image.repository.value);
        let common = config.and_then(|config| config.repositories.get(&repository.parse().ok()?));
        let (built_from, used_by) = config.map(|config| neighbours(config, key)).unwrap_or_default();
        Some(Self {
            key: key.to_owned(),
            tag: image.map_or(row.tag, |image| &image.tag.value).to_owned(),
            release: release.to_string(),
            state: state(look, cell),
            repository: repository.to_owned(),
            repository_link: links::repository(repository),
            branch: image.map(|image| image.branch.value.clone()),
            commit: image.and_then(|image| image.commit.as_ref()?.get(..10).map(str::to_owned)),
            wave: image.and_then(|image| image.wave),
            releases: releases(look, row, release),
            note: note(cell, shown),
            request: request(look, cell),
            fields: image.map(fields).unwrap_or_default(),
            shared: common.map(shared).unwrap_or_default(),
            built_from,
            used_by,
            builds: builds::of_image(
                look,
                image.map_or(row.tag, |image| &image.tag.value),
                &release.to_string(),
            ),
            findings: findings(shown, key, row.tag),
            files: files(look, cell, shown, row.tag),
        })
    }
}

fn state(look: &Moment<'_>, cell: &Cell<'_>) -> StateView {
    StateView {
        class: matrix::class(cell.state),
        title: cell.state.title(),
        age: cell.since.map(|since| look.ago(since)).unwrap_or_default(),
    }
}

fn releases(look: &Moment<'_>, row: &Row<'_>, here: Release) -> Vec<ReleaseLink> {
    let link = |(release, cell): (&Release, &Cell<'_>)| ReleaseLink {
        release: release.to_string(),
        link: links::image(row.key, &release.to_string()),
        state: state(look, cell),
        here: *release == here,
    };
    row.cells.iter().map(link).collect()
}

fn note(cell: &Cell<'_>, shown: &ReleaseView) -> Option<String> {
    match (cell.state, cell.why, &shown.error) {
        (State::NotBuilt, Some(why), _) => Some(format!("Not built for OKD: {why}")),
        (State::Broken, Some(why), _) => Some(format!(
            "Its metadata cannot be read, so what is there stays as it is: {why}"
        )),
        (State::Broken, ..) => {
            Some("It could not be derived, so what is there stays as it is. The findings say why.".to_owned())
        }
        (State::Held, ..) => Some(
            "A file of it is kept as it is for now: it could not be compared, or waits for another change. The findings say which."
                .to_owned(),
        ),
        (_, _, Some(error)) => Some(format!("The last attempt to derive this release failed: {error}")),
        _ => None,
    }
}

fn request(look: &Moment<'_>, cell: &Cell<'_>) -> Option<RequestView> {
    let shown = cell.request?;
    Some(RequestView {
        url: shown.url.as_deref().and_then(links::web),
        head: shown.scope.head(),
        repo: shown.scope.repo.to_string(),
        state: shown.state.name(),
        since: look.ago(shown.since),
        note: shown.note.clone(),
    })
}

fn fields(image: &Image) -> Vec<FieldView> {
    let mut fields = vec![
        text("tag", &image.tag),
        text("repository", &image.repository),
        text("branch", &image.branch),
        text("dockerfile", &image.dockerfile),
        text("context_dir", &image.context_dir),
    ];
    fields.extend(image.base.as_ref().map(|base| input("base".to_owned(), base)));
    let builders = image.builders.iter().enumerate();
    fields.extend(builders.map(|(at, builder)| input(format!("builders[{at}]"), builder)));
    if let Some(go) = &image.go {
        fields.extend(go.version.as_ref().map(|version| text("go.version", version)));
        fields.extend(go.toolchain.as_ref().map(|toolchain| text("go.toolchain", toolchain)));
    }
    fields.extend(image.own_build_root.as_ref().map(|root| text("own_build_root", root)));
    fields.extend([
        json("build_args", &image.build_args),
        json("resources", &image.resources),
        json("prepare", &image.prepare),
        field("arches".to_owned(), &image.arches, image.arches.value.join(", ")),
    ]);
    fields
}

/// What the images of a repository have in common.
fn shared(repository: &Repository) -> Vec<FieldView> {
    let mut fields = Vec::new();
    fields.extend(repository.build_root.as_ref().map(|root| text("build_root", root)));
    fields.extend([
        json("promotion", &repository.promotion),
        json("releases", &repository.releases),
        json("resources", &repository.resources),
        json("tests", &repository.tests),
    ]);
    fields
}

fn field<T>(name: String, value: &Value<T>, text: String) -> FieldView {
    FieldView {
        name,
        long: text.contains('\n'),
        value: text,
        about: value
            .because
            .clone()
            .map(|because| ("because", because))
            .into_iter()
            .collect(),
        rules: value.rules.iter().map(RuleView::from).collect(),
        from: value.from.iter().map(ToString::to_string).collect(),
    }
}

impl From<&RuleAt> for RuleView {
    fn from(rule: &RuleAt) -> Self {
        Self {
            id: rule.id.to_string(),
            at: rule.at.to_string(),
        }
    }
}

fn text(name: &str, value: &Value<String>) -> FieldView {
    field(name.to_owned(), value, value.value.clone())
}

fn json(name: &str, value: &Value<Json>) -> FieldView {
    let text = match &value.value {
        Json::Null => String::new(),
        Json::String(text) => text.clone(),
        Json::Array(list) if list.is_empty() => String::new(),
        Json::Object(map) if map.is_empty() => String::new(),
        Json::Array(_) | Json::Object(_) => yaml::emit(&yaml::Node::from(&value.value)),
        other => other.to_string(),
    };
    field(name.to_owned(), value, text)
}

fn input(name: String, input: &Input) -> FieldView {
    let stage = input.stage.as_ref().map(|stage| ("stage", stage.clone()));
    let go = input.go.as_ref().map(|go| ("Go", go.clone()));
    let kept = (!input.replaced).then(|| ("not replaced", "the Dockerfile's own image is used".to_owned()));
    let fixed = [
        ("metadata", input.metadata.clone()),
        ("FROM", format!("{} · {}", input.written, input.at)),
    ];
    FieldView {
        about: fixed.into_iter().chain(stage).chain(go).chain(kept).collect(),
        ..field(name, &input.pullspec, input.pullspec.value.clone())
    }
}

/// What an image is built from, and what is built from it.
fn neighbours(config: &BuildConfig, key: &str) -> (Vec<ImageLink>, Vec<ImageLink>) {
    let parents = |image: &Image| -> BTreeSet<String> {
        let inputs = image.builders.iter().chain(&image.base);
        let copied = image.copies_from.iter().filter_map(|copied| copied.image.clone());
        inputs.filter_map(|input| input.image.clone()).chain(copied).collect()
    };
    let link = |key: &String| ImageLink {
        tag: config.images.get(key).map_or(key, |image| &image.tag.value).clone(),
        link: links::image(key, &config.release.to_string()),
    };
    let from = config.images.get(key).map(parents).unwrap_or_default();
    let by = config.images.iter().filter(|(_, image)| parents(image).contains(key));
    (from.iter().map(link).collect(), by.map(|(key, _)| link(key)).collect())
}

fn findings(shown: &ReleaseView, key: &str, tag: &str) -> Vec<FindingView> {
    let file = format!("images/{key}.yml");
    let concerns = |finding: &&Finding| {
        let image = finding.image.as_deref();
        let place = finding.place.as_ref().map(|place| place.file.as_str());
        image == Some(tag) || image == Some(key) || place == Some(file.as_str())
    };
    let mut found: Vec<&Finding> = shown.findings.iter().filter(concerns).collect();
    found.sort();
    found.dedup();
    found.into_iter().map(FindingView::from).collect()
}

fn files(look: &Moment<'_>, cell: &Cell<'_>, shown: &ReleaseView, tag: &str) -> Vec<FileView> {
    let file = |(request, file): &(&PullRequest, &FileChange)| FileView {
        path: file.path.clone(),
        repo: request.scope.repo.to_string(),
        kind: file.kind.to_string(),
        target: file.target.clone(),
        age: since(shown, request, file)
            .map(|since| look.ago(since))
            .unwrap_or_default(),
        notes: file.notes.clone(),
        causes: causes(file, tag),
        diff: diff::side_by_side(file),
    };
    cell.files.iter().map(file).collect()
}

/// The causes that concern the image, those of the whole file included.
fn causes(file: &FileChange, tag: &str) -> Vec<CauseView> {
    let concerns = |cause: &&Cause| cause.images.is_empty() || cause.images.iter().any(|image| image == tag);
    file.causes.iter().filter(concerns).map(CauseView::from).collect()
}
