//! `/metrics`: OpenMetrics of what the board says.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use axum::extract::State as Extract;
use axum::http::header::ACCEPT;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeGaugeValue, MetricEncoder, NoLabelSet, prometheus_text, text,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::{Registry, Unit};

use super::standing::{Standing, since};
use super::{Server, answer, now};
use crate::board::{BOUNDS, Lease, Outcome, PullRequestState, Time, Totals, View};
use crate::impact::{State, Verdict};
use crate::results::answer::ImageState;
use crate::told::Kind;

/// OpenMetrics, for whoever asks for it, as Prometheus does, or for nothing in particular.
const OPEN: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// The older form, for whoever accepts only that.
const PLAIN: &str = "text/plain; version=0.0.4; charset=utf-8";

/// How old drift is, for labels: at most so many seconds.
const AGES: [(&str, Time); 3] = [("hour", 3600), ("day", 86_400), ("week", 7 * 86_400)];

/// What a metric's name starts with.
const PREFIX: &str = "lockstep";

/// Answers a scrape.
pub(super) async fn metrics(Extract(server): Extract<Server>, headers: HeaderMap) -> Response {
    let accepted = headers
        .get(ACCEPT)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("*/*");
    let plain = accepted.contains("text/plain") && !accepted.contains("openmetrics");
    let kind = if plain { PLAIN } else { OPEN };
    match server.metrics(plain) {
        Ok(text) => answer::typed(StatusCode::OK, kind, text),
        Err(error) => answer::failed(&format!("metrics could not be written: {error}")),
    }
}

impl Server {
    /// All metrics as text, in OpenMetrics or the older, plain form.
    ///
    /// # Errors
    /// Never for what a board holds; the encoder's signature has it.
    fn metrics(&self, plain: bool) -> Result<String, fmt::Error> {
        let board = &self.inner.board;
        let mut registry = Registry::with_prefix(PREFIX);
        registry.register_collector(Box::new(Scrape {
            view: board.view(),
            totals: board.totals(),
            queue_length: board.queue_length(),
            deliveries: self.inner.deliveries(),
            now: now(),
        }));
        let mut out = String::new();
        if plain {
            prometheus_text::encode(&mut out, &registry)?;
        } else {
            text::encode(&mut out, &registry)?;
        }
        Ok(out)
    }
}

/// What one scrape sees.
#[derive(Debug)]
struct Scrape {
    view: Arc<View>,
    totals: Totals,
    queue_length: usize,
    deliveries: BTreeMap<(String, u16), u64>,
    now: Time,
}

/// Labels: name and value.
type Labels<'l, const N: usize> = [(&'static str, &'l str); N];

impl Collector for Scrape {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let out = &mut encoder;
        self.drift(out)?;
        self.images(out)?;
        self.builds(out)?;
        self.requests(out)?;
        self.findings(out)?;
        self.runs(out)?;
        self.durations(out)?;
        self.apis(out)?;
        self.process(out)
    }
}

impl Scrape {
    /// Files that differ, by release, target and age, and how old the oldest difference is.
    fn drift(&self, out: &mut DescriptorEncoder) -> fmt::Result {
        let mut counts: BTreeMap<(String, &str, &str), i64> = BTreeMap::new();
        let mut oldest: BTreeMap<(String, &str), i64> = BTreeMap::new();
        for shown in self.view.releases.values() {
            let release = shown.release.to_string();
            let ours = self.view.plan.changing().filter(|pull| pull.scope.release == release);
            for (pull, file) in ours.flat_map(|pull| pull.files.iter().map(move |file| (pull, file))) {
                let age = since(shown, pull, file).map_or(0, |since| (self.now - since).max(0));
                *counts.entry((release.clone(), &file.target, bucket(age))).or_default() += 1;
                let at = oldest.entry((release.clone(), &file.target)).or_default();
                *at = age.max(*at);
            }
        }
        let mut files = gauge(
            out,
            "drift_files",
            "Files that differ from what is derived, by how long they do",
        )?;
        for ((release, target, age), count) in &counts {
            one(
                &mut files,
                &[("release", release), ("target", *target), ("age", *age)],
                *count,
            )?;
        }
        let mut not_compared: BTreeMap<String, usize> = BTreeMap::new();
        for release in self.view.releases.keys() {
            not_compared.insert(release.to_string(), 0);
        }
        for missing in &self.view.plan.not_compared {
            let release = missing.release.clone().unwrap_or_default();
            *not_compared.entry(release).or_default() += missing.what.len().max(1);
        }
        let mut missing = gauge(
            out,
            "not_compared",
            "Images, components, files and targets that could not be compared, since something could not be read or evaluated",
        )?;
        for (release, count) in &not_compared {
            one(&mut missing, &[("release", release)], *count as i64)?;
        }
        let help = "How long the file that has differed longest has done so";
        let mut ages = out.encode_descriptor("drift_oldest_age", help, Some(&Unit::Seconds), MetricType::Gauge)?;
        for ((release, target), age) in &oldest {
            one(&mut ages, &[("release", release), ("target", *target)], *age)?;
        }
        Ok(())
    }

    fn images(&self, out: &mut DescriptorEncoder) -> fmt::Result {
        let standing = Standing::of(&self.view);
        let mut images = gauge(out, "images", "Images by how they stand")?;
        for release in self.view.releases.keys() {
            for (state, count) in standing.counts(*release) {
                let labels = [("release", &*release.to_string()), ("state", state.name())];
                one(&mut images, &labels, count as i64)?;
            }
        }
        Ok(())
    }

    /// How images build, how long those do not that do not, and how old what was accepted last is.
    fn builds(&self, out: &mut DescriptorEncoder) -> fmt::Result {
        let results = self.view.results.as_deref().map(|shown| &shown.results);
        let releases = results.map(|results| results.releases.as_slice()).unwrap_or_default();
        let mut builds = gauge(out, "image_builds", "Images by how their last build ended")?;
        for release in releases {
            for state in ImageState::ALL {
                let count = release.images.iter().filter(|image| image.state == state).count();
                let labels = [("release", release.release.as_str()), ("state", state.name())];
                one(&mut builds, &labels, count as i64)?;
            }
        }
        let seconds = Some(&Unit::Seconds);
        let help = "How long an image has not built that is broken and that nobody has silenced";
        let mut broken = out.encode_descriptor("image_broken_since", help, seconds, MetricType::Gauge)?;
        for release in releases {
            let told = release.images.iter().filter(|image| image.is_told());
            for (image, since) in told.filter_map(|image| Some((image, image.since_time?))) {
                let labels = [("release", release.release.as_str()), ("image", image.image.as_str())];
                one(&mut broken, &labels, (self.now - since).max(0))?;
            }
        }
        let help = "How old the newest payload is that was accepted";
        let mut ages = out.encode_descriptor("payload_age", help, seconds, MetricType::Gauge)?;
        let payloads = releases.iter().flat_map(|release| &release.payloads);
        let accepted = payloads.filter_map(|payload| Some((payload.stream.as_str(), payload.accepted_time?)));
        for (stream, at) in accepted.collect::<BTreeMap<_, _>>() {
            one(&mut ages, &[("stream", stream)], (self.now - at).max(0))?;
        }
        let help = "What could not be read of sources of results, so that what they know is older or missing";
        let mut unread = gauge(out, "results_unread", help)?;
        let mut counts: BTreeMap<&str, i64> = BTreeMap::new();
        for one in results.iter().flat_map(|results| &results.unread) {
            *counts.entry(&one.source).or_default() += 1;
        }
        for (source, count) in counts {
            one(&mut unread, &[("source", source)], count)?;
        }
        Ok(())
    }

    fn requests(&self, out: &mut DescriptorEncoder) -> fmt::Result {
        let mut requests = gauge(out, "pull_requests", "Pull requests by how they stand")?;
        for state in PullRequestState::ALL {
            let count = self
                .view
                .pull_requests
                .iter()
                .filter(|shown| shown.state == state)
                .count();
            one(&mut requests, &[("state", state.name())], count as i64)?;
        }
        Ok(())
    }

    fn findings(&self, out: &mut DescriptorEncoder) -> fmt::Result {
        let mut counts: BTreeMap<(String, &str), i64> = BTreeMap::new();
        for finding in &self.view.plan.findings {
            *counts.entry((finding.severity.to_string(), &finding.code)).or_default() += 1;
        }
        let mut findings = gauge(out, "findings", "Findings by severity and code")?;
        for ((severity, code), count) in &counts {
            one(&mut findings, &[("severity", severity), ("code", code)], *count)?;
        }
        Ok(())
    }

    fn runs(&self, out: &mut DescriptorEncoder) -> fmt::Result {
        let mut runs = counter(out, "runs", "Runs by what triggered them and how they ended")?;
        for ((trigger, outcome), count) in &self.totals.runs {
            counted(&mut runs, &[("trigger", trigger), ("outcome", outcome.name())], *count)?;
        }
        counted_alone(
            out,
            "writes",
            "Writes to pull requests and their branches",
            self.totals.writes,
        )?;
        self.answers(out)?;
        let done = self.view.runs.iter().find(|run| run.outcome == Outcome::Done);
        let ended = done.map_or(0.0, |run| run.started as f64 + run.took);
        let help = "When the last run that did everything ended; 0: none is known";
        alone(out, "last_successful_run_timestamp", help, Some(&Unit::Seconds), ended)
    }

    /// What pull requests of others were told.
    fn answers(&self, out: &mut DescriptorEncoder) -> fmt::Result {
        let mut told = counter(
            out,
            "impact_checks",
            "Answers to pull requests of others, by what they would do to OKD",
        )?;
        for verdict in Verdict::ALL {
            let count = self.totals.told.get(verdict.name()).copied().unwrap_or_default();
            counted(&mut told, &[("verdict", verdict.name())], count)?;
        }
        let help = "Comments and issues that tell that images do not build, by what was written";
        let mut writes = counter(out, "told_writes", help)?;
        for kind in Kind::ALL {
            let count = self.totals.told_writes.get(kind.name()).copied().unwrap_or_default();
            counted(&mut writes, &[("kind", kind.name())], count)?;
        }
        let mut pulls = gauge(
            out,
            "impact_pull_requests",
            "Open pull requests of others by what became of their answer",
        )?;
        for state in State::ALL {
            let count = self.view.impacts.count(state);
            one(&mut pulls, &[("state", state.name())], count as i64)?;
        }
        Ok(())
    }

    fn durations(&self, out: &mut DescriptorEncoder) -> fmt::Result {
        let help = "How long runs took";
        let kind = MetricType::Histogram;
        let mut durations = out.encode_descriptor("run_duration", help, Some(&Unit::Seconds), kind)?;
        for (trigger, took) in &self.totals.durations {
            let bounds = BOUNDS.iter().copied().chain([f64::INFINITY]);
            let buckets: Vec<(f64, u64)> = bounds.zip(took.buckets).collect();
            let labels: Labels<'_, 1> = [("trigger", trigger)];
            let mut family = durations.encode_family(&labels)?;
            family.encode_histogram::<NoLabelSet>(took.sum, took.buckets.iter().sum(), &buckets, None)?;
        }
        Ok(())
    }

    fn apis(&self, out: &mut DescriptorEncoder) -> fmt::Result {
        let mut requests = counter(out, "requests", "Requests that runs made, by API")?;
        for (api, count) in &self.totals.requests {
            counted(&mut requests, &[("api", api)], *count)?;
        }
        let mut left = gauge(
            out,
            "rate_limit_left",
            "Requests that may still be made before the limit starts anew",
        )?;
        for (api, limit) in &self.view.rate_limits {
            one(&mut left, &[("api", api)], limit.left_at(self.now) as i64)?;
        }
        let mut of = gauge(
            out,
            "rate_limit",
            "Requests that may be made before the limit starts anew",
        )?;
        for (api, limit) in &self.view.rate_limits {
            one(&mut of, &[("api", api)], limit.limit as i64)?;
        }
        let help = "When the limit starts anew";
        let seconds = Some(&Unit::Seconds);
        let mut resets = out.encode_descriptor("rate_limit_reset_timestamp", help, seconds, MetricType::Gauge)?;
        for (api, limit) in &self.view.rate_limits {
            one(&mut resets, &[("api", api)], limit.resets_at)?;
        }
        self.lookups(out)
    }

    fn lookups(&self, out: &mut DescriptorEncoder) -> fmt::Result {
        let mut cache = counter(out, "cache_lookups", "Look-ups in the cache of facts")?;
        counted(&mut cache, &[("result", "hit")], self.totals.cache.hits)?;
        counted(&mut cache, &[("result", "miss")], self.totals.cache.misses)?;
        let mut deliveries = counter(out, "webhook_deliveries", "Webhook deliveries by event and answer")?;
        for ((event, status), count) in &self.deliveries {
            counted(
                &mut deliveries,
                &[("event", event), ("status", &status.to_string())],
                *count,
            )?;
        }
        Ok(())
    }

    fn process(&self, out: &mut DescriptorEncoder) -> fmt::Result {
        let is = |yes: bool| i64::from(yes);
        let state = match &self.view.lease {
            Lease::Alone => "alone",
            Lease::Held { .. } => "held",
            Lease::Elsewhere { .. } => "elsewhere",
            Lease::Unknown(_) => "unknown",
            Lease::Observing => "observing",
        };
        let mut lease = gauge(out, "lease_state", "Who writes: 1 for the state that holds")?;
        for name in ["alone", "held", "elsewhere", "unknown", "observing"] {
            one(&mut lease, &[("state", name)], is(name == state))?;
        }
        alone(
            out,
            "writer",
            "Whether this replica writes",
            None,
            is(self.view.lease.writes()),
        )?;
        let ready = self.view.reasons().is_empty();
        alone(out, "ready", "Whether the daemon does its work", None, is(ready))?;
        alone(
            out,
            "queue_length",
            "Things that wait to be looked at",
            None,
            self.queue_length as i64,
        )?;
        let seconds = Some(&Unit::Seconds);
        alone(
            out,
            "start_timestamp",
            "When the daemon started",
            seconds,
            self.view.started,
        )?;
        let help = "The build of the program: always 1";
        let mut build = gauge(out, "build_info", help)?;
        one(&mut build, &[("version", env!("CARGO_PKG_VERSION"))], 1_i64)
    }
}

/// The label of an age.
fn bucket(age: Time) -> &'static str {
    let fits = AGES.iter().find(|(_, most)| age <= *most);
    fits.map_or("older", |(name, _)| name)
}

fn gauge<'e>(out: &'e mut DescriptorEncoder, name: &'e str, help: &str) -> Result<MetricEncoder<'e>, fmt::Error> {
    out.encode_descriptor(name, help, None, MetricType::Gauge)
}

fn counter<'e>(out: &'e mut DescriptorEncoder, name: &'e str, help: &str) -> Result<MetricEncoder<'e>, fmt::Error> {
    out.encode_descriptor(name, help, None, MetricType::Counter)
}

fn one<const N: usize>(family: &mut MetricEncoder, labels: &Labels<'_, N>, value: i64) -> fmt::Result {
    family.encode_family(labels)?.encode_gauge(&value)
}

fn counted<const N: usize>(family: &mut MetricEncoder, labels: &Labels<'_, N>, value: u64) -> fmt::Result {
    family
        .encode_family(labels)?
        .encode_counter::<NoLabelSet, _, f64>(&value, None)
}

fn counted_alone(out: &mut DescriptorEncoder, name: &str, help: &str, value: u64) -> fmt::Result {
    counter(out, name, help)?.encode_counter::<NoLabelSet, _, f64>(&value, None)
}

fn alone(
    out: &mut DescriptorEncoder,
    name: &str,
    help: &str,
    unit: Option<&Unit>,
    value: impl EncodeGaugeValue,
) -> fmt::Result {
    out.encode_descriptor(name, help, unit, MetricType::Gauge)?
        .encode_gauge(&value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_have_names() {
        let named = [0, 3600, 3601, 86_400, 604_800, 604_801].map(bucket);
        assert_eq!(named, ["hour", "hour", "day", "day", "week", "older"]);
    }
}
