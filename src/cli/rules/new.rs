//! `lockstep rules new`

use lockstep::base::Release;
use lockstep::workbench::new;

use super::args::NewArgs;
use crate::cli::{Ended, Outcome, Usage, print};

/// Makes a rule and a case to start from.
pub fn run(args: &NewArgs) -> Outcome {
    let release: Release = args
        .release
        .parse()
        .map_err(|error| Usage(format!("--release: {error}")))?;
    let written = new::new(&args.name, &args.cases, release)?;
    let mut text = String::new();
    for path in written {
        text.push_str(&format!("wrote {}\n", path.display()));
    }
    let cases = args.cases.display();
    let name = &args.name;
    text.push_str(&format!(
        "Now fill in {cases}/{name}/rules.yaml and case.yaml until `lockstep rules test {cases}/{name}` passes.\n"
    ));
    print(&text)?;
    Ok(Ended::Done)
}
