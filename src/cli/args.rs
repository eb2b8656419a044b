//! The arguments of all commands.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::common::named;
pub use super::common::{Common, TextOrJson};
use super::rules::args::RulesArgs;

/// Keeps OKD's build configuration in lockstep with OCP's.
///
/// lockstep reads ocp-build-data, openshift/release's CI configs and the component repositories, derives OKD's build
/// configs through rules, and opens pull requests where what is there has drifted.
#[derive(Debug, Parser)]
#[command(name = "lockstep", version, propagate_version = true, max_term_width = 120)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
    /// Colour: on a terminal, always or never
    #[arg(long, value_enum, default_value = "auto", global = true, value_name = "WHEN")]
    pub color: ColorChoice,
}

/// When output is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write a first configuration
    #[command(after_help = "\
Examples:
  Ask, and write lockstep.yaml:
    lockstep init
  The same without questions, for two releases and pull requests on GitHub:
    lockstep init --forge github --release 4.20 --release 4.21")]
    Init(InitArgs),
    /// Try everything that the configuration needs
    #[command(after_help = "\
Examples:
  Before the first run: sources, token and its permissions, rate limit, state, secrets, lease, clock:
    lockstep doctor
  Only what would fail:
    lockstep doctor --format json | jq '.checks[] | select(.state == \"fail\")'")]
    Doctor(DoctorArgs),
    /// Fetch, derive, plan, and open or update pull requests
    #[command(after_help = "\
Examples:
  Put everything right that has drifted:
    lockstep reconcile --config lockstep.yaml
  Write exactly what was looked at before, with `lockstep plan --out plan.json`:
    lockstep reconcile --plan plan.json")]
    Reconcile(ReconcileArgs),
    /// Show the drift: what differs, why, and what `reconcile` would write
    #[command(after_help = "\
Examples:
  The drift of all releases, by cause; exit code 2 where there is any:
    lockstep plan --exit-code
  What a newer Go and more rules would change in the files of one release, against the configuration as it is:
    lockstep plan --release 4.16 --by file --set vars.GO_LATEST=1.22 --with-rules my-rules/")]
    Plan(PlanArgs),
    /// Write the desired files to a directory, and nothing else
    #[command(after_help = "\
Examples:
  All configs of a release, to look at or compare:
    lockstep render --release 4.16 --out /tmp/okd
  The same with rules of your own in place of the configured ones:
    lockstep render --release 4.16 --rules builtin --rules my-rules/ --out /tmp/okd")]
    Render(RenderArgs),
    /// Print the unified build config of a release
    #[command(after_help = "\
Examples:
  Everything that is derived for a release, every value with its provenance:
    lockstep build-config --release 4.16
  The Dockerfile of every image:
    lockstep build-config --release 4.16 --format json | jq '.images[] | {tag: .tag.value, dockerfile: .dockerfile.value}'")]
    BuildConfig(BuildConfigArgs),
    /// Say which images have to be built again, because of what, in which order
    #[command(after_help = "\
Examples:
  What a week of changes of build data comes to:
    lockstep rebuild --release 4.16 --since 9f2c1e0
  Parameters for the pipeline's Argo workflow, with a partner's sources of one image:
    lockstep rebuild --release 4.16 --overlay partner.yaml --format argo")]
    Rebuild(RebuildArgs),
    /// Say why a value is what it is
    #[command(after_help = "\
Examples:
  Why the second builder of the installer is what it is:
    lockstep explain installer --release 4.16 --field 'builders[1]'
  What ART's tool makes of all images of a repository, and where that is not what CI builds:
    lockstep explain openshift/etcd --release 5.0 --as doozer")]
    Explain(ExplainArgs),
    /// Look for what would break a release before it does
    #[command(after_help = "\
Examples:
  All findings of all releases; exit code 2 where there is an error:
    lockstep audit --exit-code
  What a code means and what to do:
    lockstep audit --explain dangling-member")]
    Audit(AuditArgs),
    /// Say what a pull request of others would do to OKD, before it is merged
    #[command(after_help = "\
Examples:
  A branch of a component, as if it were merged:
    lockstep impact openshift/etcd --head my-branch --branch main
  The pull request that this CI job is for, with JUnit and a page in $ARTIFACT_DIR:
    lockstep impact --exit-code")]
    Impact(ImpactArgs),
    /// Say which images do not build, since when and because of whom
    #[command(after_help = "\
Examples:
  What does not build of any release; exit code 2 where an image is broken:
    lockstep results --exit-code
  One image of one release, for a program:
    lockstep results --release 4.21 --image ironic --format json")]
    Results(ResultsArgs),
    /// Draw what is built from what in a release, in which wave, and what has drifted
    #[command(after_help = "\
Examples:
  A picture of a whole release, with Graphviz:
    lockstep graph --release 4.16 | dot -Tsvg -o 4.16.svg
  What one image is built from, and what is built from it, for a page in Markdown:
    lockstep graph --release 4.16 --image cli --format mermaid")]
    Graph(GraphArgs),
    /// Say which jobs verify the payload of each release, from where, and what is missing
    #[command(after_help = "\
Examples:
  What a payload of 4.16 waits for:
    lockstep payload --release 4.16
  The same of all releases, for a program:
    lockstep payload --format json")]
    Payload(PayloadArgs),
    /// Show the ordered train of changes for a branch cut, or take its next step
    #[command(after_help = "\
Examples:
  What happens in which order when 4.17's branches are made:
    lockstep cut --from 4.16 --to 4.17
  Open the pull request of the next step; after its merge, the same again:
    lockstep cut --from 4.16 --to 4.17 --apply")]
    Cut(CutArgs),
    /// Watch, reconcile and report for months: the service
    #[command(after_help = "\
Examples:
  Look after everything that is configured, and answer on the configured address:
    lockstep serve --config lockstep.yaml
  Only look, beside another one or before the first pull request, with more in the logs:
    RUST_LOG=lockstep=debug lockstep serve --observe")]
    Serve(ServeArgs),
    /// Write, test and look at rules
    #[command(after_help = "\
Examples:
  All faults of the built-in rules and of your own on top of them:
    lockstep rules check my-rules/
  All cases, and then how much of the rules they exercise:
    lockstep rules test && lockstep rules coverage --min 100")]
    Rules(RulesArgs),
    /// Check or show the configuration, or print its schema
    #[command(after_help = "\
Examples:
  All faults of a configuration at once:
    lockstep config check --config lockstep.yaml
  The configuration with every default filled in:
    lockstep config show")]
    Config(ConfigArgs),
    /// Print completions for a shell
    #[command(after_help = "\
Examples:
  For bash, in this shell:
    source <(lockstep completions bash)
  For fish, for good:
    lockstep completions fish > ~/.config/fish/completions/lockstep.fish")]
    Completions(CompletionsArgs),
    /// Print the manual's page, or write one for each command
    #[command(after_help = "\
Examples:
  To read now:
    lockstep man | man -l -
  All pages, for a package or for yourself:
    lockstep man --out ~/.local/share/man/man1")]
    Man(ManArgs),
}

#[derive(Debug, Args)]
pub struct InitArgs {
    /// Where pull requests go; asked for on a terminal, else `local`
    #[arg(long, value_enum)]
    pub forge: Option<InitForge>,
    /// Only this release, such as 4.16 (can be given several times); otherwise all that are found
    #[arg(long = "release", value_name = "RELEASE")]
    pub releases: Vec<String>,
    /// The file to write; one that is there is left as it is
    #[arg(long, value_name = "FILE", default_value = "lockstep.yaml")]
    pub config: PathBuf,
}

#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// The configuration
    #[arg(long, value_name = "FILE", default_value = "lockstep.yaml")]
    pub config: PathBuf,
    /// How it is printed
    #[arg(long, value_enum, default_value = "text")]
    pub format: TextOrJson,
    /// Print the JSON schema of `--format json` instead
    #[arg(long)]
    pub schema: bool,
}

/// Where a first configuration's pull requests go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum InitForge {
    /// GitHub
    Github,
    /// A folder on this machine
    Local,
}

#[derive(Debug, Args)]
pub struct ReconcileArgs {
    #[command(flatten)]
    pub common: Common,
    /// Only say what would be written
    #[arg(long)]
    pub dry_run: bool,
    /// Write exactly what `plan --out FILE` has kept, or say what has moved since
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["releases", "targets", "rules", "with_rules", "set", "locked"]
    )]
    pub plan: Option<PathBuf>,
    /// The form of the output
    #[arg(long, value_enum, default_value = "text")]
    pub format: TextOrJson,
    /// Print the JSON schema of `--format json` instead
    #[arg(long)]
    pub schema: bool,
}

#[derive(Debug, Args)]
pub struct PlanArgs {
    #[command(flatten)]
    pub common: Common,
    /// How to group the drift; by default by cause where there is much, else by file
    #[arg(long, value_enum)]
    pub by: Option<By>,
    /// The form of the output
    #[arg(long, value_enum, default_value = "text")]
    pub format: TextOrJson,
    /// Exit with 0 where all was compared and is equal, 2 where there is drift, 1 where something could not be compared
    #[arg(long)]
    pub exit_code: bool,
    /// Keep the plan in a file, for `reconcile --plan FILE` to write exactly this
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Print the JSON schema of `--format json` instead
    #[arg(long)]
    pub schema: bool,
}

#[derive(Debug, Args)]
pub struct RenderArgs {
    #[command(flatten)]
    pub common: Common,
    /// The directory; files go to DIR/<org>/<repo>/<path>
    #[arg(
        long,
        value_name = "DIR",
        required_unless_present = "sources",
        conflicts_with = "sources"
    )]
    pub out: Option<PathBuf>,
    /// In place of targets' files the Dockerfile of every image, its FROMs replaced by what stands for them: for builders that
    /// cannot; they go to DIR/<org>/<repo>/<dockerfile>
    #[arg(long, value_name = "DIR")]
    pub sources: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct BuildConfigArgs {
    #[command(flatten)]
    pub common: Common,
    /// Write a lock: the commits and digests of all that was read
    #[arg(long, value_name = "LOCK")]
    pub lock: Option<PathBuf>,
    /// Take the lock as it is and look this up anew: an image, a repository, or a pullspec
    #[arg(long, value_name = "KEY|REPO|PULLSPEC", requires = "lock", conflicts_with = "locked", value_parser = named())]
    pub update: Vec<String>,
    /// Ask no registry for the digests of images that OKD does not build
    #[arg(long, requires = "lock")]
    pub offline: bool,
    /// The form of the output
    #[arg(long, value_enum, default_value = "yaml")]
    pub format: YamlOrJson,
    /// Print the document's JSON schema instead
    #[arg(long)]
    pub schema: bool,
}

#[derive(Debug, Args)]
pub struct RebuildArgs {
    #[command(flatten)]
    pub common: Common,
    /// Compare with this: a commit of build data, the id of a run of the service, a lock, or a build config as JSON
    #[arg(long, value_name = "COMMIT|RUN|LOCK|FILE", value_parser = named())]
    pub since: Option<String>,
    /// Rules on top of all others, such as a partner's sources or images; without `--since` compared with what is without them
    #[arg(long, value_name = "RULES")]
    pub overlay: Vec<String>,
    /// How it is printed
    #[arg(long, value_enum, default_value = "text")]
    pub format: RebuildFormat,
    /// Print the JSON schema of `--format json` instead
    #[arg(long)]
    pub schema: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RebuildFormat {
    /// For people
    Text,
    /// Everything, with reasons
    Json,
    /// Parameters of okd-payload-pipeline's Argo workflow
    Argo,
    /// A Tekton run with a task a batch
    Tekton,
    /// Names of Konflux components, one a line
    Konflux,
    /// Payload tags, one a line
    Tags,
}

#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// An image (payload tag or key of ocp-build-data), or a repository (org/repo)
    #[arg(value_name = "IMAGE|ORG/REPO", value_parser = named())]
    pub what: String,
    #[command(flatten)]
    pub common: Common,
    /// Only this field, such as `dockerfile` or `builders[1]`
    #[arg(long, value_name = "PATH", value_parser = named())]
    pub field: Option<String>,
    /// The whole evaluation: every rule that was tried for every field
    #[arg(long)]
    pub trace: bool,
    /// What another builder makes of it, and where that is something else
    #[arg(long = "as", value_enum, conflicts_with_all = ["field", "trace"])]
    pub by: Option<Builder>,
    /// The form of the output
    #[arg(long, value_enum, default_value = "text")]
    pub format: TextOrJson,
}

/// Who builds OKD beside CI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Builder {
    /// ART's tool, for Konflux
    Doozer,
}

#[derive(Debug, Args)]
pub struct AuditArgs {
    #[command(flatten)]
    pub common: Common,
    /// The form of the output
    #[arg(long, value_enum, default_value = "text")]
    pub format: AuditFormat,
    /// Exit with 2 where there is a finding of severity error
    #[arg(long)]
    pub exit_code: bool,
    /// Only findings that are new against build data at this commit
    #[arg(long, value_name = "COMMIT", value_parser = named())]
    pub since: Option<String>,
    /// Show the safe changes that put findings right, as a plan of their own
    #[arg(long)]
    pub fix: bool,
    /// With `--fix`: make the pull requests of these changes
    #[arg(long, requires = "fix", conflicts_with = "since")]
    pub apply: bool,
    /// Say what a code means and what to do, and nothing else
    #[arg(long, value_name = "CODE", value_parser = named())]
    pub explain: Option<String>,
    /// Print the JSON schema of `--format json` instead
    #[arg(long)]
    pub schema: bool,
}

#[derive(Debug, Args)]
pub struct ImpactArgs {
    /// The repository; without it the pull request that Prow (`JOB_SPEC`) or GitHub Actions runs this for
    #[arg(value_name = "ORG/REPO", value_parser = named())]
    pub repository: Option<String>,
    #[command(flatten)]
    pub common: Common,
    /// The pull request with this number
    #[arg(long, value_name = "N", conflicts_with = "head", requires = "repository")]
    pub pull: Option<u64>,
    /// The head: a branch, ref or commit of the repository, or a folder with its files
    #[arg(long, value_name = "REF|DIR", requires = "repository", value_parser = named())]
    pub head: Option<String>,
    /// The base, in the same forms; by default the branch
    #[arg(long, value_name = "REF|DIR", requires = "repository", value_parser = named())]
    pub base: Option<String>,
    /// The branch that is changed; by default the base, where that is one, else the repository's own default branch
    #[arg(long, value_name = "BRANCH", requires = "repository", value_parser = named())]
    pub branch: Option<String>,
    /// The form of the output
    #[arg(long, value_enum, default_value = "text")]
    pub format: ImpactFormat,
    /// Exit with 2 where it breaks OKD
    #[arg(long)]
    pub exit_code: bool,
    /// Print the JSON schema of `--format json` instead
    #[arg(long)]
    pub schema: bool,
}

#[derive(Debug, Args)]
pub struct ResultsArgs {
    #[command(flatten)]
    pub common: Common,
    /// Only this image, by its payload tag
    #[arg(long, value_name = "IMAGE", value_parser = named())]
    pub image: Option<String>,
    /// Only what does not build since this day or later, such as 2026-01-31, or since a run of the service, by its id
    #[arg(long, value_name = "DATE|RUN", value_parser = named())]
    pub since: Option<String>,
    /// The form of the output
    #[arg(long, value_enum, default_value = "text")]
    pub format: TextOrJson,
    /// Say instead who would be told of it, where and in which words, by `feedback.breaks`; nothing is written
    #[arg(long, conflicts_with_all = ["image", "since"])]
    pub told: bool,
    /// Exit with 2 where an image is broken
    #[arg(long)]
    pub exit_code: bool,
    /// Print the JSON schema of `--format json` instead
    #[arg(long)]
    pub schema: bool,
}

/// The forms of what a change would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ImpactFormat {
    /// For people
    Text,
    /// For programs: stable and documented
    Json,
    /// SARIF 2.1.0, for tools that show findings beside the lines
    Sarif,
    /// For CI systems that show tests
    Junit,
    /// For comments and summaries
    Markdown,
}

#[derive(Debug, Args)]
pub struct GraphArgs {
    #[command(flatten)]
    pub common: Common,
    /// Only this image (payload tag or key of ocp-build-data), what it is built from, and what is built from it
    #[arg(long, value_name = "IMAGE", value_parser = named())]
    pub image: Option<String>,
    /// Draw also the lines to what more than a third of all images are built from, which are marks otherwise
    #[arg(long, conflicts_with = "image")]
    pub all_edges: bool,
    /// The form of the output
    #[arg(long, value_enum, default_value = "dot")]
    pub format: GraphFormat,
    /// Print the JSON schema of `--format json` instead
    #[arg(long)]
    pub schema: bool,
}

#[derive(Debug, Args)]
pub struct PayloadArgs {
    #[command(flatten)]
    pub common: Common,
    /// The form of the output
    #[arg(long, value_enum, default_value = "text")]
    pub format: TextOrJson,
    /// Print the JSON schema of `--format json` instead
    #[arg(long)]
    pub schema: bool,
}

// `--from` and `--to` say which releases; who gives `--release` all the same is told so.
#[derive(Debug, Args)]
#[command(mut_arg("releases", |arg| arg.hide(true)))]
pub struct CutArgs {
    #[command(flatten)]
    pub common: Common,
    /// The release whose branches are made
    #[arg(long, value_name = "RELEASE")]
    pub from: Option<String>,
    /// The release that development goes on with
    #[arg(long, value_name = "RELEASE")]
    pub to: Option<String>,
    /// Show what a release that has ended loses: its gating configs and jobs, the release controller's files and its mirroring
    #[arg(long, value_name = "RELEASE", conflicts_with_all = ["from", "to", "abandon"])]
    pub retire: Option<String>,
    /// Make the pull request of the next step, or of `--retire`
    #[arg(long)]
    pub apply: bool,
    /// Give up the cut that is under way: close its open step and let `reconcile` have its releases again
    #[arg(long, conflicts_with = "apply")]
    pub abandon: bool,
    /// The form of the output
    #[arg(long, value_enum, default_value = "text")]
    pub format: TextOrJson,
    /// Show what each step or `--retire` changes, too, as `plan` does: by cause, by file with differences, or by image
    #[arg(long, value_enum)]
    pub by: Option<By>,
    /// Print the JSON schema of `--format json` instead
    #[arg(long)]
    pub schema: bool,
}

#[derive(Debug, Args)]
pub struct ServeArgs {
    /// The configuration
    #[arg(long, value_name = "FILE", default_value = "lockstep.yaml")]
    pub config: PathBuf,
    /// Do everything but write: no pull request, branch, comment or lease
    #[arg(long)]
    pub observe: bool,
}

#[derive(Debug, Args)]
pub struct ConfigArgs {
    #[command(subcommand)]
    pub command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Tell all faults of the configuration at once
    #[command(after_help = "\
Examples:
  All faults of ./lockstep.yaml:
    lockstep config check
  The same of another file, before it is rolled out:
    lockstep config check --config new.yaml")]
    Check(ConfigFile),
    /// Print the configuration with every default filled in
    #[command(after_help = "\
Examples:
  What ./lockstep.yaml comes to:
    lockstep config show
  What differs between two of them:
    diff <(lockstep config show --config a.yaml) <(lockstep config show --config b.yaml)")]
    Show(ConfigFile),
    /// Print the configuration's JSON schema
    #[command(after_help = "\
Examples:
  For an editor:
    lockstep config schema > lockstep.schema.json
  The keys that there are:
    lockstep config schema | jq '.properties | keys'")]
    Schema,
}

#[derive(Debug, Args)]
pub struct ConfigFile {
    /// The configuration
    #[arg(long, value_name = "FILE", default_value = "lockstep.yaml")]
    pub config: PathBuf,
}

#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

#[derive(Debug, Args)]
pub struct ManArgs {
    /// Write a page for each command to this folder, such as `lockstep-plan.1`
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// How drift is grouped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum By {
    /// By rule and field, with a count and an example
    Cause,
    /// By file, with differences
    File,
    /// By image
    Image,
}

/// The forms of an audit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum AuditFormat {
    /// For people
    Text,
    /// For programs: stable and documented
    Json,
    /// SARIF 2.1.0, for tools that show findings beside the lines
    Sarif,
}

/// YAML or JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum YamlOrJson {
    /// For people
    Yaml,
    /// For programs
    Json,
}

/// Languages of pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum GraphFormat {
    /// Graphviz's
    Dot,
    /// Mermaid's, which forges draw in Markdown
    Mermaid,
    /// For programs: stable and documented
    Json,
}
