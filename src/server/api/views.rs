//! What answers look like that exist for the API alone.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use crate::base::Release;
use crate::base::text::terminal;
use crate::board::{Applied, Impacts, PullRequestState, Time, View};
use crate::forge::PlannedView;
use crate::impact::Pull;
use crate::plan::Counts;
use crate::run::verified::Verified;
use crate::server::standing::{Standing, State};

/// A release and how its images stand.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ReleaseSummary {
    /// The release, such as `4.16`.
    release: String,
    /// Commit of ocp-build-data that it was derived from; none for a plain directory.
    build_data: Option<String>,
    /// When it was derived, in seconds since 1970-01-01.
    derived_at: Time,
    /// How many images there are, by how they stand.
    images: BTreeMap<State, usize>,
    /// Why the last attempt to derive it failed.
    error: Option<String>,
}

impl ReleaseSummary {
    /// All releases, oldest first.
    pub fn all(view: &View) -> Vec<Self> {
        let standing = Standing::of(view);
        let summary = |(release, shown): (&Release, &std::sync::Arc<crate::board::ReleaseView>)| Self {
            release: release.to_string(),
            build_data: shown.build_config.as_ref().and_then(|config| config.build_data.clone()),
            derived_at: shown.derived_at,
            images: standing.counts(*release),
            error: shown.error.as_deref().map(terminal),
        };
        view.releases.iter().map(summary).collect()
    }
}

/// A pull request and how it stands.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PullRequest {
    /// The repository that it is made in, `org/repo`.
    repo: String,
    /// The release.
    release: String,
    /// The group of targets.
    group: String,
    /// The branch that it is made from.
    head: String,
    /// How it stands.
    state: PullRequestState,
    /// Where a person can look at it.
    url: Option<String>,
    /// Since when it stands so, in seconds since 1970-01-01.
    since: Time,
    /// Why, in words.
    note: String,
    /// How many files it changes.
    counts: Counts,
}

impl PullRequest {
    /// All pull requests, sorted by repository, release and group.
    pub fn all(view: &View) -> Vec<Self> {
        let counts = |scope: &crate::plan::Scope| {
            let wanted = view.plan.pull_requests.iter().find(|wanted| wanted.scope == *scope);
            wanted.map(crate::plan::PullRequest::counts).unwrap_or_default()
        };
        let one = |shown: &crate::board::PullRequestView| Self {
            repo: shown.scope.repo.to_string(),
            release: shown.scope.release.clone(),
            group: shown.scope.group.clone(),
            head: shown.scope.head(),
            state: shown.state,
            url: shown.url.clone(),
            since: shown.since,
            note: terminal(&shown.note),
            counts: counts(&shown.scope),
        };
        view.pull_requests.iter().map(one).collect()
    }
}

/// The last plan and what came of it: what `lockstep plan --format json` shows, and which run it is from.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PlanAnswer<'a> {
    #[serde(flatten)]
    planned: PlannedView<'a>,
    /// The run that looked at the pull requests, and whose `outcomes` these are; `null` while a run is at it, and as long
    /// as there was none.
    run: Option<&'a str>,
    /// Whether that run only looked: its writes are then those that the replica which writes would make.
    dry_run: bool,
}

impl<'a> PlanAnswer<'a> {
    /// The plan of a view.
    pub fn of(view: &'a View) -> Self {
        let Applied { run, dry_run, outcomes } = &*view.applied;
        Self {
            planned: PlannedView::of(&view.plan, outcomes),
            run: Some(run.as_str()).filter(|run| !run.is_empty()),
            dry_run: *dry_run,
        }
    }
}

/// What verifies the payloads of the releases.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Verification<'a> {
    /// What is known of each release, oldest first: what `lockstep payload --format json` shows.
    releases: Vec<&'a Verified>,
    /// Why it cannot be told now; what is said of releases is older then. `null`: it can.
    unknown: Option<String>,
}

impl<'a> Verification<'a> {
    /// What a view has of it.
    pub fn of(view: &'a View) -> Self {
        let verified = view.verified.as_ref();
        Self {
            releases: verified.iter().flat_map(|all| all.releases.values()).collect(),
            unknown: match verified {
                Some(verified) => verified.unknown.as_deref().map(terminal),
                None => Some(NOT_YET.to_owned()),
            },
        }
    }
}

/// Open pull requests of others, and what each was told.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ImpactAnswer<'a> {
    /// When all of them were looked at last, in seconds since 1970-01-01; null: they never were, or are not to be.
    looked_at: Option<Time>,
    /// Why the last look failed as a whole.
    error: Option<&'a str>,
    /// Them, sorted by repository and number.
    pulls: &'a [Pull],
    /// How many older open ones are not looked at, by repository.
    left_out: &'a BTreeMap<String, u64>,
    /// Repositories that cannot be read.
    unread: &'a [String],
}

impl<'a> ImpactAnswer<'a> {
    /// What is known of them.
    pub fn of(impacts: &'a Impacts) -> Self {
        let Impacts {
            looked_at,
            pulls,
            answers: _,
            unread,
            left_out,
            error,
        } = impacts;
        Self {
            looked_at: *looked_at,
            error: error.as_deref(),
            pulls,
            left_out,
            unread,
        }
    }
}

/// What is said of what no run has looked at.
const NOT_YET: &str = "no run has come to it yet";

/// Why there is no answer.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Fault {
    /// What is wrong, a sentence.
    error: String,
    /// The HTTP status.
    #[serde(serialize_with = "number")]
    #[schemars(with = "u16")]
    status: StatusCode,
}

fn number<S: Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}

impl Fault {
    /// What was asked for makes no sense.
    pub fn wrong(error: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error)
    }

    /// There is no such path.
    pub fn nothing() -> Self {
        let text = "nothing is here; /api/v1/openapi.json says what there is";
        Self::new(StatusCode::NOT_FOUND, text)
    }

    /// There is no such release here.
    pub fn missing(release: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            &format!("release {release} is not looked after here"),
        )
    }

    /// Nothing was said about such a pull request.
    pub fn unanswered(name: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            &format!("there is nothing to say about {name}: /api/v1/impact lists what was looked at"),
        )
    }

    /// The release could not be derived yet.
    pub fn not_derived(release: Release, why: Option<&str>) -> Self {
        let why = why.unwrap_or(NOT_YET);
        let text = format!("release {release} could not be derived: {why}");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, &text)
    }

    /// No results of builds are read here.
    pub fn no_results() -> Self {
        let text = "no results of builds are known here: none were looked at yet, or the configuration's `sources.results` names no source";
        Self::new(StatusCode::NOT_FOUND, text)
    }

    /// What verifies a release cannot be told. `why`: `None` as long as no run has looked, and no words where rules name no
    /// gating configs for it.
    pub fn not_verified(release: Release, why: Option<Option<&str>>) -> Self {
        let (status, why) = match why {
            None => (StatusCode::SERVICE_UNAVAILABLE, NOT_YET),
            Some(Some(why)) => (StatusCode::SERVICE_UNAVAILABLE, why),
            Some(None) => (StatusCode::NOT_FOUND, "rules name no gating configs for it"),
        };
        Self::new(status, &format!("what verifies {release} cannot be told: {why}"))
    }

    /// Something is wrong on our side.
    pub fn ours(error: &str) -> Self {
        tracing::error!("an answer could not be written: {error}");
        let text = "this could not be answered; the log says why";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, text)
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    fn new(status: StatusCode, error: &str) -> Self {
        Self {
            error: terminal(error),
            status,
        }
    }
}
