//! `lockstep audit`

use std::collections::BTreeSet;

use lockstep::audit::report::{Fixed, Report};
use lockstep::audit::{pages, registry, sarif, since, text};
use lockstep::base::Release;
use lockstep::finding::Finding;
use lockstep::finding::policy::Judged;
use lockstep::forge::Action;
use lockstep::model::metadata::Metadata;
use lockstep::plan::{self, Plan};
use lockstep::run::audit::Audit;

use super::args::{AuditArgs, AuditFormat};
use super::place::CliForge;
use super::setup::Ready;
use super::{Ended, Outcome, Usage, color, print, say, schema_of, setup};

/// Shows all findings.
pub fn run(args: &AuditArgs) -> Outcome {
    if args.schema {
        print(&schema_of::<Report>()?)?;
        return Ok(Ended::Done);
    }
    if let Some(code) = &args.explain {
        return explain(code);
    }
    if args.apply {
        setup::in_earnest(&args.common, "`--fix` without `--apply`")?;
    }
    let ready = setup::ready(&args.common)?;
    let mut ended = Ended::Done;
    let metadata = ready.metadata(&mut ended)?;
    let mut audit = ready.audit(&metadata, &mut ended)?;
    let mut judged = judge(&ready, &mut audit);
    let before = args.since.as_deref().map(|commit| before(&ready, commit)).transpose()?;
    let commit = before.map(|(commit, findings)| {
        let shown = std::mem::take(&mut judged.shown);
        judged.shown = since::new(shown, &findings);
        commit
    });
    let shown: BTreeSet<String> = judged.shown.iter().map(Finding::identity).collect();
    audit.fixes.retain(|made| shown.contains(&made.fix.finding));
    let known = audit
        .fixes
        .iter()
        .map(|made| (made.fix.finding.clone(), made.fix.change.to_string()));
    let suppress = &ready.run.config().audit.suppress;
    let mut report = Report::new(audit.releases, judged, suppress, audit.skipped, &known.collect());
    report.since = commit;
    let fixes = args.fix.then(|| ready.run.plan_of_fixes(audit.fixes, audit.looked_at));
    report.fixes = fixes.as_ref().map(Fixed::of);
    show(args.format, &report, fixes.as_ref())?;
    if let (Some(fixes), true) = (&fixes, args.apply) {
        ended = ended.max(apply(&ready, fixes)?);
    }
    if args.exit_code && report.has_errors() {
        ended = ended.max(Ended::Drift);
    }
    Ok(ended)
}

fn judge(ready: &Ready, audit: &mut Audit) -> Judged {
    let findings = std::mem::take(&mut audit.findings);
    let policy = &ready.run.config().audit;
    policy.judge(findings, ready.run.today(), ready.whole)
}

/// The findings with build data as it was at a commit, and the commit's whole id.
fn before(ready: &Ready, commit: &str) -> Result<(String, Vec<Finding>), anyhow::Error> {
    let mut ended = Ended::Done;
    let old = at(ready, commit)?;
    let id = old.origin.commit.clone().unwrap_or_else(|| commit.to_owned());
    let mut metadata = ready.metadata(&mut ended)?;
    metadata.retain(|metadata| metadata.release != old.release);
    metadata.push(old);
    let mut audit = ready.audit(&metadata, &mut ended)?;
    Ok((id, judge(ready, &mut audit).shown))
}

/// Build data at a commit: of that release among those asked for which its own variables name.
fn at(ready: &Ready, commit: &str) -> Result<Metadata, anyhow::Error> {
    let mut fault = None;
    for release in &ready.releases {
        match ready.run.metadata_at(*release, commit) {
            Ok(old) if of(&old) == Some(*release) => return Ok(old),
            Ok(old) => fault = of(&old).map(|other| not_asked(commit, other)).or(fault),
            Err(error) => fault = fault.or(Some(error.into())),
        }
    }
    let none = || anyhow::anyhow!("build data at {commit} names no release in `vars`");
    Err(fault.unwrap_or_else(none).context("`--since` cannot be answered"))
}

fn of(metadata: &Metadata) -> Option<Release> {
    let number = |name: &str| metadata.group.vars.get(name)?.parse().ok();
    Some(Release::new(number("MAJOR")?, number("MINOR")?))
}

fn not_asked(commit: &str, release: Release) -> anyhow::Error {
    Usage(format!(
        "commit {commit} is of release {release}, which is not among those asked for"
    ))
    .into()
}

fn show(format: AuditFormat, report: &Report, fixes: Option<&Plan>) -> Result<(), anyhow::Error> {
    match format {
        AuditFormat::Text => {
            print(&text::text(report, color()))?;
            match fixes {
                Some(fixes) if fixes.changing().next().is_some() => {
                    print(&format!("\n{}", plan::text(fixes, Some(plan::By::File), color())))
                }
                Some(_) => print("nothing of this has a safe change that could be made\n"),
                None => Ok(()),
            }
        }
        AuditFormat::Json => print(&format!("{}\n", serde_json::to_string_pretty(report)?)),
        AuditFormat::Sarif => {
            let run = sarif::sarif(report, env!("CARGO_PKG_VERSION"));
            print(&format!("{}\n", serde_json::to_string_pretty(&run)?))
        }
    }
}

/// Makes the pull requests of fixes.
fn apply(ready: &Ready, fixes: &Plan) -> Outcome {
    let mut ended = Ended::Done;
    let mut place = CliForge::of(ready)?;
    for outcome in place.apply(ready, fixes, false) {
        if outcome.error.is_some() {
            ended = Ended::Failed;
        }
        if outcome.action != Some(Action::InSync) {
            say(&outcome.to_string());
        }
    }
    Ok(ended)
}

fn explain(name: &str) -> Outcome {
    let Some(code) = registry::find(name) else {
        let known: Vec<_> = registry::codes().iter().map(|code| code.name).collect();
        let hint = lockstep::rules::load::nearest(name, &known);
        return Err(Usage(format!("there is no finding `{name}`; {hint}")).into());
    };
    print(&pages::page(code))?;
    Ok(Ended::Done)
}
