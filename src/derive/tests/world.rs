//! A small world in memory, for the tests of what is derived and rendered from it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::{Origin, RepoName};
use crate::derive::complete::complete;
use crate::derive::outline::{Input, Outline};
use crate::derive::payload::Demand;
use crate::derive::{Branches, Component, Components, ReadFile, Release, RepoBranches};
use crate::facts::ci_config::Promotion;
use crate::facts::dockerfile::Dockerfile;
use crate::facts::group::Group;
use crate::facts::image::ImageMetadata;
use crate::facts::{gomod, stream};
use crate::model::go::GoNeed;
use crate::model::metadata::Metadata;
use crate::plan::Policy;
use crate::rules::RuleSet;
use crate::run::rule_files::BUILTIN;
use crate::targets::door::Memo;
use crate::targets::{Actual, Ask, Options, Rendered, prow_config};
use crate::yaml;
use crate::yaml::keys::NO_OPTIONS;

/// Metadata, components and configs of release 4.16, everything in memory.
pub struct World {
    pub rules: RuleSet,
    pub metadata: Metadata,
    pub components: Components,
    pub branches: Option<Branches>,
    /// Files of the target by path.
    pub files: BTreeMap<String, Arc<[u8]>>,
    pub unreadable: BTreeMap<String, String>,
    pub policy: Policy,
    /// What was read of the payload and of what operators ask of it.
    pub demand: Demand,
}

const GROUP: &str = "\
arches: [x86_64]
public_upstreams:
- {private: 'https://github.com/openshift-priv', public: 'https://github.com/openshift'}
";

const STREAMS: &str = "\
golang: {image: 'art/golang:1', upstream_image: 'registry.ci.openshift.org/ocp/builder:golang-1.21', aliases: [go]}
rhel-9-golang: {image: 'art/golang:9', upstream_image: 'registry.ci.openshift.org/openshift/release:golang-9'}
base: {image: 'art/base:9', upstream_image: 'registry.ci.openshift.org/origin/base:stream9'}
";

impl World {
    /// A world without images, with the built-in rules.
    pub fn new() -> Self {
        let group = Group::read(&yaml::parse(GROUP.as_bytes()).expect("the group"));
        let (streams, faults) = stream::read(&yaml::parse(STREAMS.as_bytes()).expect("the streams"));
        assert_eq!(faults, []);
        let release = "4.16".parse().expect("a release");
        let mut world = Self {
            rules: rules(&[]),
            metadata: Metadata::new(release, origin("openshift-eng/ocp-build-data"), group, streams),
            components: Components::new(),
            branches: Some(Branches::new()),
            files: BTreeMap::new(),
            unreadable: BTreeMap::new(),
            policy: Policy::default(),
            demand: Demand::default(),
        };
        world.metadata.origin.branch = "openshift-4.16".to_owned();
        world
    }

    /// Adds an image's file as it is.
    pub fn metadata(mut self, key: &str, text: &str) -> Self {
        let node = yaml::parse(text.as_bytes()).expect("an image's file");
        self.metadata.images.insert(key.to_owned(), ImageMetadata::read(node));
        self
    }

    /// Adds a payload image of `openshift/<repo>` with the Dockerfile `<key>.Dockerfile`. `from` is metadata's `from`
    /// in flow style; `froms` are the lines of the Dockerfile.
    pub fn image(self, key: &str, repo: &str, from: &str, froms: &str) -> Self {
        self.image_with(key, repo, from, froms, "")
    }

    /// The same with more of `okd_alignment`, in flow style.
    pub fn image_with(self, key: &str, repo: &str, from: &str, froms: &str, alignment: &str) -> Self {
        let text = format!(
            "name: openshift/ose-{key}\npayload_name: {key}\nfor_payload: true\nfrom: {from}\ncontent:\n  source:\n    \
             dockerfile: {key}.Dockerfile\n    git:\n      url: git@github.com:openshift-priv/{repo}.git\n      \
             branch: {{target: release-4.16}}\n    okd_alignment: {{{alignment}}}\n"
        );
        self.metadata(key, &text)
            .dockerfile(repo, &format!("{key}.Dockerfile"), froms)
    }

    /// Adds a Dockerfile, its repository and the branch that promotes.
    pub fn dockerfile(mut self, repo: &str, path: &str, text: &str) -> Self {
        let name = repo_name(repo);
        let component = self.components.entry(name.clone()).or_insert_with(|| {
            Ok(Component {
                origin: origin(&format!("openshift/{repo}")),
                dockerfiles: BTreeMap::new(),
                oids: BTreeMap::from([("/".to_owned(), format!("tree of {repo}"))]),
                others: None,
                go: BTreeMap::new(),
                ci_operator: None,
                faults: Vec::new(),
            })
        });
        let file = match Dockerfile::parse(text.as_bytes()) {
            Ok(file) => ReadFile::Found(file),
            Err(error) => ReadFile::Broken(Some(error.line), error.message),
        };
        let component = component.as_mut().expect("a component");
        component.oids.insert(path.to_owned(), format!("blob of {text}"));
        component.dockerfiles.insert(path.to_owned(), file);
        let mut need = GoNeed::default();
        need.raise("go.mod", &gomod::parse(b"module m\n\ngo 1.21\n"));
        component.go.insert((path.to_owned(), String::new()), need);
        if let Some(branches) = &mut self.branches {
            branches.entry(name).or_insert_with(|| RepoBranches {
                configs: vec![("release-4.16".to_owned(), vec![promotion("4.16", false)])],
                ..RepoBranches::default()
            });
        }
        self
    }

    /// Puts a file of the target in its place.
    pub fn config(mut self, repo: &str, text: &str) -> Self {
        self.files.insert(config_path(repo), Arc::from(text.as_bytes()));
        self
    }

    /// Uses more rules than the built-in ones.
    pub fn refined_by(mut self, text: &str) -> Self {
        self.rules = rules(&[text]);
        self
    }

    /// Derives the release.
    pub fn release(&self) -> Release<'_> {
        let input = Input {
            rules: &self.rules,
            metadata: &self.metadata,
            demand: &self.demand,
        };
        let mut outline = Outline::draw(input).expect("the payload is derived");
        outline.demand = self.demand.clone();
        outline.settle_branches(self.branches.as_ref());
        complete(outline, &self.components)
    }

    /// Derives the release and renders its configs.
    pub fn render(&self) -> Rendered {
        let actual = Actual {
            repo: repo_name("release"),
            branch: "master".to_owned(),
            origin: origin("openshift/release"),
            files: self.files.clone(),
            unreadable: self.unreadable.clone(),
            beside: BTreeMap::new(),
            links: std::collections::BTreeSet::new(),
        };
        let release = self.release();
        let ask = Ask {
            release: &release,
            options: &Options::defaults(&NO_OPTIONS),
            policy: &self.policy,
            earlier: &BTreeMap::new(),
            memo: Memo::default(),
        };
        prow_config::render(&ask, &actual)
    }

    /// The codes of all findings, sorted.
    pub fn codes(&self) -> Vec<String> {
        let mut codes: Vec<_> = self.release().findings.iter().map(|f| f.code.to_string()).collect();
        codes.extend(self.render().findings.iter().map(|f| f.code.to_string()));
        codes.sort();
        codes
    }

    /// The config of a repository as it would be written; `None`: it is not there, or goes.
    pub fn rendered(&self, repo: &str) -> Option<String> {
        let path = config_path(repo);
        let rendered = self.render();
        let file = rendered.files.iter().find(|file| file.path == path)?;
        file.after
            .as_ref()
            .map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    }

    /// Puts what is rendered in place.
    pub fn apply(&mut self) {
        for file in self.render().files {
            match file.after {
                Some(after) => drop(self.files.insert(file.path, after)),
                None => drop(self.files.remove(&file.path)),
            }
        }
    }

    /// The causes of a config's change: field, item, rule.
    pub fn causes(&self, repo: &str) -> Vec<(String, String, String)> {
        let path = config_path(repo);
        let files = self.render().files;
        let causes = files
            .into_iter()
            .filter(|file| file.path == path)
            .flat_map(|file| file.causes);
        causes
            .map(|cause| (cause.field, cause.item.unwrap_or_default(), cause.rule))
            .collect()
    }
}

/// The built-in rules, refined.
pub fn rules(more: &[&str]) -> RuleSet {
    let builtin = BUILTIN
        .iter()
        .map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec()));
    let more = more.iter().enumerate();
    let more = more.map(|(at, text)| (format!("more-{at}.yaml"), text.as_bytes().to_vec()));
    RuleSet::load(&builtin.chain(more).collect::<Vec<_>>()).expect("rules without faults")
}

/// A promotion to OCP's payload of a release.
pub fn promotion(release: &str, disabled: bool) -> Promotion {
    Promotion {
        namespace: "ocp".to_owned(),
        name: release.to_owned(),
        disabled,
        ..Promotion::default()
    }
}

/// `openshift/<repo>`.
pub fn repo_name(repo: &str) -> RepoName {
    RepoName {
        org: "openshift".to_owned(),
        repo: repo.to_owned(),
    }
}

/// The path of our config of `openshift/<repo>` for its branch `release-4.16`.
pub fn config_path(repo: &str) -> String {
    format!("ci-operator/config/openshift/{repo}/openshift-{repo}-release-4.16__okd-scos.yaml")
}

fn origin(name: &str) -> Origin {
    Origin {
        name: name.to_owned(),
        branch: "release-4.16".to_owned(),
        commit: Some("0123456789abcdef0123456789abcdef01234567".to_owned()),
    }
}
