//! `lockstep rules test` and `lockstep rules coverage`

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::anyhow;
use lockstep::workbench::coverage::Tally;
use lockstep::workbench::judge::{Verdict, judge};
use lockstep::workbench::sets::{self, RuleSets};
use lockstep::workbench::watch::{Round, Watch};
use lockstep::workbench::{case, report};
use rayon::prelude::*;

use super::args::{Cases, CoverageArgs, TestArgs, TestFormat};
use crate::cli::common::TextOrJson;
use crate::cli::{Ended, Outcome, print, say};

/// Runs cases.
pub fn test(args: &TestArgs) -> Outcome {
    if args.watch {
        return watch(args);
    }
    let (verdicts, took) = run(&args.cases, args.update, args.fail_fast)?;
    let text = match args.format {
        TestFormat::Text => report::text(&verdicts, took),
        TestFormat::Json => format!("{}\n", serde_json::to_string_pretty(&report::json(&verdicts))?),
        TestFormat::Junit => report::junit(&verdicts, took),
    };
    print(&text)?;
    let passed = verdicts.iter().all(|verdict| verdict.failures.is_empty());
    Ok(if passed { Ended::Done } else { Ended::Failed })
}

/// Runs cases, and again what depends on a file that is saved.
fn watch(args: &TestArgs) -> Outcome {
    let mut watch = Watch::new(args.cases.paths.clone(), args.cases.filter.clone())?;
    let mut failed = Ok(());
    watch.run(|round| {
        failed = show(&round);
        failed.is_ok()
    });
    failed.map(|()| Ended::Done)
}

/// One round of a watch: what changed, then only the cases that fail, and a line that counts.
fn show(round: &Round) -> Result<(), anyhow::Error> {
    let changed: Vec<_> = round.changed.iter().map(|path| path.display().to_string()).collect();
    if !changed.is_empty() && round.verdicts.is_empty() && round.trouble.is_none() {
        return Ok(());
    }
    if let Some(first) = changed.first() {
        let more = if changed.len() > 1 {
            format!(" and {} more", changed.len() - 1)
        } else {
            String::new()
        };
        print(&format!("\n{first}{more} changed\n"))?;
    }
    if let Some(trouble) = &round.trouble {
        print(&format!("error: {trouble}\n"))?;
    }
    print(&report::text(&round.verdicts, round.took))
}

/// Runs cases and tells which rules they exercise.
pub fn coverage(args: &CoverageArgs) -> Outcome {
    let (verdicts, _) = run(&args.cases, false, false)?;
    let only = args.only.as_deref().unwrap_or_default();
    let mut ended = Ended::Done;
    let mut tally = Tally::default();
    let builtin = [sets::BUILTIN_NAME.into()];
    tally.add_rules(&*RuleSets::default().load(&builtin).map_err(|error| anyhow!("{error}"))?);
    for verdict in verdicts {
        if !verdict.failures.is_empty() {
            say(&format!(
                "error: case {} fails; `lockstep rules test` says why",
                verdict.name
            ));
            ended = Ended::Failed;
        }
        tally.merge(verdict.tally);
    }
    let count = tally.0.len();
    if !tally.0.keys().any(|(.., id)| id.contains(only)) {
        return Err(anyhow!("none of {count} rules has {only} in its id"));
    }
    match args.format {
        TextOrJson::Json => print(&format!("{}\n", serde_json::to_string_pretty(&tally.json())?))?,
        TextOrJson::Text if args.annotate => {
            let mut names: Vec<_> = tally.0.keys().map(|(file, ..)| file.clone()).collect();
            names.dedup();
            let mut files = sets::read(&builtin)?;
            for name in names {
                if files.iter().all(|(known, _)| *known != name) {
                    files.extend(sets::read(&[name.into()])?);
                }
            }
            print(&tally.annotate(&files))?;
        }
        TextOrJson::Text => print(&tally.text(only))?,
    }
    if let Some(min) = args.min.filter(|min| tally.percent() < *min) {
        let never: Vec<_> = tally
            .never()
            .map(|(file, line, id)| format!("  {id} ({file}:{line})"))
            .collect();
        let text = format!(
            "error: {} % of the rules decided in a case, {min} % are asked for; never:\n{}",
            tally.percent(),
            never.join("\n")
        );
        say(&text);
        ended = Ended::Failed;
    }
    Ok(ended)
}

/// Runs the cases that are asked for; that there is none is an error.
fn run(cases: &Cases, update: bool, fail_fast: bool) -> Result<(Vec<Verdict>, Duration), anyhow::Error> {
    let start = Instant::now();
    let mut dirs = case::discover(&cases.paths)?;
    let count = dirs.len();
    let name = |dir: &std::path::Path| dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
    dirs.retain(|dir| cases.filter.is_empty() || cases.filter.iter().any(|text| name(dir).contains(text.as_str())));
    if dirs.is_empty() {
        return Err(anyhow!(
            "none of {count} cases has {} in its name",
            cases.filter.join(" or ")
        ));
    }
    let (sets, stop) = (RuleSets::default(), AtomicBool::new(false));
    let verdicts = dirs.par_iter().filter_map(|dir| {
        if stop.load(Ordering::Relaxed) {
            return None;
        }
        let verdict = judge(dir, &sets, update);
        if fail_fast && !verdict.failures.is_empty() {
            stop.store(true, Ordering::Relaxed);
        }
        Some(verdict)
    });
    Ok((verdicts.collect(), start.elapsed()))
}
