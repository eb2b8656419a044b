//! `lockstep man`

use std::fs;
use std::path::Path;

use anyhow::Context;
use clap::CommandFactory;
use clap_mangen::Man;

use super::args::{Cli, ManArgs};
use super::{Ended, Outcome, print};

/// Prints the manual's page, or writes one for each command.
pub fn run(args: &ManArgs) -> Outcome {
    let command = Cli::command().name("lockstep");
    match &args.out {
        None => print(&page(command)?)?,
        Some(dir) => {
            fs::create_dir_all(dir).with_context(|| dir.display().to_string())?;
            let mut command = command;
            command.build();
            write(&command, "lockstep", dir)?;
        }
    }
    Ok(Ended::Done)
}

/// Writes the page of a command, and of those below it: `lockstep-rules-test.1`.
fn write(command: &clap::Command, name: &str, dir: &Path) -> anyhow::Result<()> {
    let path = dir.join(format!("{name}.1"));
    // A page's name is looked up as it is. clap keeps names for good, and the program ends with these.
    let kept: &'static str = Box::leak(name.to_owned().into_boxed_str());
    let named = command.clone().name(kept).display_name(kept);
    fs::write(&path, page(named)?).with_context(|| path.display().to_string())?;
    let below = command
        .get_subcommands()
        .filter(|below| below.get_name() != "help" && !below.is_hide_set());
    for below in below {
        write(below, &format!("{name}-{}", below.get_name()), dir)?;
    }
    Ok(())
}

fn page(command: clap::Command) -> anyhow::Result<String> {
    let mut text = Vec::new();
    Man::new(command).render(&mut text)?;
    Ok(String::from_utf8(text)?)
}
