//! `lockstep build-config`

use lockstep::derive::document::build_config;
use lockstep::finding;
use lockstep::model::build_config::BuildConfig;
use lockstep::yaml;

use super::args::{BuildConfigArgs, YamlOrJson};
use super::{Ended, Outcome, print, schema_of, setup};

/// Prints the unified build config of each release that is asked for.
pub fn run(args: &BuildConfigArgs) -> Outcome {
    if args.schema {
        print(&schema_of::<BuildConfig>()?)?;
        return Ok(Ended::Done);
    }
    let ready = setup::ready(&args.common)?;
    let mut ended = Ended::Done;
    let metadata = ready.metadata(&mut ended)?;
    let releases = ready.derive_whole(&metadata, &mut ended)?;
    let several = releases.len() > 1;
    for release in &releases {
        if finding::lacks_component(&release.findings) {
            ended = Ended::Failed;
        }
        let document = serde_json::to_value(build_config(release))?;
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
