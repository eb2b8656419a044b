//! Modifications of a Dockerfile whose text no longer occurs in it.

use serde_json::Value as Json;

use super::references::at;
use crate::audit::Sink;
use crate::audit::check::{Asked, Check, Need};
use crate::audit::context::{Context, FileText};
use crate::base::RepoName;
use crate::derive::{DerivedImage, Release};
use crate::doozer::merge;
use crate::doozer::modify::short;
use crate::finding::Severity::Warning;
use crate::finding::{Code, Family, Subject};
use crate::model::metadata::Metadata;
use crate::yaml::Node;

static NO_MATCH: Code = Code {
    name: "modification-without-match",
    family: Family::Metadata,
    severity: Warning,
    title: "a modification's text does not occur in the Dockerfile that it is for",
    means: "A `replace` of `content.source.modifications` looks for a text of the Dockerfile, and it is not there: the build stops. \
            Either the Dockerfile has changed, or OKD has one of its own and takes over OCP's modifications.",
    action: "Adapt or remove the modification; where OKD has a Dockerfile of its own, give it `okd.content.source.modifications` \
             (`[]` for none).",
    example: "beacon: `RUN make art` does not occur in Dockerfile.okd, for which `content.source.modifications` replaces it",
    fix: None,
};

/// The check.
pub static CHECK: Check = Check::new(&[&NO_MATCH], &[Need::Files], run).asking(asks);

/// The key of an image's modifications.
const MODIFICATIONS: &str = "content.source.modifications";

/// Modifications and the file that they are for.
struct Job<'m> {
    repo: &'m RepoName,
    branch: &'m str,
    path: String,
    key: String,
    modifications: &'m [Node],
}

fn asks(release: &Release<'_>) -> Vec<Asked> {
    let jobs = release.images.values().flat_map(|image| jobs(release.metadata, image));
    jobs.map(|job| Asked {
        repo: job.repo.clone(),
        branch: job.branch.to_owned(),
        path: job.path,
    })
    .collect()
}

fn run(context: &Context<'_>, sink: &mut Sink) {
    let Some(files) = context.files else { return };
    for image in context.release.images.values() {
        for job in jobs(context.metadata(), image) {
            if let Some(FileText::Text(text)) = files.text(job.repo, &job.path) {
                judge(context, image, &job, text, sink);
            }
        }
    }
}

/// What OCP modifies, and what OKD's Konflux build does where the `okd` stanza has a part in it.
fn jobs<'m>(metadata: &'m Metadata, image: &'m DerivedImage) -> Vec<Job<'m>> {
    let Some(node) = metadata.images.get(&image.key).map(|image| &image.node) else {
        return Vec::new();
    };
    let Some(repo) = image.repository.value.as_ref().filter(|_| !image.branch.is_empty()) else {
        return Vec::new();
    };
    let list = |key: &str| at(node, key).and_then(Node::as_seq);
    let (ocp, okd) = (Json::from(node), merge::image(node).config);
    let (ocp, okd) = (merge::dockerfile(&ocp), merge::dockerfile(&okd));
    // What counts for OKD after the merge, and the key that says it.
    let counts = merge::origin(node, MODIFICATIONS).and_then(|(key, list)| Some((key, list.as_seq()?)));
    let job = |path: &str, key: String, modifications: &'m [Node]| Job {
        repo,
        branch: &image.branch,
        path: path.to_owned(),
        key,
        modifications,
    };
    let own = list(MODIFICATIONS).map(|list| job(&ocp, MODIFICATIONS.to_owned(), list));
    let of_okd = counts
        .filter(|(key, _)| ocp != okd || key != MODIFICATIONS)
        .map(|(key, list)| job(&okd, key, list));
    own.into_iter().chain(of_okd).collect()
}

/// Makes the modifications one after the other, as the build does.
fn judge(context: &Context<'_>, image: &DerivedImage, job: &Job<'_>, text: &str, sink: &mut Sink) {
    let mut text = text.to_owned();
    for modification in job.modifications {
        let said = |key: &str| modification.get(key).and_then(Node::text);
        let (Some("replace"), Some(wanted)) = (said("action"), said("match")) else {
            continue;
        };
        if text.contains(wanted) {
            text = text.replace(wanted, said("replacement").unwrap_or_default());
            continue;
        }
        let message = format!(
            "{}: `{}` does not occur in {}, for which `{}` replaces it",
            image.key,
            short(wanted),
            job.path,
            job.key
        );
        let place = context
            .metadata()
            .place(Metadata::image_file(&image.key), Some(modification.pos.line));
        let finding = NO_MATCH
            .finding(message)
            .with_place(place)
            .with_image(image.tag.value.clone())
            .with_component(job.repo.to_string())
            .with_subject(Subject::Name(wanted.to_owned()))
            .with_help("adapt or remove the modification, or give OKD modifications of its own (`[]` for none)");
        sink.add(finding);
    }
}
