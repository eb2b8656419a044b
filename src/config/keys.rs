//! The one table of keys: what may stand where, what it means and what it is when absent.
//!
//! Checking, defaults and the JSON schema all come from here, so they cannot disagree.

use crate::targets;
use crate::yaml::keys::{COMPONENT, PATH, RELEASE, TEXT, default, optional, required, section};
pub(super) use crate::yaml::keys::{Format, Key, Need, Section, ValueForm, one_of};

/// The whole file.
pub(super) static ROOT: Section = section(
    "Configuration of lockstep. Relative paths start at this file's folder.",
    &[
        required(
            "sources",
            ValueForm::Map(&SOURCES),
            "Where metadata, configs and sources are read from.",
        ),
        default(
            "releases",
            ValueForm::WordOrList("auto", &RELEASE),
            "auto",
            "The releases to look after: a list, or `auto` for every one with a branch in build data and an active promotion.",
        ),
        default(
            "rules",
            ValueForm::List(&PATH),
            "builtin",
            "Rule sets: `builtin`, `feedback` (a test for developers), files and directories. Later ones refine earlier ones.",
        ),
        default(
            "targets",
            ValueForm::List(&TARGET),
            targets::DEFAULT,
            "What is rendered.",
        ),
        optional(
            "forge",
            ValueForm::Variants(&[("github", &GITHUB), ("local", &LOCAL)]),
            "Where pull requests go; without it to the folder `./out`.",
        ),
        default(
            "state",
            PATH,
            "./state",
            "The folder of clones, caches and the journal.",
        ),
        default(
            "schedule",
            ValueForm::Text(Format::Schedule),
            "0 */10 * * * *",
            "When the daemon makes a full run: a cron expression with seconds.",
        ),
        default(
            "listen",
            ValueForm::Text(Format::Address),
            "127.0.0.1:8080",
            "Where the daemon's HTTP server listens.",
        ),
        default(
            "log",
            ValueForm::Word(&["auto", "text", "json"]),
            "auto",
            "The form of the daemon's log: `auto` is for people on a terminal, else JSON.",
        ),
        optional(
            "links",
            ValueForm::Map(&LINKS),
            "Where people find more than a pull request can say.",
        ),
        optional(
            "lease",
            ValueForm::Variants(&[("kubernetes", &LEASE)]),
            "Which of several replicas writes; without it there is one, which locks `state`.",
        ),
        optional(
            "server",
            ValueForm::Map(&SERVER),
            "Who may look at the HTTP server, and whose webhooks it believes.",
        ),
        optional(
            "adopt",
            ValueForm::Map(&ADOPT),
            "What drift is acted on; what is left out restricts nothing.",
        ),
        optional(
            "accept",
            ValueForm::List(&ValueForm::Map(&ACCEPT)),
            "Deviations that people have accepted.",
        ),
        optional("audit", ValueForm::Map(&AUDIT), "What is done with findings."),
        optional(
            "feedback",
            ValueForm::Map(&FEEDBACK),
            "What developers are told; without it nobody is told anything.",
        ),
        optional(
            "limits",
            ValueForm::Map(&LIMITS),
            "Bounds that stop a run that would do too much.",
        ),
    ],
);

pub(super) static SOURCES: Section = section(
    "Where metadata, configs and sources are read from. A repository is a URL, a repository's path or a plain directory.",
    &[
        required("build-data", ValueForm::Map(&BUILD_DATA), "ocp-build-data."),
        optional(
            "ci-config",
            ValueForm::Map(&CI_CONFIG),
            "openshift/release; without it a branch is metadata's `git.branch.target`.",
        ),
        optional("components", ValueForm::Map(&COMPONENTS), "The component repositories."),
        optional("payload", ValueForm::Map(&PAYLOAD), "The payload as it was last built."),
        optional(
            "results",
            ValueForm::Map(&RESULTS),
            "Where results of builds are read from, for `lockstep results`; each alone, and each fails alone.",
        ),
    ],
);

pub(super) static RESULTS: Section = section(
    "Where results of builds are read from.",
    &[
        default(
            "github",
            ValueForm::Flag,
            "false",
            "Whether statuses on the last twenty steps of each branch are read; `sources.components` needs `via: github`.",
        ),
        optional("prow", ValueForm::Map(&PROW), "Prow's jobs."),
        optional(
            "release-controller",
            ValueForm::Map(&RELEASE_CONTROLLER),
            "The release controller's payloads.",
        ),
        optional(
            "kubernetes",
            ValueForm::Map(&KUBERNETES),
            "Builds of OpenShift and runs of Konflux on a cluster, found as `kubectl` finds it.",
        ),
    ],
);

pub(super) static KUBERNETES: Section = section(
    "Builds on a cluster: Builds by the image stream tag that they push to, runs of Konflux by their component, both as rules name them.",
    &[required(
        "namespace",
        ValueForm::Text(Format::ObjectName),
        "The namespace in which they run; the service account has to `get` and `list` them there.",
    )],
);

pub(super) static PROW: Section = section(
    "Prow's jobs: which ran, and what they left. Both are addresses, or folders of the same form.",
    &[
        optional(
            "author",
            TEXT,
            "Who sets Prow's statuses on GitHub: those of others count for nothing; without it whose they are is not asked.",
        ),
        optional(
            "deck",
            ValueForm::Text(Format::Server),
            "The page of jobs, whose list has those of the last day.",
        ),
        optional(
            "artifacts",
            ValueForm::Text(Format::Server),
            "The folder of what jobs left; what a failed one says is read below it.",
        ),
    ],
);

pub(super) static RELEASE_CONTROLLER: Section = section(
    "The release controller's payloads.",
    &[
        required(
            "url",
            ValueForm::Text(Format::Server),
            "Its address, or a folder of the same form.",
        ),
        required(
            "streams",
            ValueForm::List(&TEXT),
            "Its streams; `{release}` stands for the release.",
        ),
        optional(
            "payload",
            ValueForm::Text(Format::ImageReferences { may: &["tag"] }),
            "Where a payload is, by its name `{tag}`: a release image in a registry, the URL of its `image-references`, or a path that starts with `./`, `../` or `/`. With it what changed between two payloads is told by commits.",
        ),
    ],
);

pub(super) static BUILD_DATA: Section = section(
    "ocp-build-data: one branch, or one repository, a release.",
    &[
        required(
            "repo",
            ValueForm::Text(Format::Repository {
                may: &["release"],
                must: &[],
            }),
            "The repository; `{release}` stands for the release.",
        ),
        default(
            "branch",
            ValueForm::Text(Format::Template {
                may: &["release"],
                must: &[],
            }),
            "openshift-{release}",
            "The branch of a release.",
        ),
    ],
);

pub(super) static CI_CONFIG: Section = section(
    "openshift/release: one branch for all releases.",
    &[
        required(
            "repo",
            ValueForm::Text(Format::Repository { may: &[], must: &[] }),
            "The repository.",
        ),
        optional(
            "branch",
            ValueForm::Text(Format::Template { may: &[], must: &[] }),
            "The branch that is read, and that pull requests go to; without it the repository's own default branch.",
        ),
    ],
);

pub(super) static COMPONENTS: Section = section(
    "The component repositories, found by a template.",
    &[
        default(
            "repo",
            ValueForm::Text(Format::Repository {
                may: &["org", "repo", "release"],
                must: &["org", "repo"],
            }),
            "https://github.com/{org}/{repo}",
            "The repository; `{org}` and `{repo}` stand for its name.",
        ),
        default(
            "via",
            ValueForm::Word(&["git", "github", "none"]),
            "git",
            "How they are read: by fetching, through GitHub's API, or not at all (for `audit` of metadata alone).",
        ),
    ],
);

pub(super) static PAYLOAD: Section = section(
    "The payload as it was last built: its list of images, and its version.",
    &[
        required(
            "image-references",
            ValueForm::Text(Format::ImageReferences { may: &["release"] }),
            "A release image in a registry, a URL, or a path that starts with `./`, `../` or `/`; with `repo` a path in it.",
        ),
        optional(
            "release-metadata",
            ValueForm::Text(Format::ImageReferences { may: &["release"] }),
            "The URL or path of the payload's version; with `repo` a path in it. An image holds it itself.",
        ),
        optional(
            "repo",
            ValueForm::Text(Format::Repository {
                may: &["release"],
                must: &[],
            }),
            "The repository or directory that holds both files.",
        ),
        optional(
            "branch",
            ValueForm::Text(Format::Template {
                may: &["release"],
                must: &[],
            }),
            "The branch of `repo`; without it the repository's own default branch.",
        ),
        optional(
            "auth-file",
            PATH,
            "The file with logins for registries, as docker and podman write it; without it `REGISTRY_AUTH_FILE`, else docker's own.",
        ),
        default(
            "architecture",
            TEXT,
            "amd64",
            "Which image of a list is read, by the name of its architecture.",
        ),
        default(
            "insecure",
            ValueForm::Flag,
            "false",
            "Whether the registry is asked without encryption; one on this machine always is. A login is never sent so to another machine.",
        ),
    ],
);

/// The targets that there are, each with its options.
const TARGET: ValueForm = ValueForm::WordWithOptions(targets::with_options);

pub(super) static GITHUB: Section = Section {
    about: "GitHub, or a server with its API. Exactly one of `app`, `token-env` and `token-file` says where the secret is.",
    keys: &[
        required("kind", ValueForm::Word(&["github"]), "The kind of forge."),
        default(
            "api",
            ValueForm::Text(Format::Url),
            "https://api.github.com",
            "The API's URL.",
        ),
        optional("app", ValueForm::Map(&APP), "A GitHub App that signs requests."),
        optional(
            "token-env",
            ValueForm::Text(Format::EnvName),
            "The environment variable that holds a token.",
        ),
        optional("token-file", PATH, "The file that holds a token."),
        optional(
            "fork",
            TEXT,
            "Whose fork the branches are made in; without it in the repository itself.",
        ),
        default("name", TEXT, "lockstep", "The name that commits carry."),
        default(
            "email",
            TEXT,
            "lockstep@localhost",
            "The address that commits carry; commits with another one are somebody else's and stay.",
        ),
        default("sign-off", ValueForm::Flag, "false", "Whether commits are signed off."),
        default(
            "draft",
            ValueForm::Flag,
            "false",
            "Whether pull requests are opened as drafts.",
        ),
        optional("labels", ValueForm::List(&TEXT), "The labels of a new pull request."),
        optional(
            "hold-labels",
            ValueForm::List(&TEXT),
            "Labels that pause a pull request, beside `do-not-merge/hold` and `lockstep/ignore`.",
        ),
        optional(
            "reviewers",
            ValueForm::List(&TEXT),
            "Who is asked for a review; `owners` stands for reviewers of the OWNERS files above what changes.",
        ),
        optional("assignees", ValueForm::List(&TEXT), "Who is assigned."),
        default(
            "max-open",
            ValueForm::Count,
            "30",
            "The most pull requests of ours that are open in one organisation.",
        ),
        default(
            "max-new",
            ValueForm::Count,
            "10",
            "The most that are opened in one organisation within an hour; the others wait.",
        ),
    ],
    one_of: &["app", "token-env", "token-file"],
};

pub(super) static APP: Section = section(
    "A GitHub App that signs requests.",
    &[
        required("id", ValueForm::Count, "The app's id."),
        required("key-file", PATH, "The PEM file with the app's private key."),
    ],
);

pub(super) static LOCAL: Section = section(
    "Pull requests are branches of local repositories and a JSON record each.",
    &[
        required("kind", ValueForm::Word(&["local"]), "The kind of forge."),
        default("dir", PATH, "./out", "The folder of records."),
    ],
);

pub(super) static LINKS: Section = section(
    "Where people find more than a pull request can say.",
    &[
        optional(
            "service",
            ValueForm::Text(Format::Url),
            "The address at which people reach the daemon; pull requests link to the whole plan there.",
        ),
        optional(
            "rules",
            ValueForm::Text(Format::Url),
            "The address below which people find the rule files, such as `https://github.com/org/repo/blob/main`; pull requests link to each rule there.",
        ),
    ],
);

pub(super) static ADOPT: Section = section(
    "What drift is acted on; what is left out restricts nothing.",
    &[
        optional(
            "causes",
            ValueForm::List(&TEXT),
            "Causes, as `lockstep plan --by cause` names them.",
        ),
        optional(
            "components",
            ValueForm::List(&COMPONENT),
            "Component repositories, `org/repo`.",
        ),
        optional("releases", ValueForm::List(&RELEASE), "Releases."),
        optional("images", ValueForm::List(&TEXT), "Images, by their payload tag."),
    ],
);

pub(super) static ACCEPT: Section = section(
    "A deviation that people have accepted.",
    &[
        required("cause", TEXT, "The cause, as `lockstep plan --by cause` names it."),
        optional("component", COMPONENT, "Only in this component repository, `org/repo`."),
        optional("image", TEXT, "Only for this image, by its payload tag."),
        optional("release", RELEASE, "Only in this release."),
        required("reason", TEXT, "Why it is accepted."),
        required("author", TEXT, "Who answers for it."),
        optional(
            "until",
            ValueForm::Text(Format::Date),
            "The last day on which it holds, `2026-01-31`.",
        ),
    ],
);

pub(super) static LEASE: Section = section(
    "A Kubernetes Lease: whoever holds it writes, all others read and plan.",
    &[
        required("kind", ValueForm::Word(&["kubernetes"]), "The kind of lease."),
        required("name", ValueForm::Text(Format::ObjectName), "The lease's name."),
        optional(
            "namespace",
            ValueForm::Text(Format::ObjectName),
            "Its namespace; without it the one that the service runs in.",
        ),
        default(
            "duration",
            ValueForm::Count,
            "15",
            "How long it lasts after a renewal, in seconds from 3 to 600.",
        ),
    ],
);

pub(super) static AUDIT: Section = section(
    "What is done with findings: `lockstep audit --explain CODE` says what each means.",
    &[
        optional(
            "severity",
            ValueForm::List(&ValueForm::Map(&SEVERITY)),
            "Severities; a later one goes before an earlier one.",
        ),
        optional(
            "suppress",
            ValueForm::List(&ValueForm::Map(&SUPPRESS)),
            "Findings that somebody stands for.",
        ),
    ],
);

pub(super) static SEVERITY: Section = section(
    "The severity of the findings of a code.",
    &[
        required("code", TEXT, "The code."),
        required(
            "level",
            ValueForm::Word(&["off", "note", "warning", "error"]),
            "The severity; `off`: they are not shown.",
        ),
        optional("component", COMPONENT, "Only in this component repository, `org/repo`."),
        optional("image", TEXT, "Only for this image, by its payload tag or its key."),
        optional("release", RELEASE, "Only in this release."),
    ],
);

pub(super) static SUPPRESS: Section = section(
    "Findings that are not shown until a day; a suppression that covers nothing is itself a finding.",
    &[
        required("code", TEXT, "The code."),
        optional("component", COMPONENT, "Only in this component repository, `org/repo`."),
        optional("image", TEXT, "Only for this image, by its payload tag or its key."),
        optional("release", RELEASE, "Only in this release."),
        required("reason", TEXT, "Why they are not to be shown."),
        required("author", TEXT, "Who answers for it."),
        required(
            "until",
            ValueForm::Text(Format::Date),
            "The last day on which it holds, `2026-01-31`.",
        ),
    ],
);

pub(super) static FEEDBACK: Section = section(
    "What developers are told: nothing unless it stands here.",
    &[
        optional(
            "pulls",
            ValueForm::Map(&PULLS),
            "Open pull requests: what each would do to OKD, given by `reconcile`.",
        ),
        optional(
            "breaks",
            ValueForm::Map(&BREAKS),
            "Images that do not build after a merge: who is told, once, by `reconcile`.",
        ),
        optional(
            "silence",
            ValueForm::List(&ValueForm::Map(&SILENCE)),
            "Images that do not build, and that nobody is to hear of for a while.",
        ),
    ],
);

pub(super) static PULLS: Section = section(
    "Open pull requests of others: what each would do to OKD.",
    &[
        required(
            "repositories",
            ValueForm::List(&TEXT),
            "Whose: `org/repo`, with `*` for any characters, of those that releases are built from, build data and the CI configs.",
        ),
        default(
            "as",
            ValueForm::Word(&["check", "status"]),
            "check",
            "A check run (`forge.app` with `checks: write`) or a commit status (a token with `statuses: write`).",
        ),
        default(
            "breaks",
            ValueForm::Word(&["neutral", "failure"]),
            "neutral",
            "How the answer ends where OKD breaks; `failure` holds the pull request up.",
        ),
        default(
            "comment",
            ValueForm::Word(&["never", "breaks", "changes"]),
            "never",
            "Whether a comment says it as well, where OKD breaks, or where it breaks or changes: one, which is edited.",
        ),
        default(
            "max-new",
            ValueForm::Count,
            "60",
            "The most answers that are given within an hour; the others wait.",
        ),
    ],
);

pub(super) static BREAKS: Section = section(
    "Images that do not build after a merge, and where that is told once. It needs `sources.results` and `forge` with `kind: github`.",
    &[
        default(
            "as",
            ValueForm::Word(&["none", "comment", "issue", "table"]),
            "none",
            "`comment`: on the merged pull request where one alone is the cause and younger than 14 days, else a row in `table` where that is given, else an issue; `issue`: in the component's repository; `table`: a row in one issue of `table`.",
        ),
        optional("table", COMPONENT, "The repository of the table, `org/repo`."),
        default(
            "max-new",
            ValueForm::Count,
            "10",
            "The most comments and issues that are begun within an hour; the others wait.",
        ),
        default(
            "owners",
            ValueForm::Flag,
            "false",
            "Whether a comment or issue names the first five approvers of the component's OWNERS file; a table never does.",
        ),
    ],
);

pub(super) static SILENCE: Section = section(
    "An image that does not build, and that nobody is to hear of until a day.",
    &[
        required("image", TEXT, "Its payload tag."),
        optional("release", RELEASE, "Only in this release."),
        required("reason", TEXT, "Why nobody is to hear of it."),
        required("author", TEXT, "Who says so."),
        required(
            "until",
            ValueForm::Text(Format::Date),
            "The last day on which it holds, `2026-01-31`.",
        ),
    ],
);

pub(super) static LIMITS: Section = section(
    "Bounds that stop a run that would do too much.",
    &[default(
        "removals",
        ValueForm::Count,
        "10",
        "More removals than this in one pull request stop it.",
    )],
);

pub(super) static SERVER: Section = section(
    "Who may look at the HTTP server. Where it listens on more than this machine, exactly one of `token-env`, `token-file` and `auth: proxy` is needed.",
    &[
        optional(
            "token-env",
            ValueForm::Text(Format::EnvName),
            "The environment variable that holds the bearer token which requests must carry.",
        ),
        optional(
            "token-file",
            PATH,
            "The file that holds the bearer token which requests must carry; read anew when it changes.",
        ),
        optional(
            "auth",
            ValueForm::Word(&["proxy"]),
            "`proxy`: a proxy in front lets nobody in whom it does not know; nothing is checked here.",
        ),
        default(
            "open-metrics",
            ValueForm::Flag,
            "false",
            "Whether `/metrics` is answered without the token.",
        ),
        optional(
            "webhook",
            ValueForm::Map(&WEBHOOK),
            "The deliveries of GitHub's webhooks; without it none is taken.",
        ),
    ],
);

pub(super) static WEBHOOK: Section = Section {
    about: "The secret that GitHub signs its deliveries with: exactly one of the two keys says where it is.",
    keys: &[
        optional(
            "secret-env",
            ValueForm::Text(Format::EnvName),
            "The environment variable that holds the secret.",
        ),
        optional(
            "secret-file",
            PATH,
            "The file that holds the secret; read anew when it changes.",
        ),
    ],
    one_of: &["secret-env", "secret-file"],
};
