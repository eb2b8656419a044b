//! What every run begins with: the way in to the sources, and which build of the program it is.
#![expect(clippy::disallowed_methods, reason = "the program's own file is looked at")]

use crate::config::{CiConfig, Config, Forge, Via};
use crate::github::{Client, Credential, Fault};
use crate::source::Sources;
use crate::source::github::Reader;

/// The way in to the sources of a configuration.
///
/// # Errors
/// The client for GitHub's API cannot be made.
pub fn sources(config: &Config) -> Result<Sources, Fault> {
    let sources = Sources::new(Some(config.state.clone()));
    if config.sources.components.via != Via::GitHub {
        return Ok(sources);
    }
    let home = config.sources.ci_config.as_ref().and_then(CiConfig::name);
    let reader = Reader::new(github_client(config)?).reading_as(home);
    let reports = config.sources.results.as_ref().is_some_and(|results| results.github);
    Ok(sources.with_github(reader.with_reports(reports)))
}

/// The client for reading through GitHub's API: signed as pull requests are, else with the usual variable's token.
fn github_client(config: &Config) -> Result<Client, Fault> {
    match &config.forge {
        Forge::GitHub { api, credential, .. } => Client::new(api, credential.clone()),
        Forge::Local { .. } => {
            let credential = Credential::TokenEnv("GITHUB_TOKEN".to_owned());
            Client::new("https://api.github.com", credential)
        }
    }
}

/// Which build of the program this is: its size and time.
pub fn build() -> String {
    let file = std::env::current_exe().and_then(std::fs::metadata);
    let stamp = file.map(|file| (file.len(), file.modified().ok()));
    format!("{} {:?}", env!("CARGO_PKG_VERSION"), stamp.ok())
}
