//! `lockstep plan`

use std::path::Path;

use anyhow::{Context, anyhow};
use lockstep::forge::{self, Kept, PlannedView};
use lockstep::plan::{self, Counts, Plan, WhatIf};
use lockstep::run::Rendering;

use super::args::{By, Common, PlanArgs, TextOrJson};
use super::place::CliForge;
use super::setup::{self, Ready};
use super::{Ended, Outcome, color, json_of, print, schema_of};

/// How often what differs is taken for merged until nothing differs any more: a change can wait for another one.
const ROUNDS: usize = 8;

/// Shows the drift, and what `reconcile` would write; of a try, what that alone changes.
pub fn run(args: &PlanArgs) -> Outcome {
    if args.schema {
        print(&schema_of::<PlannedView<'_>>()?)?;
        return Ok(Ended::Done);
    }
    if args.out.is_some() {
        setup::in_earnest(&args.common, "`plan` without `--out`")?;
    }
    let mut ended = Ended::Done;
    let (plan, outcomes) = if setup::tries(&args.common).is_empty() {
        let ready = setup::ready(&args.common)?;
        let plan = ready.plan(&mut ended)?;
        let outcomes = CliForge::foretell(&ready, &plan)?;
        (plan, outcomes)
    } else {
        // Nothing of a try is ever written.
        (what_if(&args.common, &mut ended)?, Vec::new())
    };
    if let Some(file) = &args.out {
        keep(file, &Kept::of(&plan, &outcomes))?;
    }
    match args.format {
        TextOrJson::Json => print(&json_of(&PlannedView::of(&plan, &outcomes))?)?,
        TextOrJson::Text => {
            let details = plan::details(&plan, args.by.map(by), color());
            let summary = color().paint("1", &plan::summary(&plan));
            print(&format!(
                "{details}{}{summary}\n",
                forge::foretold(&outcomes, "lockstep reconcile")
            ))?;
        }
    }
    Ok(match args.exit_code {
        true if !plan.not_compared.is_empty() || plan.looked_at == 0 => Ended::Failed,
        true if plan.has_drift() => ended.max(Ended::Drift),
        _ => ended,
    })
}

/// How drift is grouped, as the plan has it.
pub fn by(by: By) -> plan::By {
    match by {
        By::Cause => plan::By::Cause,
        By::File => plan::By::File,
        By::Image => plan::By::Image,
    }
}

/// What a try alone changes: everything that differs without it is taken for merged.
fn what_if(common: &Common, ended: &mut Ended) -> Result<Plan, anyhow::Error> {
    let (settled, before, drift) = as_it_is(common)?;
    let mut ready = setup::ready(common)?;
    for round in &settled {
        ready.run.assume(round);
    }
    let mut plan = ready.plan(ended)?;
    let known: Vec<String> = before.iter().map(ToString::to_string).collect();
    let now: Vec<String> = plan.findings.iter().map(ToString::to_string).collect();
    let gone = before.into_iter().zip(&known).filter(|(_, text)| !now.contains(text));
    plan.what_if = Some(WhatIf {
        tried: setup::tries(common),
        drift_as_it_is: drift,
        findings_gone: gone.map(|(finding, _)| finding).collect(),
    });
    plan.findings.retain(|finding| !known.contains(&finding.to_string()));
    Ok(plan)
}

/// What there is without the try: what differs, round by round until nothing does; what is found then; how many files
/// differ at first.
type AsItIs = (Vec<Vec<Rendering>>, Vec<lockstep::finding::Finding>, Counts);

fn as_it_is(common: &Common) -> Result<AsItIs, anyhow::Error> {
    let plain = Common {
        set: Vec::new(),
        with_rules: Vec::new(),
        ..common.clone()
    };
    // What cannot be done is told of the try itself.
    let mut ended = Ended::Done;
    let mut ready: Ready = setup::ready(&plain)?;
    let (mut rounds, mut drift) = (Vec::new(), None);
    loop {
        let renderings = ready.renderings_told(&mut ended, false)?;
        let plan = ready.plan_of_all(renderings.clone(), false);
        drift.get_or_insert_with(|| plan.counts());
        let moved = ready.run.assume(&renderings);
        rounds.push(renderings);
        if !moved || rounds.len() == ROUNDS {
            return Ok((rounds, plan.findings, drift.unwrap_or_default()));
        }
    }
}

/// Writes a kept plan: the whole file, or none.
fn keep(file: &Path, kept: &Kept) -> Result<(), anyhow::Error> {
    let text = kept.text()?;
    setup::write_whole(file, &text).with_context(|| format!("the plan cannot be kept in {}", file.display()))?;
    super::say(&format!(
        "kept in {}: `lockstep reconcile --plan {}` writes exactly this, or says what has moved",
        file.display(),
        file.display()
    ));
    Ok(())
}

/// Reads a kept plan.
///
/// # Errors
/// It cannot be read, or is none.
pub fn kept(file: &Path) -> Result<Kept, anyhow::Error> {
    const MOST: u64 = 1 << 30;
    let text = setup::text(file, MOST)?;
    Kept::read(&text).map_err(|why| anyhow!("{}: {why}", file.display()))
}
