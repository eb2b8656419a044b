//! `lockstep payload`

use std::fmt::Write as _;

use anyhow::anyhow;
use lockstep::base::text::terminal;
use lockstep::run::verified::Verified;

use super::args::{PayloadArgs, TextOrJson};
use super::{Ended, Outcome, print, schema_of, setup};

/// Prints which jobs verify the payload of each release, from where, and what is missing.
pub fn run(args: &PayloadArgs) -> Outcome {
    if args.schema {
        print(&schema_of::<Vec<Verified>>()?)?;
        return Ok(Ended::Done);
    }
    let ready = setup::ready(&args.common)?;
    let mut ended = Ended::Done;
    let metadata = ready.metadata(&mut ended)?;
    let releases = ready.derive(&metadata, &mut ended)?;
    let Some(all) = ready.run.verified(&releases, ready.ci.as_ref())? else {
        return Err(anyhow!(
            "the CI configs (`sources.ci-config`) have no gating configs: what verifies a payload cannot be told"
        ));
    };
    match args.format {
        TextOrJson::Text => print(&all.iter().map(text).collect::<Vec<_>>().join("\n"))?,
        TextOrJson::Json => print(&format!("{}\n", serde_json::to_string_pretty(&all)?))?,
    }
    Ok(ended)
}

fn text(one: &Verified) -> String {
    let ended = match one.ended.as_str() {
        "" => String::new(),
        why => format!(", which has ended: {why}"),
    };
    let mut out = format!("{} ({}){ended}\n", one.release, one.stream);
    let from: Vec<String> = one
        .upgrades_from
        .keys()
        .map(|from| match one.not_looked_after.contains(from) {
            true => format!("{from} (which nobody looks after)"),
            false => from.clone(),
        })
        .collect();
    let _ = writeln!(
        out,
        "  upgraded to from {}",
        if from.is_empty() {
            "nothing".to_owned()
        } else {
            from.join(", ")
        }
    );
    for (name, job) in &one.jobs {
        let from = job
            .config
            .as_deref()
            .and_then(|path| path.rsplit('/').next())
            .unwrap_or("no gating config");
        let waits = match job.waited_for_by.as_slice() {
            [] => "no payload waits for it".to_owned(),
            waits => {
                let optional = if job.blocking { "" } else { ", optional" };
                format!("waited for by {}{optional}", waits.join(", "))
            }
        };
        let _ = writeln!(out, "  {name}\n    from {from}; {waits}");
    }
    for missing in &one.missing {
        let _ = writeln!(out, "  missing: {missing}");
    }
    out.lines().map(|line| terminal(line) + "\n").collect()
}
