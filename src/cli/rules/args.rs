//! The arguments of `lockstep rules`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::cli::common::{Common, TextOrJson, named};

#[derive(Debug, Args)]
pub struct RulesArgs {
    #[command(subcommand)]
    pub command: RulesCommand,
}

#[derive(Debug, Subcommand)]
pub enum RulesCommand {
    /// Tell all faults of rule files at once
    #[command(after_help = "\
Examples:
  The built-in rules, and a file of one's own on top:
    lockstep rules check my-rules.yaml
  The same, held against every image of the configured releases:
    lockstep rules check my-rules.yaml --config lockstep.yaml")]
    Check(CheckArgs),
    /// Run cases: what rules make of fixtures against what is expected
    #[command(after_help = "\
Examples:
  The cases with a word in their name:
    lockstep rules test --filter golang
  Again whenever a file is saved:
    lockstep rules test fixtures/cases/my-case --watch")]
    Test(TestArgs),
    /// Tell which rules the cases exercise
    #[command(after_help = "\
Examples:
  Fail unless each rule decided in some case:
    lockstep rules coverage --min 100
  How often each of some rules was tried and decided:
    lockstep rules coverage --only build-root --annotate")]
    Coverage(CoverageArgs),
    /// List the rules
    #[command(after_help = "\
Examples:
  The built-in rules:
    lockstep rules list
  With a file of one's own on top, as JSON:
    lockstep rules list my-rules.yaml --format json")]
    List(ListArgs),
    /// Print the JSON schema of rule files
    #[command(after_help = "\
Examples:
  For an editor:
    lockstep rules schema > rules.schema.json
  What a rule may have:
    lockstep rules schema | jq '.\"$defs\" | keys'")]
    Schema,
    /// Make a rule and a case to start from
    #[command(after_help = "\
Examples:
  A case for a rule that is yet to be written:
    lockstep rules new my-case
  For another release, in a folder of one's own:
    lockstep rules new my-case --release 4.17 --cases cases")]
    New(NewArgs),
    /// Cut a case out of real repositories: only the files that the derivation reads
    #[command(after_help = "\
Examples:
  What etcd is derived from:
    lockstep rules capture --release 4.16 --image etcd --out fixtures/cases/etcd
  Two images in one case, from another configuration:
    lockstep rules capture --config other.yaml --image etcd --image cli --out fixtures/cases/two")]
    Capture(CaptureArgs),
}

/// Which rules.
#[derive(Debug, Args)]
pub struct RuleFiles {
    /// Rule files or folders on top of `--rules`
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// The rule sets: `builtin`, a file or a folder (can be given several times; `builtin` unless given)
    #[arg(long = "rules", value_name = "RULES")]
    pub rules: Vec<PathBuf>,
}

impl RuleFiles {
    /// All of them, in their order.
    pub fn sets(&self) -> Vec<PathBuf> {
        let builtin = [PathBuf::from(lockstep::workbench::sets::BUILTIN_NAME)];
        let sets = if self.rules.is_empty() {
            &builtin[..]
        } else {
            &self.rules
        };
        sets.iter().chain(&self.paths).cloned().collect()
    }
}

#[derive(Debug, Args)]
pub struct CheckArgs {
    #[command(flatten)]
    pub files: RuleFiles,
    /// Hold the rules against the repositories of this configuration, too, on top of its own rules
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// With `--config`: only this release (can be given several times)
    #[arg(long = "release", value_name = "RELEASE", requires = "config")]
    pub releases: Vec<String>,
    /// Without `--config`: the folder of cases that one's own rules are held against
    #[arg(
        long,
        value_name = "DIR",
        default_value = "fixtures/cases",
        conflicts_with = "config"
    )]
    pub cases: PathBuf,
    /// The form of the output
    #[arg(long, value_enum, default_value = "text")]
    pub format: TextOrJson,
}

/// Which cases.
#[derive(Debug, Args)]
pub struct Cases {
    /// A case, or a folder of cases
    #[arg(value_name = "PATH", default_value = "fixtures/cases")]
    pub paths: Vec<PathBuf>,
    /// Only cases whose name has this text in it (can be given several times)
    #[arg(long, value_name = "TEXT")]
    pub filter: Vec<String>,
}

#[derive(Debug, Args)]
pub struct TestArgs {
    #[command(flatten)]
    pub cases: Cases,
    /// Make what comes out the expectation, after it was shown
    #[arg(long)]
    pub update: bool,
    /// Run again what depends on a file that is saved, until interrupted
    #[arg(long, conflicts_with_all = ["update", "fail_fast"])]
    pub watch: bool,
    /// Stop at the first case that fails
    #[arg(long)]
    pub fail_fast: bool,
    /// The form of the output
    #[arg(long, value_enum, default_value = "text")]
    pub format: TestFormat,
}

#[derive(Debug, Args)]
pub struct CoverageArgs {
    #[command(flatten)]
    pub cases: Cases,
    /// Fail when less than so many percent of the rules decided in a case
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u32).range(0..=100))]
    pub min: Option<u32>,
    /// Show only rules whose id has this text in it; the percentage stays that of all
    #[arg(long, value_name = "TEXT")]
    pub only: Option<String>,
    /// Print the rule files, with `decided/tried` beside each rule
    #[arg(long)]
    pub annotate: bool,
    /// The form of the output
    #[arg(long, value_enum, default_value = "text")]
    pub format: TextOrJson,
}

#[derive(Debug, Args)]
pub struct ListArgs {
    #[command(flatten)]
    pub files: RuleFiles,
    /// The form of the output
    #[arg(long, value_enum, default_value = "text")]
    pub format: TextOrJson,
}

#[derive(Debug, Args)]
pub struct NewArgs {
    /// The rule's name, and the case's
    #[arg(value_name = "NAME")]
    pub name: String,
    /// The folder of cases
    #[arg(long, value_name = "DIR", default_value = "fixtures/cases")]
    pub cases: PathBuf,
    /// The release that the case is for
    #[arg(long, value_name = "RELEASE", default_value = "4.16")]
    pub release: String,
}

#[derive(Debug, Args)]
pub struct CaptureArgs {
    #[command(flatten)]
    pub common: Common,
    /// An image (payload tag or key of ocp-build-data) that the case is about (can be given several times)
    #[arg(long = "image", value_name = "IMAGE", required = true, value_parser = named())]
    pub images: Vec<String>,
    /// The case's folder, such as fixtures/cases/my-case
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}

/// The form of a test's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TestFormat {
    /// For people
    Text,
    /// For programs
    Json,
    /// JUnit's XML, for CI systems
    Junit,
}
