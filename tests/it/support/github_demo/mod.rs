//! The demo, whose pull requests go to a fake GitHub, driven by the program itself.

use std::fs;
use std::path::Path;

use crate::support::fake_github::FakeGithub;
use crate::support::program::{Demo, Ran, program, ran};

pub const REPO: &str = "openshift/release";
pub const TOKEN: &str = "ghs_0123456789abcdefghij";

/// The demo, with a fake GitHub that has the files of its CI configs.
pub struct World {
    pub demo: Demo,
    pub github: FakeGithub,
}

#[derive(Clone, Copy, Debug)]
pub enum Life {
    Open,
    Update,
    Close,
}

impl Life {
    pub const ALL: [Self; 3] = [Self::Open, Self::Update, Self::Close];
}

impl World {
    pub fn new() -> Self {
        Self::with("")
    }

    /// With more options of the forge, as `, key: value`.
    pub fn with(options: &str) -> Self {
        let (demo, github) = (Demo::new(), FakeGithub::start());
        let folder = demo.folder();
        let mut files = Vec::new();
        read(&folder.join("repos/openshift/release"), "", &mut files);
        let files: Vec<(&str, &str)> = files
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_str()))
            .collect();
        github.repository(REPO, &files);
        let main = github.branch(REPO, "main");
        github.inside().state.set_ref(REPO, "refs/heads/master", main);
        let config = fs::read_to_string(folder.join("lockstep.yaml")).unwrap();
        let forge = format!(
            "forge: {{kind: github, api: '{}', token-env: TOKEN, labels: [okd], reviewers: [ann]{options}}}",
            github.url
        );
        fs::write(
            folder.join("lockstep.yaml"),
            config.replace("forge: {kind: local, dir: out}", &forge),
        )
        .unwrap();
        Self { demo, github }
    }

    /// A world right before a run of that kind.
    pub fn before(life: Life) -> Self {
        let world = Self::new();
        if !matches!(life, Life::Open) {
            world.run();
        }
        let rules = world.demo.folder();
        match life {
            Life::Open => {}
            // Another release policy: the same files with other contents.
            Life::Update => world.change_metadata(&rules),
            // What was proposed is on the base by another way.
            Life::Close => world.take_over(),
        }
        world
    }

    /// Changes what the metadata of one image says.
    pub fn change_metadata(&self, folder: &Path) {
        let images = folder.join("repos/openshift-eng/ocp-build-data/images");
        let mut names: Vec<_> = fs::read_dir(&images)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        names.sort();
        let mut changed = 0;
        for path in names {
            let text = fs::read_to_string(&path).unwrap();
            if text.contains("payload_name:") && changed == 0 {
                let name = text
                    .lines()
                    .find_map(|line| line.strip_prefix("payload_name: "))
                    .unwrap()
                    .to_owned();
                fs::write(
                    &path,
                    text.replace(
                        &format!("payload_name: {name}"),
                        &format!("payload_name: {name}-renamed"),
                    ),
                )
                .unwrap();
                changed += 1;
            }
        }
        assert_eq!(changed, 1, "the demo has an image with a payload name");
    }

    /// Puts what is proposed into the CI configs and onto the base.
    pub fn take_over(&self) {
        let files = self.github.files(REPO, "lockstep/ci/4.16");
        let files: Vec<(&str, Option<&str>)> = files
            .iter()
            .map(|(path, text)| (path.as_str(), Some(text.as_str())))
            .collect();
        let commit = self.github.push(REPO, "main", "ann", &files);
        self.github
            .inside()
            .state
            .set_ref(REPO, "refs/heads/master", Some(commit));
        for (path, text) in files {
            let path = self.demo.folder().join("repos/openshift/release").join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text.unwrap()).unwrap();
        }
    }

    pub fn command(&self) -> std::process::Command {
        self.command_of("reconcile")
    }

    /// A command of the program, with the token.
    pub fn command_of(&self, name: &str) -> std::process::Command {
        let mut command = program();
        command
            .env("TOKEN", TOKEN)
            .arg(name)
            .arg("--config")
            .arg(self.demo.folder().join("lockstep.yaml"));
        command
    }

    pub fn run(&self) -> Ran {
        let ran = ran(&mut self.command());
        assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
        assert!(!format!("{}{}", ran.out, ran.err).contains(TOKEN));
        ran
    }
}

fn read(folder: &Path, below: &str, files: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let path = format!("{below}{}", entry.file_name().to_string_lossy());
        if entry.file_type().unwrap().is_dir() {
            read(&entry.path(), &format!("{path}/"), files);
        } else {
            files.push((path, fs::read_to_string(entry.path()).unwrap()));
        }
    }
}
