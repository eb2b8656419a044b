//! Months of the service in a few minutes: pushes, merges, faults, kills and restarts, all at random; in the end it is in
//! sync, and has not grown.
//!
//! Ignored by itself: `.ci/run` runs it for two minutes, and `LOCKSTEP_SOAK=30m cargo test --test it soak:: -- --ignored` for half
//! an hour. `LOCKSTEP_SEED` makes the same choices again.

use crate::support::{fake_github, service, world};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use fake_github::faults::Fault;
use fake_github::state::PullState;
use fake_github::{FakeGithub, state};
use service::{Service, wait_until};
use world::{BUILD_DATA, NAMES, RELEASE, World};

const TOKEN: &str = "ghs_soak0123456789abcdef";

/// Random choices that can be made again (splitmix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }
}

/// How long to go on: `LOCKSTEP_SOAK`, or two minutes.
pub fn duration() -> Duration {
    let text = std::env::var("LOCKSTEP_SOAK").unwrap_or_else(|_| "2m".to_owned());
    let (number, unit) = text.split_at(text.len() - 1);
    let number: u64 = number.parse().expect("such as 90s, 30m or 2h");
    Duration::from_secs(
        number
            * [("s", 1), ("m", 60), ("h", 3600)]
                .iter()
                .find(|(name, _)| *name == unit)
                .unwrap()
                .1,
    )
}

struct Soak {
    world: World,
    github: FakeGithub,
    service: Option<Service>,
    dice: Dice,
    pushes: u64,
}

impl Soak {
    fn new(seed: u64) -> Self {
        let (mut world, github) = (World::usual(), FakeGithub::start());
        github.repository(RELEASE, &[("README.md", "configs\n")]);
        let main = github.branch(RELEASE, "main");
        github.inside().state.set_ref(RELEASE, "refs/heads/master", main);
        let forge = format!(
            "{{kind: github, api: '{}', token-env: TOKEN, max-new: 100000}}",
            github.url
        );
        world.settings.insert("forge", forge);
        world
            .settings
            .insert("more", "schedule: '*/2 * * * * *'\nlisten: 127.0.0.1:0\n".to_owned());
        Self {
            world,
            github,
            service: None,
            dice: Dice(seed),
            pushes: 0,
        }
    }

    fn start(&mut self) {
        self.service = Some(Service::start(
            &self.world.config(),
            &[("TOKEN", TOKEN), ("RUST_LOG", "lockstep=info")],
        ));
    }

    fn service(&self) -> &Service {
        self.service.as_ref().unwrap()
    }

    /// One thing happens.
    fn happen(&mut self) {
        match self.dice.roll(20) {
            0..8 => self.push_metadata(),
            8..12 => self.push_component(),
            12..15 => self.merge(),
            15..18 => self.fault(),
            18 => self.vanish(),
            _ => self.restart(),
        }
    }

    fn push_metadata(&mut self) {
        let name = NAMES[1 + self.dice.roll(2) as usize];
        let from = ["{member: anchor}", "{stream: base}"][self.dice.roll(2) as usize];
        self.world.image(name, from, "");
        self.pushes += 1;
    }

    fn push_component(&mut self) {
        let name = NAMES[self.dice.roll(3) as usize];
        let text = format!("FROM base:1\nLABEL n={}\n", self.dice.roll(1000));
        let files: [(&str, &[u8]); 1] = [("Dockerfile", text.as_bytes())];
        self.world.commit(&format!("openshift/{name}"), "release-4.16", &files);
        self.pushes += 1;
    }

    /// A person merges what is open; where CI configs are read from, it is there a moment later.
    fn merge(&mut self) {
        let open = self
            .github
            .pulls(RELEASE)
            .last()
            .is_some_and(|pull| pull.state == PullState::Open);
        if !open {
            return;
        }
        let files = self.github.files(RELEASE, "lockstep/ci/4.16");
        self.github.merge(RELEASE);
        let files: Vec<(&str, &[u8])> = files
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_bytes()))
            .collect();
        self.world.commit(RELEASE, "master", &files);
    }

    fn fault(&mut self) {
        let faults = Fault::ALL.map(|fault| match fault {
            // The machine's own clock is waited by.
            Fault::Secondary | Fault::Primary(_) | Fault::Abuse => Fault::Server(502),
            fault => fault,
        });
        let (at, which) = (1 + self.dice.roll(6), self.dice.roll(faults.len() as u64));
        self.github.fail(at as usize, faults[which as usize], false);
    }

    fn vanish(&mut self) {
        let (here, gone) = (self.world.path(BUILD_DATA), self.world.path("gone"));
        std::fs::rename(&here, &gone).unwrap();
        std::thread::sleep(Duration::from_millis(500 + self.dice.roll(2500)));
        std::fs::rename(&gone, &here).unwrap();
    }

    fn restart(&mut self) {
        let Some(service) = self.service.take() else { return };
        if self.dice.roll(2) == 0 {
            service.kill();
        } else {
            assert!(service.end().0.success());
        }
        self.start();
    }

    /// Whether what is merged and proposed is what metadata asks for.
    fn in_sync(&self) -> bool {
        let ran = self.world.run("plan", &["--exit-code"]);
        let pulls = self.github.pulls(RELEASE);
        let open: Vec<&state::Pull> = pulls.iter().filter(|pull| pull.state == PullState::Open).collect();
        ran.code == 0 && open.is_empty()
    }
}

#[test]
#[ignore = "takes minutes; `.ci/run` runs it"]
fn it_ends_in_sync_and_has_not_grown() {
    let seed = std::env::var("LOCKSTEP_SEED").ok().and_then(|text| text.parse().ok());
    let seed = seed.unwrap_or_else(|| SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs());
    println!("LOCKSTEP_SEED={seed} LOCKSTEP_SOAK={:?}", duration());
    let mut soak = Soak::new(seed);
    soak.start();
    let (started, mut sizes) = (Instant::now(), Vec::new());
    while started.elapsed() < duration() {
        soak.happen();
        std::thread::sleep(Duration::from_millis(200 + soak.dice.roll(800)));
        sizes.push((started.elapsed(), soak.service().size()));
    }
    // Nothing disturbs it any more: somebody merges what is open, until nothing is.
    soak.github.mend();
    let ended = Instant::now();
    while !soak.in_sync() {
        assert!(
            ended.elapsed() < service::PATIENCE,
            "not in sync\n{}",
            soak.service().log().join("\n")
        );
        soak.merge();
        std::thread::sleep(Duration::from_secs(1));
    }
    println!(
        "{} pushes, {} requests; in sync {:?} after the last of them",
        soak.pushes,
        soak.github.requests(),
        ended.elapsed()
    );
    levels_off(&mut soak);
}

/// A process that has made many runs makes as many again and is no larger then.
fn levels_off(soak: &mut Soak) {
    let runs = soak.service().runs();
    let mut sizes = Vec::new();
    for round in 1..=6 {
        for _ in 0..5 {
            soak.push_metadata();
            soak.push_component();
            std::thread::sleep(Duration::from_millis(900));
        }
        wait_until(
            "runs",
            || soak.service().log(),
            || soak.service().runs() >= runs + round * 3,
        );
        sizes.push(soak.service().size());
    }
    println!("memory and open files: {sizes:?}");
    let (first, last) = (sizes[2], sizes[5]);
    assert!(last.1 <= first.1 + 8, "open files grow: {sizes:?}");
    assert!(last.0 <= first.0 + first.0 / 2 + (32 << 20), "memory grows: {sizes:?}");
}
