//! What requests are signed with: tokens that are renewed, an app's tokens for each organisation, and where they go.

use crate::support::github_world;
use std::path::Path;
use std::sync::Arc;

use github_world::{REPO, TOKEN, World, actions, file};
use lockstep::forge::Action::*;
use lockstep::forge::Outcome;
use lockstep::forge::github::{GithubForge, GithubWriter, NoJournal, Options};
use lockstep::github::{Client, Clock, Credential, Policy};
use lockstep::plan::Plan;

fn app() -> Credential {
    let key_file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/support/fake_github/app-key.pem");
    Credential::App { id: 5, key_file }
}

fn forge(world: &World, api: &str, credential: Credential) -> GithubForge {
    let clock: Arc<dyn Clock> = world.clock.clone();
    let client = Client::with(api, credential, Policy::default(), clock).unwrap();
    GithubForge::new(client, Options::default())
}

fn reconcile(forge: &GithubForge, plan: &Plan) -> Vec<Outcome> {
    let writer = GithubWriter {
        forge,
        journal: &NoJournal,
        dry_run: false,
    };
    writer.apply(plan)
}

fn plan(world: &World, text: &str) -> Plan {
    world.plan(&[file("a.yaml", Some("old\n"), Some(text))])
}

#[test]
fn an_app_asks_for_a_token_and_renews_it() {
    let world = World::new(&[("a.yaml", "old\n")]);
    world.github.repository("p/r", &[("a.yaml", "old\n")]);
    let forge = forge(&world, &world.github.url, app());
    assert_eq!(actions(&reconcile(&forge, &plan(&world, "new\n"))), [Create]);
    let tokens = |since: usize| {
        let asked = world.github.asked(since);
        asked.iter().filter(|asked| asked.contains("access_tokens")).count()
    };
    assert_eq!(tokens(0), 1);
    assert_eq!(actions(&reconcile(&forge, &plan(&world, "newer\n"))), [Update]);
    assert_eq!(tokens(0), 1, "it is kept");

    let mut elsewhere = file("a.yaml", Some("old\n"), Some("new\n"));
    elsewhere.repo.org = "p".into();
    assert_eq!(actions(&reconcile(&forge, &world.plan(&[elsewhere]))), [Create]);
    assert_eq!(tokens(0), 2, "each organisation has its own");

    world.clock.sleep(std::time::Duration::from_secs(3_400));
    world.github.inside().state.pass(3_400);
    assert_eq!(actions(&reconcile(&forge, &plan(&world, "newer\n"))), [UpToDate]);
    assert_eq!(tokens(0), 3, "renewed before it ends");
    assert_eq!(
        world.github.inside().unchanged,
        1,
        "where the app is installed is not sent again"
    );

    world.github.inside().tokens.clear();
    world.github.inside().tokens.push("another".into());
    assert_eq!(actions(&reconcile(&forge, &plan(&world, "newer\n"))), [UpToDate]);
    assert_eq!(tokens(0), 4, "asked for anew where it is no longer accepted");
}

#[test]
fn an_app_that_is_not_installed_says_so() {
    let world = World::new(&[("a.yaml", "old\n")]);
    let mut elsewhere = file("a.yaml", Some("old\n"), Some("new\n"));
    elsewhere.repo.org = "stranger".into();
    let outcomes = reconcile(&forge(&world, &world.github.url, app()), &world.plan(&[elsewhere]));
    let error = outcomes[0].error.as_ref().unwrap().to_string();
    assert!(error.contains("not installed in stranger"), "{error}");
}

#[test]
fn a_renewed_token_is_noticed() {
    let world = World::new(&[("a.yaml", "old\n")]);
    let dir = tempfile::tempdir().unwrap();
    let token = dir.path().join("token");
    std::fs::write(&token, "gone").unwrap();
    let forge = forge(&world, &world.github.url, Credential::TokenFile(token.clone()));
    let outcomes = reconcile(&forge, &plan(&world, "new\n"));
    let error = outcomes[0].error.as_ref().unwrap().to_string();
    assert!(error.contains("not accepted") && !error.contains("gone"), "{error}");
    std::fs::write(&token, TOKEN).unwrap();
    assert_eq!(actions(&reconcile(&forge, &plan(&world, "new\n"))), [Create]);
}

#[test]
fn github_enterprise_has_its_api_elsewhere() {
    let world = World::new(&[("a.yaml", "old\n")]);
    let api = format!("{}/api/v3", world.github.url);
    let forge = forge(&world, &api, app());
    assert_eq!(actions(&reconcile(&forge, &plan(&world, "new\n"))), [Create]);
    let asked = world.github.asked(0);
    let right = |asked: &String| asked.contains(" /api/v3/") || asked.ends_with(" /api/graphql");
    assert!(asked.iter().all(right), "{asked:#?}");
    assert_eq!(world.github.pulls(REPO).len(), 1);
}

#[test]
fn what_is_no_token_is_told_without_telling_it() {
    let world = World::new(&[("a.yaml", "old\n")]);
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("token");
    std::fs::write(&file, "se\u{1}cret").unwrap();
    let forge = forge(&world, &world.github.url, Credential::TokenFile(file.clone()));
    let outcomes = reconcile(&forge, &plan(&world, "new\n"));
    let text = format!("{} {:?}", outcomes[0], outcomes[0].error);
    assert!(
        text.contains("characters that no token has") && !text.contains("cret"),
        "{text}"
    );
    std::fs::write(&file, "not a key").unwrap();
    let app = Credential::App { id: 5, key_file: file };
    let outcomes = reconcile(&self::forge(&world, &world.github.url, app), &plan(&world, "new\n"));
    assert!(
        outcomes[0].to_string().contains("no RSA private key"),
        "{}",
        outcomes[0]
    );
    assert_eq!(world.github.requests(), 0);
    assert_eq!(format!("{:?}", lockstep::github::Secret::new("hush")), "***");
}

#[test]
fn a_renamed_repository_is_followed_on_the_same_host() {
    let world = World::new(&[("a.yaml", "old\n")]);
    world.github.inside().state.renamed.insert("o/was".into(), REPO.into());
    let mut before = file("a.yaml", Some("old\n"), Some("new\n"));
    before.repo.repo = "was".into();
    let outcomes = reconcile(&forge(&world, &world.github.url, app()), &world.plan(&[before]));
    assert_eq!(actions(&outcomes), [Create]);
    assert_eq!(world.github.pulls(REPO).len(), 1);
}
