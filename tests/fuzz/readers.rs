//! Everything that reads what others wrote.

use std::io::Write as _;
use std::path::Path;

use lockstep::base::{Date, Release, RepoName};
use lockstep::facts::dockerfile::{Dockerfile, builds, copies, instructions};
use lockstep::facts::group::{self, Group};
use lockstep::facts::image::ImageMetadata;
use lockstep::facts::payload::{ImageReferences, ReleaseMetadata};
use lockstep::facts::{ci_config, ci_operator_yaml, ci_tags, gomod, stream};
use lockstep::yaml::edit::{How, documents, edit};
use lockstep::{config, github, rules, server, source, targets, yaml};

/// A reader.
pub struct Reader {
    /// Its name, and that of its folder in `fixtures/fuzz`.
    pub name: &'static str,
    /// Reads; what is wrong with what came of it.
    pub read: fn(&[u8]) -> Result<(), String>,
    /// Whether a file, by its path, is of its kind.
    pub wants: fn(&str) -> bool,
    /// Inputs that no file holds.
    pub made: fn() -> Vec<Vec<u8>>,
}

fn is_yaml(path: &str) -> bool {
    [".yaml", ".yml"].iter().any(|end| path.ends_with(end))
}

fn no_files() -> Vec<Vec<u8>> {
    Vec::new()
}

/// All readers.
pub static READERS: &[Reader] = &[
    Reader {
        name: "yaml",
        read: yaml_again,
        wants: |path| is_yaml(path) || path.ends_with(".json"),
        made: no_files,
    },
    Reader {
        name: "edit",
        read: edited,
        wants: is_yaml,
        made: no_files,
    },
    Reader {
        name: "tekton",
        read: tekton,
        wants: |path| path.contains("tekton") && is_yaml(path),
        made: || vec![b"kind: PipelineRun\nspec: {}\n".to_vec()],
    },
    Reader {
        name: "build-data",
        read: build_data,
        wants: |path| path.contains("build-data") && is_yaml(path),
        made: no_files,
    },
    Reader {
        name: "ci-config",
        read: configs,
        wants: |path| path.contains("ci-operator") && is_yaml(path),
        made: no_files,
    },
    Reader {
        name: "jobs",
        read: jobs,
        wants: |path| path.contains("jobs") && is_yaml(path),
        made: || vec![b"presubmits:\n  o/r:\n  - name: a\n    spec: {}\n".to_vec()],
    },
    Reader {
        name: "dockerfile",
        read: dockerfiles,
        wants: |path| path.to_ascii_lowercase().contains("dockerfile"),
        made: no_files,
    },
    Reader {
        name: "go.mod",
        read: modules,
        wants: |path| path.ends_with("go.mod"),
        made: no_files,
    },
    Reader {
        name: "image-references",
        read: references,
        wants: |path| path.contains("image-references"),
        made: || vec![b"kind: ImageStream\nspec: {tags: [{name: a, from: {name: b}}]}\n".to_vec()],
    },
    Reader {
        name: "rules",
        read: rule_files,
        wants: |path| path.contains("rules") && is_yaml(path),
        made: no_files,
    },
    Reader {
        name: "configuration",
        read: configuration,
        wants: |path| path.ends_with("lockstep.yaml"),
        made: no_files,
    },
    Reader {
        name: "webhook",
        read: webhooks,
        wants: |_| false,
        made: deliveries,
    },
    Reader {
        name: "github",
        read: answers,
        wants: |path| path.ends_with(".json"),
        made: deliveries,
    },
    Reader {
        name: "git",
        read: git,
        wants: |_| false,
        made: pack_lines,
    },
    Reader {
        name: "layer",
        read: layers,
        wants: |_| false,
        made: tars,
    },
    Reader {
        name: "names",
        read: names,
        wants: |_| false,
        made: || {
            [
                "quay.io/o/r:1@sha256:0",
                "openshift/release",
                "4.16",
                "2026-01-31",
                "1.21.3",
            ]
            .map(|text| text.as_bytes().to_vec())
            .into()
        },
    },
];

fn yaml_again(bytes: &[u8]) -> Result<(), String> {
    let Ok(nodes) = yaml::parse_all(bytes) else {
        return Ok(());
    };
    for node in nodes {
        let text = yaml::emit(&node);
        match yaml::parse(text.as_bytes()) {
            Ok(again) if again == node => {}
            Ok(_) => return Err(format!("what was written means something else: {text:?}")),
            Err(error) => return Err(format!("what was written cannot be read: {error}: {text:?}")),
        }
    }
    Ok(())
}

fn edited(bytes: &[u8]) -> Result<(), String> {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Ok(());
    };
    let how = How::default();
    let Ok(mut wanted) = documents(text, &how) else {
        return Ok(());
    };
    match edit(text, &wanted, &how) {
        Ok(same) if same == text => {}
        other => return Err(format!("a change of nothing changes it: {other:?}")),
    }
    // One more key: it is refused, or there, and nothing else is.
    if let Some(map) = wanted.first_mut().and_then(yaml::Node::as_map_mut) {
        map.insert("lockstep-fuzz", yaml::Node::string("x"));
        if let Ok(text) = edit(text, &wanted, &how)
            && documents(&text, &how).ok().as_ref() != Some(&wanted)
        {
            return Err(format!("a change means something else: {text:?}"));
        }
    }
    Ok(())
}

fn tekton(bytes: &[u8]) -> Result<(), String> {
    edited(bytes)
}

fn build_data(bytes: &[u8]) -> Result<(), String> {
    if let Ok(node) = yaml::parse(bytes) {
        let group = Group::read(&node);
        if let Ok(text) = std::str::from_utf8(bytes) {
            drop(group.substitute(text));
            drop(ImageMetadata::read(node.clone()).with_text(text));
        }
        drop(group::misprints(node.get("vars"), "group.yml"));
        drop(stream::read(&node));
    }
    Ok(())
}

fn configs(bytes: &[u8]) -> Result<(), String> {
    drop(ci_config::promotions(bytes));
    drop(ci_tags::read(bytes));
    drop(ci_operator_yaml::parse(bytes));
    Ok(())
}

fn jobs(bytes: &[u8]) -> Result<(), String> {
    targets::prow_jobs::read_as_jobs(bytes);
    Ok(())
}

fn dockerfiles(bytes: &[u8]) -> Result<(), String> {
    drop(Dockerfile::parse(bytes));
    drop((builds(bytes), copies(bytes)));
    if let Ok(text) = std::str::from_utf8(bytes) {
        drop(instructions(text));
    }
    Ok(())
}

fn modules(bytes: &[u8]) -> Result<(), String> {
    drop(gomod::parse(bytes));
    Ok(())
}

fn references(bytes: &[u8]) -> Result<(), String> {
    drop(ImageReferences::parse(bytes));
    drop(ReleaseMetadata::parse(bytes));
    Ok(())
}

fn rule_files(bytes: &[u8]) -> Result<(), String> {
    drop(rules::load::load("rules.yaml", bytes, None));
    Ok(())
}

fn configuration(bytes: &[u8]) -> Result<(), String> {
    if let Err(faults) = config::parse(bytes, "lockstep.yaml", Path::new(".")) {
        drop(faults.to_string());
    }
    Ok(())
}

fn webhooks(bytes: &[u8]) -> Result<(), String> {
    for event in ["push", "create", "pull_request", "issue_comment", "installation"] {
        server::delivered(event, bytes);
    }
    Ok(())
}

fn answers(bytes: &[u8]) -> Result<(), String> {
    for status in [200, 304, 403, 422, 500] {
        github::answered(status, bytes);
    }
    Ok(())
}

fn git(bytes: &[u8]) -> Result<(), String> {
    source::answers::git(bytes);
    Ok(())
}

fn layers(bytes: &[u8]) -> Result<(), String> {
    source::answers::layer(bytes);
    Ok(())
}

fn names(bytes: &[u8]) -> Result<(), String> {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(release) = text.parse::<Release>() {
        let again = release.to_string().parse::<Release>();
        if again != Ok(release) {
            return Err(format!("{text:?} is {release}, and that is {again:?}"));
        }
    }
    if let Ok(name) = text.parse::<RepoName>()
        && name.to_string().parse::<RepoName>().ok().as_ref() != Some(&name)
    {
        return Err(format!("{text:?} is {name}, and that is something else"));
    }
    drop(text.parse::<Date>());
    drop(lockstep::base::text::terminal(&text));
    Ok(())
}

fn deliveries() -> Vec<Vec<u8>> {
    let texts = [
        r#"{"ref":"refs/heads/release-4.16","before":"a","after":"b","deleted":false,"repository":{"full_name":"openshift/etcd"}}"#,
        r#"{"ref":"release-4.17","ref_type":"branch","repository":{"full_name":"openshift/etcd"}}"#,
        r#"{"action":"closed","pull_request":{"number":7,"head":{"ref":"lockstep/ci/4.16"},"base":{"ref":"master"}},"repository":{"full_name":"openshift/release"}}"#,
        r#"{"action":"created","issue":{"number":7,"pull_request":{}},"comment":{"body":"/lockstep take"},"repository":{"full_name":"openshift/release"}}"#,
        r#"{"data":{"repository":{"ref":null}},"errors":[{"type":"NOT_FOUND","message":"x","path":["a",1]}]}"#,
        r#"{"message":"Validation Failed","errors":[{"message":"x"},"y"]}"#,
    ];
    texts.map(|text| text.as_bytes().to_vec()).into()
}

fn pack_lines() -> Vec<Vec<u8>> {
    let line = |text: &str| format!("{:04x}{text}", text.len() + 4);
    let oid = "0123456789abcdef0123456789abcdef01234567";
    let v2 = [
        line("# service=git-upload-pack\n"),
        "0000".into(),
        line("version 2\n"),
        line("fetch=shallow filter\n"),
        "0000".into(),
    ]
    .concat();
    let v0 = [
        line(&format!("{oid} HEAD\0symref=HEAD:refs/heads/main side-band-64k\n")),
        line(&format!("{oid} refs/heads/main\n")),
        "0000".into(),
    ]
    .concat();
    let refs = [
        line(&format!("{oid} refs/heads/main symref-target:refs/heads/x\n")),
        "0000".into(),
    ]
    .concat();
    let pack = [
        line("shallow-info\n"),
        line(&format!("shallow {oid}\n")),
        "0001".into(),
        line("packfile\n"),
        line("\x01PACK"),
        line("\x02remote: x\n"),
        "0000".into(),
    ]
    .concat();
    [v2, v0, refs, pack].map(String::into_bytes).into()
}

fn tars() -> Vec<Vec<u8>> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, text) in [
        ("release-manifests/image-references", "{\"kind\": \"ImageStream\"}"),
        ("etc/x", "y"),
        ("release-manifests/.wh.old", ""),
    ] {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_cksum();
        builder.append_data(&mut header, name, text.as_bytes()).unwrap();
    }
    let plain = builder.into_inner().unwrap();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&plain).unwrap();
    let zstd = ruzstd::encoding::compress_to_vec(plain.as_slice(), ruzstd::encoding::CompressionLevel::Fastest);
    vec![plain, gzip.finish().unwrap(), zstd]
}
