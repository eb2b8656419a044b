//! `lockstep reconcile`

use lockstep::config::Forge;
use lockstep::forge::github::{Client, GithubForge, GithubWriter};
use lockstep::forge::local::{LocalForge, LocalWriter, record_path};
use lockstep::forge::{self, Write};
use lockstep::plan::{self, PullRequest};

use super::args::ReconcileArgs;
use super::{Ended, Outcome, print, setup};

/// Derives, plans, and makes the pull requests what they should be.
pub fn run(args: &ReconcileArgs) -> Outcome {
    let ready = setup::ready(&args.common)?;
    let mut ended = Ended::Done;
    let place = Place::of(&ready)?;
    let plan = ready.plan(&mut ended)?;
    setup::tell(&plan.findings);
    let mut text = String::new();
    let outcomes = place.apply(&ready, &plan, args.dry_run);
    for (pr, outcome) in plan.pull_requests.iter().zip(outcomes) {
        if outcome.error.is_some() {
            ended = Ended::Failed;
        }
        text.push_str(&format!("{outcome}\n"));
        if outcome
            .writes
            .iter()
            .any(|write| matches!(write, Write::SetBranch { .. }))
        {
            text.push_str(&format!("\n{}\n", plan::brief(pr).trim_end()));
            text.push_str(&format!("{}\n\n", place.of_one(pr, args.dry_run)));
        }
    }
    text.push_str(&plan::summary(&plan));
    print(&format!("{}\n", text.trim_end()))?;
    Ok(ended)
}

/// Where pull requests are made.
enum Place {
    Local(LocalForge),
    GitHub(Box<GithubForge>),
}

impl Place {
    fn of(ready: &setup::Ready) -> Result<Self, anyhow::Error> {
        Ok(match &ready.run.config.forge {
            Forge::Local { .. } => Self::Local(setup::local_forge(ready)?),
            Forge::GitHub {
                api,
                credential,
                options,
            } => {
                let client = Client::new(api, credential.clone())?;
                Self::GitHub(Box::new(GithubForge::new(client, (**options).clone())))
            }
        })
    }

    fn apply(&self, ready: &setup::Ready, plan: &plan::Plan, dry_run: bool) -> Vec<forge::Outcome> {
        match self {
            Self::Local(forge) => LocalWriter {
                forge,
                dry_run,
                now: setup::now(),
            }
            .apply(plan),
            Self::GitHub(forge) => GithubWriter {
                forge,
                journal: &ready.run.store,
                dry_run,
            }
            .apply(plan),
        }
    }

    fn of_one(&self, pr: &PullRequest, dry_run: bool) -> String {
        match self {
            Self::Local(forge) => where_it_is(forge, pr, dry_run),
            Self::GitHub(_) => String::new(),
        }
    }
}

/// How a person looks at a pull request of the local forge.
fn where_it_is(forge: &LocalForge, pr: &PullRequest, dry_run: bool) -> String {
    let record = record_path(forge.dir(), &pr.scope);
    match forge.repository(&pr.scope.repo, &pr.base) {
        Ok(repo) if !dry_run => format!(
            "\nThe pull request is recorded in {}; its changes:\n  git -C {} diff {} {}",
            record.display(),
            repo.display(),
            pr.base,
            pr.head()
        ),
        _ => String::new(),
    }
}
