//! What a text means once it is read.

use std::path::Path;

use super::{FULL, LEAST, config};
use crate::base::{Release, RepoName};
use crate::config::*;
use crate::forge::github::Options;
use crate::github::Credential;
use crate::plan::Adopt;
use crate::source::Location;

#[test]
fn what_is_absent_has_its_default() {
    let config = config(LEAST);
    let release = Release::new(4, 16);
    assert_eq!(config.releases, Releases::List(vec![release]));
    assert_eq!(
        config.sources.build_data.repo(release),
        Location::Path("conf/bd".into())
    );
    assert_eq!(config.sources.build_data.branch(release), "openshift-4.16");
    assert_eq!(config.sources.ci_config, None);
    assert_eq!(config.sources.payload, None);
    assert_eq!(config.sources.components.via, Via::Git);
    assert_eq!(config.rules, [RuleSet::Builtin]);
    let targets: Vec<_> = config.targets.iter().map(|chosen| chosen.target.name).collect();
    assert_eq!(targets, ["prow-config"]);
    assert_eq!(config.forge, Forge::Local { dir: "conf/out".into() });
    assert_eq!(config.state, Path::new("conf/state"));
    assert_eq!(config.schedule, "0 */10 * * * *");
    assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
    assert_eq!((config.log, config.lease), (Log::Auto, None));
    assert_eq!(config.adopt, Adopt::default());
    assert_eq!(config.accept, []);
    assert_eq!(config.limits.removals, 10);
}

#[test]
fn every_key_is_read() {
    let config = config(FULL);
    let release = Release::new(4, 10);
    let etcd = RepoName {
        org: "openshift".into(),
        repo: "etcd".into(),
    };
    let sources = &config.sources;
    let at = |url: &str| Location::parse(url).unwrap();
    assert_eq!(
        sources.build_data.shared_repo(),
        Some(at("https://github.com/openshift-eng/ocp-build-data"))
    );
    assert_eq!(sources.build_data.release_of("openshift-4.10"), Some(release));
    assert_eq!(sources.build_data.release_of("openshift-4.10-konflux"), None);
    let ci_config = sources.ci_config.as_ref().unwrap();
    assert_eq!(ci_config.repo(), at("https://github.com/openshift/release"));
    assert_eq!(ci_config.branch.as_deref(), Some("master"));
    assert_eq!(ci_config.name().unwrap().to_string(), "openshift/release");
    assert_eq!(
        sources.components.repo(release, &etcd),
        Some(at("https://github.com/openshift/etcd"))
    );
    assert_eq!(
        sources.payload.as_ref().unwrap().image_references(release),
        PayloadFile::Oci("quay.io/okd/scos-release:4.10".into())
    );
    assert_eq!(config.releases, Releases::Auto);
    let paths = ["conf/rules/ours.yaml", "/etc/lockstep/rules"].map(|path| RuleSet::Path(path.into()));
    assert_eq!(config.rules, [&[RuleSet::Builtin], &paths[..]].concat());
    let credential = Credential::App {
        id: 1,
        key_file: "conf/app.pem".into(),
    };
    assert_eq!(
        config.forge,
        Forge::GitHub {
            api: "https://api.github.com".into(),
            credential,
            options: Box::new(Options {
                fork: Some("okd-bot".into()),
                draft: true,
                labels: vec!["okd".into()],
                max_new: 3,
                ..Options::default()
            }),
        }
    );
    let policy = config.policy("2026-01-31".parse().ok());
    assert_eq!(policy.adopt.components, ["openshift/etcd"]);
    assert_eq!(policy.adopt.releases, ["4.16", "4.17"]);
    let accepted = &policy.accept[0];
    assert_eq!(accepted.at.as_deref(), Some("lockstep.yaml:23"));
    assert_eq!(accepted.component.as_deref(), Some("openshift/etcd"));
    assert_eq!(
        accepted.release.as_deref(),
        Some("4.10"),
        "a number keeps its text: 4.10 is not 4.1"
    );
    assert_eq!(accepted.until, policy.today);
    assert_eq!(config.log, Log::Json);
    let lease = Lease {
        name: "lockstep".into(),
        namespace: Some("okd".into()),
        duration: 20,
    };
    assert_eq!(config.lease, Some(lease));
    assert_eq!(config.limits.removals, 3);
}

#[test]
fn more_than_this_machine_may_look_only_with_a_token_or_behind_a_proxy() {
    let with = |listen: &str, server: &str| format!("{LEAST}listen: '{listen}'\nserver: {server}\n");
    let conflicts = |text: &str| {
        let result = parse(text.as_bytes(), "lockstep.yaml", Path::new("conf"));
        let list = result.err().map(|faults| faults.list).unwrap_or_default();
        list.iter().filter(|fault| fault.code == Code::Conflict).count()
    };
    for (listen, server, faults) in [
        ("127.0.0.1:8080", "{}", 0),
        ("[::1]:8080", "{}", 0),
        ("0.0.0.0:8080", "{}", 1),
        ("[::]:8080", "{open-metrics: true}", 1),
        ("0.0.0.0:8080", "{token-env: TOKEN}", 0),
        ("0.0.0.0:8080", "{token-file: token}", 0),
        ("0.0.0.0:8080", "{auth: proxy}", 0),
        ("0.0.0.0:8080", "{auth: proxy, token-env: TOKEN}", 1),
    ] {
        assert_eq!(conflicts(&with(listen, server)), faults, "{listen} {server}");
    }
    let read = config(&with("127.0.0.1:1", "{token-file: t, webhook: {secret-env: S}}")).server;
    assert_eq!(read.access, Access::Token(Secret::File("conf/t".into())));
    assert_eq!(
        (read.webhook, read.open_metrics),
        (Some(Secret::Env("S".into())), false)
    );
    assert_eq!(config(LEAST).server.access, Access::Machine);
}

#[test]
fn a_component_cannot_lead_out_of_its_template() {
    let config = config("sources: {build-data: {repo: bd}, components: {repo: 'm/{release}/{org}/{repo}.git'}}\n");
    let at = |org: &str, repo: &str| {
        config.sources.components.repo(
            Release::new(4, 16),
            &RepoName {
                org: org.into(),
                repo: repo.into(),
            },
        )
    };
    assert_eq!(at("a", "b"), Some(Location::Path("conf/m/4.16/a/b.git".into())));
    assert_eq!(at("..", "b"), None);
    assert_eq!(at("a", "../../b"), None);
}

#[test]
fn a_file_is_read_with_paths_from_its_folder() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("lockstep.yaml");
    std::fs::write(&path, LEAST).unwrap();
    let config = load(&path).unwrap();
    assert_eq!(config.state, dir.path().join("state"));
    assert_eq!(
        check(&path).unwrap(),
        format!("{}: no faults (prow-config for 4.16)\n", path.display())
    );
    std::fs::write(&path, vec![b'#'; (1 << 20) + 1]).unwrap();
    assert!(load(&path).unwrap_err().to_string().contains("larger than"));
    let missing = load(&dir.path().join("absent.yaml")).unwrap_err().to_string();
    assert!(
        missing.contains("absent.yaml") && missing.contains("--config"),
        "{missing}"
    );
}

#[test]
fn the_demo_is_configured_without_faults() {
    let text = include_bytes!("../../../fixtures/demo/lockstep.yaml");
    let config = parse(text, "lockstep.yaml", Path::new("fixtures/demo")).unwrap_or_else(|faults| panic!("{faults}"));
    let ci_config = config.sources.ci_config.unwrap();
    assert_eq!(
        ci_config.repo(),
        Location::Path("fixtures/demo/repos/openshift/release".into())
    );
    assert_eq!(ci_config.name().unwrap().to_string(), "openshift/release");
}
