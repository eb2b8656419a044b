//! `lockstep init`

use std::fs::File;
use std::io::{BufRead, ErrorKind, IsTerminal, Write};

use anyhow::Context;
use lockstep::base::Release;
use lockstep::config::{Answers, FirstForge, first};

use super::args::{InitArgs, InitForge};
use super::{Ended, Outcome, Usage, print, say};

/// Writes a first configuration and says how to go on. What is there already is left as it is.
pub fn run(args: &InitArgs) -> Outcome {
    let path = &args.config;
    if path.symlink_metadata().is_ok() {
        let why = "is there already; `lockstep config check` looks at it, another name goes with `--config FILE`";
        return Err(anyhow::anyhow!("{}: {why}", path.display()));
    }
    let text = first(&answers(args)?);
    // Also where it has come to be since: nothing is overwritten.
    let mut file = match File::create_new(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(anyhow::anyhow!(
                "{}: the folder is not there; make it first",
                path.display()
            ));
        }
        made => made.with_context(|| path.display().to_string())?,
    };
    file.write_all(text.as_bytes())
        .with_context(|| path.display().to_string())?;
    let named = match path.to_str() {
        Some("lockstep.yaml") => String::new(),
        _ => format!(" --config {}", path.display()),
    };
    print(&format!(
        "Wrote {}. Next:\n  lockstep plan{named}    what has drifted, and every write that would put it right; writes nothing itself\n",
        path.display()
    ))?;
    Ok(Ended::Done)
}

fn answers(args: &InitArgs) -> anyhow::Result<Answers> {
    for release in &args.releases {
        check(release).map_err(|why| Usage(why.to_string()))?;
    }
    let ask = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    let forge = match args.forge {
        Some(forge) => forge,
        None if ask => ask_until(
            "Where should pull requests go: github, or local (a folder)? [local] ",
            forge_of,
        )?,
        None => InitForge::Local,
    };
    let releases = match args.releases.as_slice() {
        [] if ask && args.forge.is_none() => {
            ask_until("Which releases, such as 4.20 4.21? [all that are found] ", releases_of)?
        }
        named => named.to_vec(),
    };
    let forge = match forge {
        InitForge::Github => FirstForge::GitHub,
        InitForge::Local => FirstForge::Local,
    };
    Ok(Answers { forge, releases })
}

/// An answer that is none.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
enum NoAnswer {
    #[error("`{0}` is neither `github` nor `local`")]
    Forge(String),
    #[error("`{0}` is no release such as 4.20")]
    Release(String),
}

/// Asks until there is an answer that can be used.
fn ask_until<T>(question: &str, read: impl Fn(&str) -> Result<T, NoAnswer>) -> anyhow::Result<T> {
    loop {
        write!(std::io::stderr(), "{question}")?;
        let mut line = String::new();
        if std::io::stdin().lock().read_line(&mut line)? == 0 {
            anyhow::bail!("no answer; nothing was written (`lockstep init --help` shows the flags)");
        }
        match read(line.trim()) {
            Ok(answer) => return Ok(answer),
            Err(why) => say(&why.to_string()),
        }
    }
}

fn forge_of(answer: &str) -> Result<InitForge, NoAnswer> {
    match answer {
        "" | "local" => Ok(InitForge::Local),
        "github" => Ok(InitForge::Github),
        other => Err(NoAnswer::Forge(other.to_owned())),
    }
}

fn releases_of(answer: &str) -> Result<Vec<String>, NoAnswer> {
    let named = answer.split([' ', ',']).filter(|release| !release.is_empty());
    named
        .map(|release| check(release).map(|()| release.to_owned()))
        .collect()
}

fn check(release: &str) -> Result<(), NoAnswer> {
    let right = release.parse::<Release>().is_ok();
    right.then_some(()).ok_or_else(|| NoAnswer::Release(release.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_as_people_give_them() {
        assert_eq!(forge_of(""), Ok(InitForge::Local));
        assert_eq!(forge_of("github"), Ok(InitForge::Github));
        assert_eq!(forge_of("gitlab"), Err(NoAnswer::Forge("gitlab".to_owned())));
        assert_eq!(releases_of(""), Ok(vec![]));
        assert_eq!(releases_of("4.20, 4.21"), Ok(vec!["4.20".into(), "4.21".into()]));
        assert_eq!(releases_of("4.20 next"), Err(NoAnswer::Release("next".to_owned())));
    }
}
