//! `lockstep rules check`

use std::path::{Path, PathBuf};
use std::sync::Arc;

use lockstep::base::Date;
use lockstep::config::{self, RuleSet as RuleSource};
use lockstep::rules::diagnostic::Texts;
use lockstep::rules::set::Record;
use lockstep::rules::{Diagnostic, Rule, RuleSet};
use lockstep::run::{LoadedRules, Run, begin};
use lockstep::targets::Chosen;
use lockstep::workbench::held::{self, Held};
use lockstep::workbench::sets::{self, Files};
use serde_json::json;

use super::args::CheckArgs;
use crate::cli::common::TextOrJson;
use crate::cli::{Ended, Outcome, Usage, print, say, setup};

/// What was found: what is wrong, and what is worth knowing.
#[derive(Default)]
struct Found {
    faults: Vec<Diagnostic>,
    notes: Vec<Diagnostic>,
    /// What the rules were held against, for people.
    against: Option<String>,
}

/// Tells all faults of rule files at once.
pub fn run(args: &CheckArgs) -> Outcome {
    let configured = args.config.as_deref().map(config::load).transpose()?;
    let mut wanted = match &configured {
        Some(config) if args.files.rules.is_empty() => config.rules.iter().map(path_of).collect(),
        _ => args.files.sets(),
    };
    if configured.is_some() && args.files.rules.is_empty() {
        wanted.extend(args.files.paths.iter().cloned());
    }
    let files = sets::read(&wanted)?;
    let (mut count, mut found) = (0, Found::default());
    match RuleSet::load(&files) {
        Ok(rules) => {
            count = rules.rules.len();
            found.faults = [rules.unreachable(), rules.old_names()].concat();
            let own = own_files(args, &wanted)?;
            let is_own = |rule: &Rule| own.iter().any(|(name, _)| *name == rule.place.file);
            match configured {
                Some(config) => against_world(args, config, rules, &is_own, &mut found)?,
                None if !own.is_empty() => against_cases(args, &rules, &is_own, &mut found),
                None => {}
            }
        }
        Err(faults) => found.faults = faults,
    }
    show(args, &files, count, found)
}

fn path_of(set: &RuleSource) -> PathBuf {
    match set {
        RuleSource::Builtin => sets::BUILTIN_NAME.into(),
        RuleSource::Feedback => sets::FEEDBACK_NAME.into(),
        RuleSource::Path(path) => path.clone(),
    }
}

/// The files of the author: those that were named, else all that are not built in.
fn own_files(args: &CheckArgs, wanted: &[PathBuf]) -> Result<Files, anyhow::Error> {
    let is_builtin = |set: &&PathBuf| {
        let folder = sets::builtin_folder();
        set.as_path() == Path::new(sets::BUILTIN_NAME)
            || folder.is_some_and(|folder| folder.components().eq(set.components()))
    };
    let own: Vec<PathBuf> = match args.files.paths.is_empty() {
        true => wanted.iter().filter(|set| !is_builtin(set)).cloned().collect(),
        false => args
            .files
            .paths
            .iter()
            .filter(|set| !is_builtin(set))
            .cloned()
            .collect(),
    };
    Ok(sets::read(&own)?)
}

/// Holds the rules of the author against the cases, where there are any: what decides nothing there lacks a case.
fn against_cases(args: &CheckArgs, rules: &RuleSet, own: &dyn Fn(&Rule) -> bool, found: &mut Found) {
    if !args.cases.is_dir() {
        return;
    }
    let sets: Vec<PathBuf> = args.files.sets();
    match held::against_cases(&args.cases, &sets, own, rules) {
        Ok((held, count)) if count > 0 => {
            found.faults.extend(held.faults(rules, own));
            found.notes.extend(held.idle(rules, own, "any case"));
            let cases = if count == 1 { "case" } else { "cases" };
            found.against = Some(format!("held against {count} {cases}"));
        }
        // A folder that a checkout happens to have.
        Err(_) if args.cases == Path::new("fixtures/cases") => {}
        Ok(_) => {}
        Err(why) => say(&format!("note: the rules are held against no case: {why}")),
    }
}

/// Holds the rules against all that is configured.
fn against_world(
    args: &CheckArgs,
    config: config::Config,
    rules: RuleSet,
    own: &dyn Fn(&Rule) -> bool,
    found: &mut Found,
) -> Result<(), anyhow::Error> {
    found.notes.extend(unread(&rules, own, &config.targets));
    let asked: Vec<_> = args
        .releases
        .iter()
        .map(|text| text.parse())
        .collect::<Result<_, _>>()
        .map_err(|error| Usage(format!("--release: {error}")))?;
    let record = Arc::new(Record::default());
    let recording = Arc::new(rules.recording(Arc::clone(&record)));
    let sources = begin::sources(&config)?;
    let run = Run::new(config, LoadedRules::ready(recording), sources).on(Date::of_unix(setup::now()));
    let ci = run.ci_config()?;
    let releases = run.releases(&asked, ci.as_deref())?;
    let mut held = Held::default();
    let of_audit = held::is_of_audit(&rules, own);
    for release in &releases {
        let metadata = run.metadata(*release)?;
        let derived = match of_audit {
            true => run.derive_whole(&metadata, ci.as_deref())?,
            false => run.derive(&metadata, ci.as_deref())?,
        };
        run.render(std::slice::from_ref(&derived), ci.as_ref())?;
        if of_audit {
            run.audit(std::slice::from_ref(&metadata), ci.as_ref(), false)?;
        }
        held.add(&release.to_string(), &rules, &record.take());
    }
    let named: Vec<String> = releases.iter().map(ToString::to_string).collect();
    let named = named.join(", ");
    found.faults.extend(held.faults(&rules, own));
    found
        .faults
        .extend(held.idle(&rules, own, &format!("any image, config or job of {named}")));
    let values = held.values(&rules, own);
    found.against = Some(match values {
        0 => format!("held against {named}"),
        1 => format!("held against {named}: one value is decided by yours"),
        many => format!("held against {named}: {many} values are decided by yours"),
    });
    Ok(())
}

/// The rules of the author that set a field which none of the configured targets reads.
fn unread(rules: &RuleSet, own: &dyn Fn(&Rule) -> bool, targets: &[Chosen]) -> Vec<Diagnostic> {
    let names: Vec<&str> = targets.iter().map(|chosen| chosen.target.name).collect();
    let mut found = Vec::new();
    for rule in rules.rules.iter().filter(|rule| own(rule)) {
        for setting in &rule.settings {
            let Some(readers) = lockstep::targets::readers(setting.field) else {
                continue;
            };
            if readers.iter().any(|reader| names.contains(reader)) {
                continue;
            }
            found.push(Diagnostic {
                code: "unread-field",
                file: rule.place.file.clone(),
                pos: lockstep::yaml::Pos {
                    line: rule.place.line,
                    column: 1,
                },
                width: 0,
                message: format!(
                    "`{}` sets `{}`, which none of the configured targets reads ({})",
                    rule.id,
                    setting.field,
                    names.join(", ")
                ),
                hint: format!(
                    "the targets that read it are {}; `build-config` and `explain` show it",
                    readers.join(", ")
                ),
            });
        }
    }
    found
}

fn show(args: &CheckArgs, files: &Files, count: usize, found: Found) -> Outcome {
    let Found {
        mut faults,
        mut notes,
        against,
    } = found;
    let order = |fault: &Diagnostic| files.iter().position(|(name, _)| *name == fault.file);
    faults.sort_by_key(|fault| (order(fault), fault.pos));
    notes.sort_by_key(|note| (order(note), note.pos));
    let texts = Texts::new(files);
    match args.format {
        TextOrJson::Json => {
            let each = |all: &[Diagnostic]| all.iter().map(|fault| texts.json(fault)).collect::<Vec<_>>();
            let report = json!({
                "files": files.len(), "rules": count, "faults": each(&faults), "notes": each(&notes), "held_against": against,
            });
            print(&format!("{}\n", serde_json::to_string_pretty(&report)?))?;
        }
        TextOrJson::Text => {
            for fault in &faults {
                print(&format!("{}\n", texts.show(fault)))?;
            }
            for note in &notes {
                print(&format!("note: {note}\n"))?;
            }
            let against = against.map(|against| format!("; {against}")).unwrap_or_default();
            let summary = match faults.iter().filter(|fault| !fault.is_warning()).count() {
                0 => format!("{count} rules in {} files: no faults{against}\n", files.len()),
                1 => format!("1 fault{against}\n"),
                many => format!("{many} faults{against}\n"),
            };
            print(&summary)?;
        }
    }
    Ok(if faults.iter().all(Diagnostic::is_warning) {
        Ended::Done
    } else {
        Ended::Failed
    })
}
