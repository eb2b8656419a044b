//! `lockstep audit`

use lockstep::audit::policy::AuditPolicy;
use lockstep::audit::report::Report;
use lockstep::audit::{pages, registry, text};

use super::args::{AuditArgs, AuditFormat};
use super::{Ended, Outcome, Usage, color, print, schema_of, setup};

/// Shows all findings.
pub fn run(args: &AuditArgs) -> Outcome {
    if args.schema {
        print(&schema_of::<Report>()?)?;
        return Ok(Ended::Done);
    }
    if let Some(code) = &args.explain {
        return explain(code);
    }
    let ready = setup::ready(&args.common)?;
    let mut ended = Ended::Done;
    let metadata = ready.metadata(&mut ended)?;
    let audit = ready.audit(&metadata, &mut ended)?;
    let policy = AuditPolicy::default();
    let judged = policy.judge(audit.findings, ready.run.policy.today, ready.whole);
    let report = Report::new(audit.releases, judged, &policy.suppress, audit.skipped);
    match args.format {
        AuditFormat::Text => print(&text::text(&report, color()))?,
        AuditFormat::Json => print(&format!("{}\n", serde_json::to_string_pretty(&report)?))?,
    }
    if args.exit_code && report.has_errors() {
        ended = ended.max(Ended::Drift);
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
