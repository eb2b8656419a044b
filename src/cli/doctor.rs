//! `lockstep doctor`

use std::sync::Arc;

use lockstep::config::{self, Care};
use lockstep::doctor::{Report, examine};
use lockstep::run::{LoadedRules, rule_files};

use super::args::{DoctorArgs, TextOrJson};
use super::{Ended, Outcome, json_of, print, progress, schema_of, setup};

/// Prints what stands in the way of a run.
pub fn run(args: &DoctorArgs) -> Outcome {
    if args.schema {
        print(&schema_of::<Report>()?)?;
        return Ok(Ended::Done);
    }
    let config = config::load_with(&args.config, Care::Whole)?;
    let files = rule_files::read(&config.rules)?;
    let bar = progress::bar();
    let tell = bar
        .clone()
        .map(|bar| -> lockstep::source::Progress { Arc::new(move |what: &str| bar.set_message(what.to_owned())) });
    let report = examine(&config, LoadedRules::new(files), tell, setup::now());
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    match args.format {
        TextOrJson::Text => print(&report.text())?,
        TextOrJson::Json => print(&json_of(&report)?)?,
    }
    Ok(if report.failing() > 0 {
        Ended::Failed
    } else {
        Ended::Done
    })
}
