//! The service between real repositories and a fake GitHub.

use serde_json::Value;

use crate::support::fake_github::FakeGithub;
use crate::support::service::{SECRET, Service, wait_until};
use crate::support::world::{RELEASE, World};

pub const TOKEN: &str = "ghs_0123456789abcdefghij";
/// The branch of the one pull request.
pub const BRANCH: &str = "lockstep/ci/4.16";

/// Real repositories to read, a fake GitHub to write to, and the service between them, which only webhooks wake.
pub struct Place {
    pub world: World,
    pub github: FakeGithub,
    pub service: Service,
}

impl Place {
    pub fn new(options: &str) -> Self {
        let place = Self::disturbed(options, |_| {});
        place.service.wait_for("a run is over", 1);
        place.service.rest();
        place
    }

    /// One in which something is wrong with GitHub from the start.
    pub fn disturbed(options: &str, disturb: impl FnOnce(&FakeGithub)) -> Self {
        let (mut world, github) = (World::usual(), FakeGithub::start());
        github.repository(RELEASE, &[("README.md", "configs\n")]);
        let main = github.branch(RELEASE, "main");
        github.inside().state.set_ref(RELEASE, "refs/heads/master", main);
        let forge = format!("{{kind: github, api: '{}', token-env: TOKEN{options}}}", github.url);
        world.settings.insert("forge", forge);
        let more = "schedule: '0 0 0 1 1 *'\nlisten: 127.0.0.1:0\nserver: {webhook: {secret-env: SECRET}}\n";
        world.settings.insert("more", more.to_owned());
        disturb(&github);
        let service = Self::start(&world);
        Self { world, github, service }
    }

    fn start(world: &World) -> Service {
        Service::start(&world.config(), &[("TOKEN", TOKEN), ("SECRET", SECRET)])
    }

    /// Ends the service, by whatever is done to it, and starts another one.
    pub fn restart(self, end: impl FnOnce(Service, &FakeGithub)) -> Self {
        end(self.service, &self.github);
        Self {
            service: Self::start(&self.world),
            ..self
        }
    }

    /// Branches and pull requests as they are, without what tells one run, or one fake, from another.
    pub fn picture(&self) -> String {
        let text = self.github.picture(RELEASE).replace(&self.github.url, "GITHUB");
        let lines = text.lines().filter(|line| !line.starts_with("<!-- lockstep:run "));
        lines.collect::<Vec<_>>().join("\n")
    }

    pub fn wait(&self, what: &str, holds: impl FnMut() -> bool) {
        wait_until(what, || self.service.log(), holds);
    }

    pub fn json(&self, path: &str) -> Value {
        let (status, body) = self.service.get(path);
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_str(&body).unwrap()
    }

    /// Delivers a webhook that matters, and waits for the run that it leads to.
    pub fn deliver(&self, event: &str, payload: &Value) {
        let runs = self.service.runs();
        let (status, said) = self.service.deliver(event, payload);
        assert_eq!((status, said.trim()), (202, "queued"), "{event}");
        self.wait("a run", || self.service.runs() > runs);
        self.service.rest();
    }

    /// A person merges what is open: on GitHub, and so where CI configs are read from.
    pub fn merge(&mut self) {
        let files = self.github.files(RELEASE, BRANCH);
        self.github.merge(RELEASE);
        self.world.unseen(|world| {
            let files: Vec<(&str, &[u8])> = files
                .iter()
                .map(|(path, text)| (path.as_str(), text.as_bytes()))
                .collect();
            world.commit(RELEASE, "master", &files);
        });
    }

    pub fn proposes(&self, name: &str, text: &str) -> bool {
        let files = self.github.files(RELEASE, BRANCH);
        let mut its = files.iter().filter(|(path, _)| path.contains(name));
        its.any(|(_, content)| content.contains(text))
    }
}
