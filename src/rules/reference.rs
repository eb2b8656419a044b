//! The tables of the language reference (`rules/README.md`), made from what the engine knows.

use std::fmt::Write as _;

use serde_json::Value as Json;

use super::diagnostic::{CODES, HELD};
use super::expr::FUNCTIONS;
use super::sample;
use super::subject::Subject;
use crate::facts::view::Key;
use crate::facts::{image, stream};

/// The tables by the name that their place in the reference has.
pub fn tables() -> Vec<(&'static str, String)> {
    vec![
        ("fields", fields()),
        ("variables", variables()),
        ("functions", functions()),
        ("codes", codes()),
    ]
}

/// Puts the tables into a text, between `<!-- NAME -->` and `<!-- end NAME -->`.
///
/// # Errors
/// The name of a table that has no place.
pub fn fill(text: &str) -> Result<String, &'static str> {
    tables().into_iter().try_fold(text.to_owned(), |text, (name, table)| {
        let (start, end) = (format!("<!-- {name} -->\n"), format!("<!-- end {name} -->"));
        let from = text.find(&start).map(|at| at + start.len()).ok_or(name)?;
        let to = text[from..].find(&end).map(|at| at + from).ok_or(name)?;
        Ok(format!("{}\n{table}\n{}", &text[..from], &text[to..]))
    })
}

fn fields() -> String {
    let mut out = String::from("| `on` | field | form | what it decides |\n|---|---|---|---|\n");
    for subject in Subject::ALL {
        for field in subject.fields() {
            let list = if field.kind.is_list() { " (`append`)" } else { "" };
            let (subject, form) = (subject.name(), field.kind.expected());
            let _ = writeln!(out, "| {subject} | `{}`{list} | {form} | {} |", field.name, field.doc);
        }
    }
    out
}

fn functions() -> String {
    let mut out = String::from("| function | what it is |\n|---|---|\n");
    for (name, doc) in FUNCTIONS {
        let _ = writeln!(out, "| `{name}` | {} |", doc.replace('|', "\\|"));
    }
    out
}

fn codes() -> String {
    let mut out = String::from("| code | what is wrong |\n|---|---|\n");
    for (code, doc) in CODES.iter().chain(HELD) {
        let _ = writeln!(out, "| `{code}` | {doc} |");
    }
    out
}

/// Which rules see a variable, what it holds, an example, and where it comes from.
struct Row {
    on: &'static str,
    path: &'static str,
    example: &'static str,
    from: &'static str,
}

const fn row(on: &'static str, path: &'static str, example: &'static str, from: &'static str) -> Row {
    Row {
        on,
        path,
        example,
        from,
    }
}

/// What the engine itself makes; what files say comes from [`image::KEYS`] and [`stream::KEYS`].
const MADE: &[Row] = &[
    row("all", "release", "`'4.16'`", "the release that is derived"),
    row("all", "major", "`4`", "the release that is derived"),
    row("all", "minor", "`16`", "the release that is derived"),
    row(
        "all",
        "vars",
        "`vars.GO_LATEST` is `'1.21'`",
        "`vars` of group.yml, all of them texts",
    ),
    row(
        "all",
        "group.arches",
        "`['x86_64', 'aarch64']`",
        "`arches` of group.yml",
    ),
    row(
        "all",
        "group.phase",
        "`'release'`",
        "`software_lifecycle.phase` of group.yml; empty: it is not said",
    ),
    row(
        "all",
        "group.okd",
        "`group.okd.enabled` is `true` unless said",
        "`okd` of group.yml as it is, and `enabled`; test other keys with `has`",
    ),
    row(
        "all but payload",
        "payload.registry",
        "`'registry.example.com'`",
        "rules on payload",
    ),
    row("all but payload", "payload.namespace", "`'okd'`", "rules on payload"),
    row("all but payload", "payload.name", "`'okd-4.16'`", "rules on payload"),
    row("all but payload", "payload.variant", "`'okd'`", "rules on payload"),
    row(
        "all but payload",
        "payload.source_namespace",
        "`'ocp'`",
        "rules on payload",
    ),
    row("all but payload", "payload.source_name", "`'4.16'`", "rules on payload"),
    row(
        "all but payload",
        "payload.tags",
        "`payload.tags['etcd'].commit`",
        "the last payload by tag, `{pullspec, repository, commit}` each; empty without `sources.payload`",
    ),
    row(
        "all but payload",
        "payload.wanted_by",
        "`'etcd' in payload.wanted_by`",
        "by tag the operators' `image-references` that name it, a list of `{repository, file, line, shipped}`",
    ),
    row(
        "image",
        "image",
        "`image.okd_alignment.tag_name`",
        "the image's file, see below",
    ),
    row(
        "image",
        "tag",
        "`'oc'`",
        "rules on image that set `tag`; empty while `needed`, `from` and `tag` are decided",
    ),
    row(
        "image, target",
        "model",
        "`'versions'`",
        "rules on target that set `model`; empty in what Konflux's target does not ask",
    ),
    row(
        "image",
        "metadata",
        "`metadata.konflux.network_mode`",
        "the image's whole file as it is, for keys that `image` lacks: test with `has`",
    ),
    row(
        "member",
        "member",
        "`member.okd_alignment.tag_name`",
        "the image that others are built from, as `image` below",
    ),
    row(
        "stream",
        "stream",
        "`stream.upstream_image`",
        "the stream's entry, see below",
    ),
    row(
        "input",
        "image",
        "`image.key`",
        "the image whose FROM it is, as `image` below",
    ),
    row(
        "input",
        "input.kind",
        "`'stream'`",
        "what metadata names for a FROM: `member`, `stream` or `image`; for another line `copy` (`COPY --from`), `mount` or `run`",
    ),
    row(
        "input",
        "input.name",
        "`'golang'`",
        "its name in metadata; empty: it has none",
    ),
    row(
        "input",
        "input.builder",
        "`true`",
        "whether it is a builder, or the base",
    ),
    row("input", "input.index", "`0`", "its place among the FROM lines"),
    row(
        "input",
        "input.stage",
        "`'builder'`",
        "the stage's name in the Dockerfile, or empty",
    ),
    row(
        "input",
        "input.written",
        "`'registry.example.com/golang:1.21'`",
        "what the line names, ARGs substituted",
    ),
    row(
        "input",
        "input.pullspec",
        "`'registry.example.com/golang:okd'`",
        "what rules on member and stream resolved it to, in the first of `spellings`",
    ),
    row(
        "config, job",
        "repo.org",
        "`'openshift'`",
        "the repository of the config",
    ),
    row("config, job", "repo.name", "`'oc'`", "the repository of the config"),
    row(
        "config, job",
        "repo.full",
        "`'openshift/oc'`",
        "the repository of the config",
    ),
    row(
        "config, job",
        "repo.branch",
        "`'release-4.16'`",
        "the branch that the release is built from",
    ),
    row(
        "config",
        "images",
        "`images.exists(i, i.tag == 'oc')`",
        "the images of the config, each as `image` below",
    ),
    row(
        "job",
        "repo.label",
        "`'release-4.16'`",
        "the branch as names of jobs have it",
    ),
    row("job", "repo.exact", "a regular expression", "the branch and no other"),
    row(
        "job",
        "repo.patterns",
        "list of regular expressions",
        "the branch, and branches whose names start with it",
    ),
    row("job", "config.variant", "`'okd'`", "the config's name"),
    row(
        "job",
        "config.from_repository",
        "`false`",
        "whether the config's `build_root` is `from_repository`",
    ),
    row(
        "job",
        "config.checkout",
        "`['Dockerfile']`",
        "the files that a job reads of the repository: Dockerfiles, and the one that names the build root; sorted",
    ),
    row(
        "job",
        "config.build_if_affected",
        "`false`",
        "whether images are built only where they are affected",
    ),
    row(
        "job",
        "config.builds",
        "`true`",
        "whether anything is built before a test runs",
    ),
    row("job", "config.releases", "`true`", "whether the config has `releases`"),
    row(
        "job",
        "config.signal",
        "`'4.21'`",
        "the version of the candidate that `releases.latest` is; empty: it is none",
    ),
    row(
        "job",
        "config.path_alias",
        "`'k8s.io/x'`",
        "`canonical_go_repository` of the config",
    ),
    row(
        "job",
        "config.additional_images",
        "`['x']`",
        "`additional_images` of the config's promotion",
    ),
    row(
        "job",
        "config.promotes_to",
        "`['origin']`",
        "the namespaces that images are promoted to now",
    ),
    row(
        "job",
        "config.promotion_cron",
        "`'@daily'`",
        "`promotion.cron` of the config",
    ),
    row(
        "job",
        "config.prowgen",
        "`config.prowgen.private`",
        "`prowgen` of the config; what it does not set is false",
    ),
    row(
        "job",
        "job.kind",
        "`'test'`",
        "what the job is for: `images`, `promotion`, `test` or `bundle`",
    ),
    row(
        "job",
        "job.runs",
        "`'presubmit'`",
        "what starts it: `presubmit`, `postsubmit` or `periodic`",
    ),
    row(
        "job",
        "job.test",
        "`'e2e'`",
        "the test's name with its shard, `images`, or a bundle's",
    ),
    row("job", "job.short", "`'okd-e2e'`", "the same after the config's variant"),
    row(
        "job",
        "test.as",
        "`'e2e'`",
        "the test in the config; what the job is for says what it has of `images` or a bundle",
    ),
    row("job", "test.always_run", "`true`", "the test in the config"),
    row("job", "test.optional", "`false`", "the test in the config"),
    row("job", "test.run_if_changed", "`'^pkg/'`", "the test in the config"),
    row(
        "job",
        "test.skip_if_only_changed",
        "`'^docs/'`",
        "the test in the config",
    ),
    row(
        "job",
        "test.pipeline_run_if_changed",
        "`'^pkg/'`",
        "the test in the config",
    ),
    row(
        "job",
        "test.pipeline_skip_if_only_changed",
        "`'^docs/'`",
        "the test in the config",
    ),
    row(
        "job",
        "test.skip_branches",
        "list of regular expressions",
        "the test in the config",
    ),
    row(
        "job",
        "test.capabilities",
        "`['intranet']`",
        "what the test, or the build of the images, asks of its cluster",
    ),
    row(
        "job",
        "test.architecture",
        "`'arm64'`",
        "`node_architecture` of the test",
    ),
    row(
        "job",
        "test.max_concurrency",
        "`3`",
        "the test in the config; null: it does not say",
    ),
    row("job", "test.reports", "`true`", "whether there is a `reporter_config`"),
    row(
        "job",
        "test.reporter",
        "`{'channel': '#okd', 'states': ['failure'], 'template': ''}`",
        "`reporter_config` of the test or the images",
    ),
    row(
        "job",
        "test.rehearsed",
        "`true`",
        "whether the test lets itself be rehearsed",
    ),
    row(
        "job",
        "test.profile",
        "`'aws'`",
        "`cluster_profile` of the test's steps, or of their workflow",
    ),
    row("job", "test.workflow", "`'ipi'`", "`workflow` of the test's steps"),
    row(
        "job",
        "test.cloud",
        "`'aws'`",
        "what openshift/release says that the profile is of; empty: nothing",
    ),
    row("job", "test.steps", "`true`", "whether the test has steps"),
    row("job", "test.cluster", "`'build05'`", "the test in the config"),
    row(
        "job",
        "test.timeout",
        "`'3h0m0s'`",
        "the test in the config, as the generator writes it",
    ),
    row("job", "test.postsubmit", "`false`", "the test in the config"),
    row(
        "job",
        "test.presubmit",
        "`false`",
        "whether a test that runs by the clock runs on pull requests, too",
    ),
    row(
        "job",
        "test.periodic",
        "`false`",
        "whether the test runs by the clock; on pull requests it may, too",
    ),
    row("job", "test.cron", "`'@daily'`", "the test in the config"),
    row("job", "test.interval", "`'24h'`", "the test in the config"),
    row("job", "test.minimum_interval", "`'24h'`", "the test in the config"),
    row("job", "test.release_controller", "`false`", "the test in the config"),
    row("job", "test.claim", "`false`", "whether the test has a `cluster_claim`"),
    row(
        "job",
        "test.retry",
        "`{'attempts': 2}`",
        "the test in the config; null: it has none",
    ),
    row(
        "job",
        "test.secrets",
        "`['oil']`",
        "names of the test's secrets on CI's clusters",
    ),
    row(
        "job",
        "test.managed_secrets",
        "`false`",
        "whether the test has secrets of a bundle or collection",
    ),
    row(
        "job",
        "test.requests",
        "`{'cpu': '100m'}`",
        "what `resources` of the config request for the test",
    ),
    row("job", "test.shard", "`1`", "the number of the shard"),
    row("job", "test.shards", "`3`", "how many shards the test has"),
    row("job", "there.exists", "`true`", "whether the job is there already"),
    row("job", "there.cluster", "`'build05'`", "the cluster of the job as it is"),
    row(
        "job",
        "there.max_concurrency",
        "`1`",
        "how many of the job run at once; null: it does not say",
    ),
    row("job", "there.skip_report", "`false`", "the job as it is"),
    row(
        "job",
        "there.reporter",
        "a mapping",
        "`reporter_config` of the job as it is; null: it has none",
    ),
    row(
        "job",
        "peers.cluster",
        "`'build05'`",
        "the cluster of the job that `peer` names; empty: there is none",
    ),
    row(
        "job",
        "peers.profile",
        "`['build05']`",
        "the clusters of jobs with the same profile, those of most jobs first",
    ),
    row(
        "job",
        "parts.name",
        "as the field's",
        "rules on job that set `name`; for `pod` and `body`",
    ),
    row(
        "job",
        "parts.cluster",
        "as the field's",
        "rules on job that set `cluster`; for `pod` and `body`",
    ),
    row(
        "job",
        "parts.cloud",
        "as the field's",
        "rules on job that set `cloud`; for `labels`, `pod` and `body`",
    ),
    row(
        "job",
        "parts.always_run",
        "as the field's",
        "rules on job that set `always_run`; for `pod` and `body`",
    ),
    row(
        "job",
        "parts.optional",
        "as the field's",
        "rules on job that set `optional`; for `pod` and `body`",
    ),
    row(
        "job",
        "parts.image",
        "as the field's",
        "rules on job that set `image`; for `pod` and `body`",
    ),
    row(
        "job",
        "parts.args",
        "as the field's",
        "rules on job that set `args`; for `pod` and `body`",
    ),
    row(
        "job",
        "parts.labels",
        "as the field's",
        "rules on job that set `labels`; for `pod` and `body`",
    ),
    row(
        "job",
        "parts.env",
        "as the field's",
        "rules on job that set `env`; for `pod` and `body`",
    ),
    row(
        "job",
        "parts.ports",
        "as the field's",
        "rules on job that set `ports`; for `pod` and `body`",
    ),
    row(
        "job",
        "parts.mounts",
        "as the field's",
        "rules on job that set `mounts`; for `pod` and `body`",
    ),
    row(
        "job",
        "parts.volumes",
        "as the field's",
        "rules on job that set `volumes`; for `pod` and `body`",
    ),
    row(
        "job",
        "parts.decoration",
        "as the field's",
        "rules on job that set `decoration`; for `pod` and `body`",
    ),
    row(
        "job",
        "parts.reporter",
        "as the field's; null: none",
        "rules on job that set `reporter`; for `pod` and `body`",
    ),
    row(
        "job",
        "parts.daily",
        "`'7 23 * * *'`",
        "the time of day that the repository's generator draws from the job's name; for `body`",
    ),
    row(
        "job",
        "parts.pod",
        "as the field's",
        "rules on job that set `pod`; for `pod` and `body`",
    ),
    row("target", "target", "`'prow-config'`", "the target that is rendered"),
    row("tag", "tag.name", "`'etcd'`", "the tag"),
    row(
        "tag",
        "tag.built_by",
        "`['etcd']`",
        "keys of the images that are built for it",
    ),
    row(
        "tag",
        "tag.wanted_by",
        "`['openshift/cluster-etcd-operator']`",
        "repositories whose operators ask for it in a release",
    ),
    row(
        "tag",
        "tag.for_payload",
        "`true`",
        "whether an image that is built for it is `for_payload`",
    ),
    row(
        "tag",
        "tag.needed_by",
        "`'ose-etcd'`",
        "the key of an image that is built from or with it, or empty",
    ),
    row("tag", "tag.in_last", "`true`", "whether the last payload has it"),
    row(
        "builder",
        "builder.name",
        "`'builder-go1.21'`",
        "rules on input that set `builder_here`",
    ),
    row(
        "builder",
        "builder.go",
        "`'1.21'`",
        "the Go version of what it stands for; empty: none, or several",
    ),
    row(
        "builder",
        "builder.pullspecs",
        "`['registry.example.com/golang:1.21']`",
        "the images that it stands for",
    ),
    row(
        "failure",
        "failure.step",
        "`'etcd'`",
        "the step of ci-operator's graph: of an image's build, its tag",
    ),
    row(
        "failure",
        "failure.reason",
        "`'DockerBuildFailed'`",
        "the reason of an OpenShift Build, or empty",
    ),
    row(
        "failure",
        "failure.text",
        "`failure.text.contains('no route to host')`",
        "what the step said, its end",
    ),
    row("finding", "finding.code", "`'stage-count'`", "the finding"),
    row(
        "finding",
        "finding.severity",
        "`'error'`",
        "the finding: `error`, `warning` or `note`",
    ),
    row(
        "finding",
        "finding.family",
        "`'metadata'`",
        "the family of its code; empty: it is not registered",
    ),
    row(
        "finding",
        "finding.component",
        "`'openshift/etcd'`",
        "the repository that it concerns, or empty",
    ),
    row(
        "finding",
        "finding.image",
        "`'etcd'`",
        "the payload tag of the image that it concerns, or empty",
    ),
    row(
        "finding",
        "finding.held",
        "`true`",
        "whether that image could not be derived",
    ),
    row(
        "finding",
        "finding.own_dockerfile",
        "`true`",
        "whether OKD builds that image from another Dockerfile than OCP",
    ),
];

/// What the engine adds to an image's file.
const ADDED: &[Row] = &[
    row(
        "image",
        "image.key",
        "`'openshift-enterprise-cli'`",
        "the file's name without `.yml`",
    ),
    row(
        "image",
        "image.used_as_builder",
        "`false`",
        "whether any image names it as a builder",
    ),
    row(
        "image",
        "image.source.repository",
        "`'openshift/oc'`",
        "`content.source.git` through `public_upstreams` of group.yml; empty: none on GitHub",
    ),
    row(
        "member, input, config",
        "image.tag",
        "`'cli'`",
        "rules on image that set `tag`",
    ),
    row(
        "member, input, config",
        "image.build_root",
        "`{'stream': 'golang'}`",
        "rules on image that set `build_root`",
    ),
    row(
        "stream",
        "stream.name",
        "`'golang'`",
        "the stream's name in streams.yml",
    ),
];

fn variables() -> String {
    let mut out = String::from("| on | variable | type | example | where it comes from |\n|---|---|---|---|---|\n");
    for row in MADE.iter().chain(ADDED) {
        let _ = writeln!(
            out,
            "| {} | `{}` | {} | {} | {} |",
            row.on,
            row.path,
            type_of(row),
            row.example,
            row.from
        );
    }
    for (on, name, file, keys) in [
        ("image", "image", "images/<key>.yml", image::KEYS),
        ("stream", "stream", "streams.yml", stream::KEYS),
    ] {
        for key in keys {
            let example = example(key);
            let unused = image::WITHOUT_RULE
                .iter()
                .find(|(view, _)| on == "image" && *view == key.view);
            let unused = unused.map_or(String::new(), |(_, why)| format!("; no built-in rule uses it: {why}"));
            let _ = writeln!(
                out,
                "| {on} | `{name}.{}` | {} | {example} | `{}` of {file}{unused} |",
                key.view,
                form(key),
                key.file
            );
        }
    }
    out
}

fn type_of(row: &Row) -> &'static str {
    let subject = Subject::ALL
        .into_iter()
        .find(|subject| row.on.split(", ").any(|on| on == subject.name()));
    let sample = sample::variables(subject.unwrap_or(Subject::Image));
    let mut path = row.path.split('.');
    // Rules on member see an image as `member`, those on config in a list; the table names it `image` once.
    let root = path.next().unwrap_or_default();
    let first = sample.get(root).or_else(|| sample.get("member"));
    path.try_fold(first, |value, name| Some(value?.get(name)))
        .flatten()
        .map_or("text", kind)
}

fn kind(value: &Json) -> &'static str {
    match value {
        Json::Bool(_) => "true or false",
        Json::Number(_) => "number",
        Json::Array(_) => "list",
        Json::Object(_) => "mapping",
        _ => "text",
    }
}

fn form(key: &Key) -> &'static str {
    use crate::facts::view::Form;
    match key.form {
        Form::Text => "text",
        Form::Bool(_) => "true or false",
        Form::Texts => "list of texts",
        Form::Maps => "list of mappings",
        Form::Map => "mapping",
        Form::Reference => "`{member\\|stream\\|image: name}`, or empty",
        Form::From => "the same, and `builder` with a list of such",
    }
}

/// What a key's value looks like when a file has it; when it has none, texts, lists and mappings are empty.
fn example(key: &Key) -> String {
    use crate::facts::view::Form;
    match key.form {
        Form::Bool(default) => format!("`{default}` unless said"),
        Form::Text => match key.view.rsplit('.').next().unwrap_or_default() {
            "name" => "`'openshift/ose-cli'`",
            "payload_name" | "tag_name" => "`'cli'`",
            "mode" => "`'disabled'`",
            "dockerfile" => "`'build/Dockerfile'`",
            "path" | "context_dir" => "`'images/cli'`",
            "url" => "`'git@github.com:openshift-priv/oc.git'`",
            "web" => "`'https://github.com/openshift/oc'`",
            "branch" => "`'release-4.16'`",
            "image" | "upstream_image" => "`'registry.example.com/ocp/builder:base'`",
            "run_if_changed" | "skip_if_only_changed" => "`'^pkg/'`",
            _ => "`'a text'`",
        }
        .to_owned(),
        Form::Texts => match key.view.rsplit('.').next().unwrap_or_default() {
            "arches" => "`['x86_64']`",
            "aliases" => "`['golang']`",
            _ => "`['baseos-rpms']`",
        }
        .to_owned(),
        Form::Maps if key.view.ends_with("build_args") => "`[{'name': 'TAGS', 'value': 'x'}]`".to_owned(),
        Form::Maps => "`[{'id': 'a', 'baseurl': 'https://…'}]`".to_owned(),
        Form::Map => "`{'requests': {'cpu': '1'}}`".to_owned(),
        Form::Reference => "`{'stream': 'golang'}`".to_owned(),
        Form::From => "`{'member': 'base', 'builder': [{'stream': 'golang'}]}`".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All variables of the sample world that are not parts of a file's view.
    fn leaves(subject: Subject) -> Vec<String> {
        let mut found = Vec::new();
        for (name, value) in sample::variables(subject) {
            match value {
                Json::Object(map)
                    if [
                        "payload", "group", "input", "repo", "config", "job", "test", "there", "peers", "parts", "tag",
                        "builder", "finding", "failure",
                    ]
                    .contains(&name.as_str()) =>
                {
                    found.extend(map.keys().map(|key| format!("{name}.{key}")));
                }
                _ => found.push(name.clone()),
            }
        }
        found
    }

    #[test]
    fn every_variable_that_rules_see_is_in_the_table() {
        for subject in Subject::ALL {
            for leaf in leaves(subject) {
                let known = MADE.iter().any(|row| {
                    row.path == leaf
                        && (row.on.split(", ").any(|on| on == subject.name())
                            || row.on == "all"
                            || (row.on == "all but payload" && subject != Subject::Payload))
                });
                assert!(known, "{leaf} on {}", subject.name());
            }
        }
    }

    #[test]
    fn every_variable_of_the_table_exists() {
        for row in MADE.iter().chain(ADDED) {
            let all = row.on.starts_with("all");
            let subjects = Subject::ALL
                .into_iter()
                .filter(|s| row.on.split(", ").any(|on| on == s.name()) || (all && *s == Subject::Image));
            for subject in subjects {
                let path: Vec<String> = row.path.split('.').map(str::to_owned).collect();
                let as_member = subject == Subject::Member || subject == Subject::Config;
                let known = sample::check_path(subject, &path).is_ok() || (as_member && path[0] == "image");
                assert!(known, "{} on {}", row.path, subject.name());
            }
        }
    }

    /// Puts the rules of cases between `<!-- case NAME -->` and `<!-- end case -->`.
    fn with_examples(text: &str) -> String {
        let mut parts = text.split("<!-- case ");
        let mut out = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (name, rest) = part.split_once(" -->").expect("a closed comment");
            let (_, rest) = rest.split_once("<!-- end case -->").expect("an end");
            let path = format!("{}/fixtures/cases/{name}/rules.yaml", env!("CARGO_MANIFEST_DIR"));
            let rules = std::fs::read_to_string(&path).expect(&path);
            let head = |line: &&str| line.starts_with('#') || *line == "rules:";
            let shown: Vec<&str> = rules.lines().skip_while(head).collect();
            let shown = shown.join("\n");
            let _ = write!(
                out,
                "<!-- case {name} -->\n```yaml\n{shown}\n```\n<!-- end case -->{rest}"
            );
        }
        out
    }

    /// Compares a file with what is wanted; with LOCKSTEP_UPDATE=1 it is written instead.
    fn agree(file: &str, wanted: impl Fn(&str) -> String) {
        let path = format!("{}/{file}", env!("CARGO_MANIFEST_DIR"));
        let there = std::fs::read_to_string(&path).expect(file);
        let wanted = wanted(&there);
        if std::env::var_os("LOCKSTEP_UPDATE").is_some() {
            std::fs::write(&path, &wanted).expect("written");
        } else if there != wanted {
            panic!("{file} is behind; run this test with LOCKSTEP_UPDATE=1 to write it anew");
        }
    }

    #[test]
    fn every_key_of_okds_stanzas_is_used_or_said_to_be_unused() {
        let files: Vec<(String, Vec<u8>)> = crate::run::rule_files::BUILTIN
            .iter()
            .map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec()))
            .collect();
        let texts: String = files.iter().map(|(_, text)| String::from_utf8_lossy(text)).collect();
        for key in image::KEYS {
            let stanza = key.view.starts_with("okd_") || key.view.starts_with("konflux_");
            // Rules see an image as `image`, `member`, or as an item of a list.
            let used = regex::Regex::new(&format!(r"[a-z\]]\.{}\b", regex::escape(key.view))).expect("a pattern");
            let said = image::WITHOUT_RULE.iter().any(|(view, _)| *view == key.view);
            if stanza {
                assert_ne!(
                    used.is_match(&texts),
                    said,
                    "{}: either a rule uses it or WITHOUT_RULE says why not",
                    key.view
                );
            }
        }
        for (view, _) in image::WITHOUT_RULE {
            assert!(image::KEYS.iter().any(|key| key.view == *view), "{view} is no key");
        }
    }

    #[test]
    fn the_reference_and_the_engine_agree() {
        agree("rules/README.md", |text| {
            with_examples(&fill(text).expect("a place for every table"))
        });
    }

    #[test]
    fn the_schema_beside_the_rules_is_the_one_that_is_printed() {
        let schema = crate::rules::schema::schema();
        let wanted = format!("{}\n", serde_json::to_string_pretty(&schema).expect("JSON"));
        agree("rules/schema.json", |_| wanted.clone());
    }
}
