//! `lockstep rules check`

use anyhow::anyhow;
use lockstep::rules::diagnostic::Texts;
use lockstep::rules::{Diagnostic, RuleSet};
use lockstep::workbench::sets;
use serde_json::json;

use super::args::CheckArgs;
use crate::cli::args::TextOrJson;
use crate::cli::{Ended, Outcome, print};

/// Tells all faults of rule files at once.
pub fn run(args: &CheckArgs) -> Outcome {
    let files = sets::read(&args.files.sets()).map_err(|message| anyhow!(message))?;
    let (count, mut faults) = match RuleSet::load(&files) {
        Ok(set) => (set.rules.len(), [set.unreachable(), set.old_names()].concat()),
        Err(faults) => (0, faults),
    };
    let order = |fault: &Diagnostic| files.iter().position(|(name, _)| *name == fault.file);
    faults.sort_by_key(|fault| (order(fault), fault.pos));
    let texts = Texts::new(&files);
    match args.format {
        TextOrJson::Json => {
            let faults: Vec<_> = faults.iter().map(|fault| texts.json(fault)).collect();
            let report = json!({"files": files.len(), "rules": count, "faults": faults});
            print(&format!("{}\n", serde_json::to_string_pretty(&report)?))?;
        }
        TextOrJson::Text => {
            for fault in &faults {
                print(&format!("{}\n", texts.show(fault)))?;
            }
            let summary = match faults.iter().filter(|fault| !fault.is_warning()).count() {
                0 => format!("{count} rules in {} files: no faults\n", files.len()),
                1 => "1 fault\n".to_owned(),
                many => format!("{many} faults\n"),
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
