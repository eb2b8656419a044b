//! `lockstep build-config`

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use lockstep::finding;
use lockstep::model::build_config::BuildConfig;
use lockstep::run::lock::Lock;
use lockstep::yaml;

use super::args::{BuildConfigArgs, Common, YamlOrJson};
use super::setup::{self, Ready};
use super::{Ended, Outcome, Usage, print, say, schema_of};

/// Prints the unified build config of each release that is asked for.
pub fn run(args: &BuildConfigArgs) -> Outcome {
    if args.schema {
        print(&schema_of::<BuildConfig>()?)?;
        return Ok(Ended::Done);
    }
    let (ready, known) = ready(args)?;
    let mut ended = Ended::Done;
    let metadata = ready.metadata(&mut ended)?;
    let releases = ready.derive_whole(&metadata, &mut ended)?;
    let several = releases.len() > 1;
    if several && args.lock.is_some() {
        return Err(Usage("a lock is of one release: say which with `--release`".to_owned()).into());
    }
    for release in &releases {
        if finding::lacks_component(&release.findings) {
            ended = Ended::Failed;
        }
        let config = release.build_config();
        if let Some(path) = &args.lock {
            // What targets look at is read from the lock as well: it is noted as it is opened.
            _ = ready.run.render(std::slice::from_ref(release), ready.ci.as_ref());
            lock(&ready, config, path, &known, args.offline)?;
        }
        let document = serde_json::to_value(config)?;
        match args.format {
            YamlOrJson::Json => print(&format!("{}\n", serde_json::to_string_pretty(&document)?))?,
            YamlOrJson::Yaml => {
                let start = if several { "---\n" } else { "" };
                print(&format!("{start}{}", yaml::emit(&yaml::Node::from(&document))))?;
            }
        }
    }
    Ok(ended)
}

/// Gets ready; with `--update` for all that the lock has but what is to be looked up anew. The digests that are known then.
fn ready(args: &BuildConfigArgs) -> Result<(Ready, BTreeMap<String, String>), anyhow::Error> {
    let Some(path) = args.lock.as_deref().filter(|_| !args.update.is_empty()) else {
        let ready = setup::ready(&args.common)?;
        let known = ready.locked.clone();
        return Ok((ready, known));
    };
    let locked = Common {
        locked: Some(path.to_owned()),
        ..args.common.clone()
    };
    let old = Lock::read(path)?;
    let mut lock = old.clone();
    let is_named = |name: &String| old.commits.contains_key(name) || old.external.contains_key(name);
    // Only an image's name needs to be looked for among all images.
    let document = match args.update.iter().all(is_named) {
        true => None,
        false => {
            let (ready, mut ended) = (setup::ready(&locked)?, Ended::Done);
            let metadata = ready.metadata(&mut ended)?;
            let releases = ready.derive_whole(&metadata, &mut ended)?;
            releases
                .first()
                .map(|release| BuildConfig::clone(release.build_config()))
        }
    };
    for name in &args.update {
        lock.free(name, document.as_ref())
            .map_err(|error| Usage(error.to_string()))?;
    }
    let free: BTreeSet<String> = old
        .commits
        .keys()
        .filter(|repo| !lock.commits.contains_key(*repo))
        .cloned()
        .collect();
    Ok((setup::ready_free(&locked, free)?, lock.external))
}

fn lock(
    ready: &Ready,
    config: &BuildConfig,
    path: &Path,
    known: &BTreeMap<String, String>,
    offline: bool,
) -> Result<(), anyhow::Error> {
    let (lock, missing) = ready.run.lock(config, known, offline);
    missing.iter().for_each(|missing| say(&format!("warning: {missing}")));
    Ok(lock.write(path)?)
}
