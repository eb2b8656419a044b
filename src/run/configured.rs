//! What a configuration names on this machine, looked at without a run: its rules, and the files that hold secrets.
#![expect(clippy::disallowed_methods, reason = "looks for files")]

use std::fs;
use std::path::Path;

use super::{RunError, rule_files};
use crate::config::{Access, Config, Forge, Secret};
use crate::github::Credential;
use crate::rules::RuleSet;

/// Opens the rules of a configuration and checks them, as `lockstep rules check` does, each set on those before it; how many
/// there are.
///
/// # Errors
/// The file or directory that cannot be read; else every fault.
pub fn check_rules(config: &Config) -> Result<usize, RunError> {
    let files = rule_files::read(&config.rules)?;
    let (count, mut faults) = match RuleSet::load(&files) {
        Ok(set) => (set.rules.len(), set.unreachable()),
        Err(faults) => (0, faults),
    };
    if faults.is_empty() {
        return Ok(count);
    }
    faults.sort_by_key(|fault| (files.iter().position(|(name, _)| *name == fault.file), fault.pos));
    Err(RunError::Rules(faults))
}

/// A sentence about each file of a secret that could not be read here. What is in them is not looked at. The machine that the
/// configuration is for may have what this one lacks.
pub fn missing_secrets(config: &Config) -> Vec<String> {
    let named = secret_files(config);
    let told = named.into_iter().filter_map(|(key, path)| {
        let why = unusable(path)?;
        Some(format!("`{key}`: {} {why}", path.display()))
    });
    told.collect()
}

/// The files that hold secrets, by the keys that name them.
fn secret_files(config: &Config) -> Vec<(&'static str, &Path)> {
    let mut files: Vec<(&'static str, &Path)> = Vec::new();
    if let Forge::GitHub { credential, .. } = &config.forge {
        match credential {
            Credential::TokenFile(path) => files.push(("forge.token-file", path)),
            Credential::App { key_file, .. } => files.push(("forge.app.key-file", key_file)),
            Credential::TokenEnv(_) => {}
        }
    }
    if let Access::Token(Secret::File(path)) = &config.server.access {
        files.push(("server.token-file", path));
    }
    if let Some(Secret::File(path)) = &config.server.webhook {
        files.push(("server.webhook.secret-file", path));
    }
    let login = config
        .sources
        .payload
        .as_ref()
        .and_then(|payload| payload.auth_file.as_deref());
    files.extend(login.map(|path| ("sources.payload.auth-file", path)));
    files
}

/// Why nothing could be read from a file; `None` where something can.
fn unusable(path: &Path) -> Option<String> {
    let about = match fs::metadata(path) {
        Ok(about) => about,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Some("is not there".to_owned()),
        Err(error) => return Some(format!("cannot be looked at: {error}")),
    };
    // Opened are plain files alone: a pipe would wait for whoever writes into it.
    match about.is_file() {
        false => Some("is no file".to_owned()),
        true if about.len() == 0 => Some("is empty".to_owned()),
        true => fs::File::open(path)
            .err()
            .map(|error| format!("cannot be opened: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    fn configured(dir: &Path, rest: &str) -> Config {
        let text = format!("sources: {{build-data: {{repo: bd}}}}\nreleases: ['4.16']\n{rest}");
        config::parse(text.as_bytes(), "lockstep.yaml", dir).expect("a configuration")
    }

    #[test]
    fn rules_are_opened_and_checked() {
        let dir = tempfile::tempdir().expect("a folder");
        let rules = "rules: [builtin, mine.yaml]\n";
        let missing = check_rules(&configured(dir.path(), rules))
            .expect_err("no file")
            .to_string();
        assert!(missing.contains("mine.yaml cannot be read"), "{missing}");

        let file = dir.path().join("mine.yaml");
        let rule = |set: &str| format!("rules:\n- id: x\n  because: It is.\n  on: image\n  set: {set}\n");
        fs::write(&file, rule("{dockerfil: x}")).expect("a file");
        let wrong = check_rules(&configured(dir.path(), rules)).expect_err("no such field");
        let RunError::Rules(faults) = &wrong else {
            panic!("{wrong}")
        };
        let wrong = faults[0].to_string();
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert!(
            wrong.contains("mine.yaml:5:9") && wrong.contains("did you mean `dockerfile`?"),
            "{wrong}"
        );

        fs::write(&file, rule("{dockerfile: x}")).expect("a file");
        let own = configured(dir.path(), "rules: [mine.yaml]\n");
        assert_eq!(check_rules(&own).expect("a rule"), 1);
    }

    #[test]
    fn files_of_secrets_are_looked_for_and_not_read_out() {
        let dir = tempfile::tempdir().expect("a folder");
        let text =
            "forge: {kind: github, token-file: token}\nserver: {token-file: own, webhook: {secret-file: hook}}\n";
        let config = configured(dir.path(), text);
        let told = |config: &Config| {
            let keys = missing_secrets(config);
            keys.iter()
                .map(|said| said.replace(&format!("{}/", dir.path().display()), ""))
                .collect::<Vec<_>>()
        };
        fs::create_dir(dir.path().join("own")).expect("a folder");
        fs::write(dir.path().join("hook"), "").expect("a file");
        assert_eq!(
            told(&config),
            [
                "`forge.token-file`: token is not there",
                "`server.token-file`: own is no file",
                "`server.webhook.secret-file`: hook is empty"
            ]
        );
        for name in ["token", "hook"] {
            fs::write(dir.path().join(name), "hunter2").expect("a file");
        }
        assert_eq!(told(&config), ["`server.token-file`: own is no file"]);
        let app = configured(dir.path(), "forge: {kind: github, app: {id: 1, key-file: app.pem}}\n");
        assert_eq!(told(&app), ["`forge.app.key-file`: app.pem is not there"]);
    }
}
