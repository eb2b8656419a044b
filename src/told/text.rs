//! The words: for a component's developer who never heard of OKD, and for whoever keeps the table.
//!
//! All that comes from elsewhere (names, titles, reasons, logs) is escaped and cut: nobody is mentioned, nothing is referred to or
//! closed by it, and nothing in it ends what stands around it.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::breaks::Break;
use super::object::Merged;
use super::page::{Block, State};
use super::policy::Policy;
use crate::base::Date;
use crate::base::text::{clip, code, markdown, terminal};
use crate::results::answer::{ImageResult, Suspect};

/// As many suspects are named.
const SUSPECTS: usize = 5;
/// As long a title is, in characters.
const TITLE: usize = 120;
/// As long a row's last line of the log is.
const LAST: usize = 100;

/// What is said of images that OCP cannot build either.
const FOR_OCP: [&str; 2] = ["does not build for OCP either", "do not build for OCP either"];

/// What stands above the rows of a table.
pub const ROWS: &str = "| release | image | repository | does not build since | why | OCP's own build | log |\n|---|---|---|---|---|---|---|";
/// The title of the issue with the table.
pub const TABLE_TITLE: &str = "Images of OKD that do not build";

/// What a reader of a comment or an issue sees first. `pull`: it stands on the pull request that is the cause.
pub fn head(blocks: &[&Block], pull: bool) -> String {
    let broken: Vec<&Block> = in_state(blocks, |state| state == State::Broken);
    let mut out = String::new();
    match broken.is_empty() {
        false => {
            let tail = if pull { " since this was merged" } else { "" };
            let _ = writeln!(
                out,
                "### OKD: {} any more{tail}\n",
                verb(&broken, "does not build", "do not build")
            );
            out.push_str(
                "OKD is the community's build of OpenShift: the same sources as OCP's, on other base images, built anew after each merge here. \
                 What is below fails in OKD's build",
            );
            out.push_str(if pull {
                ", and this pull request is the only one between the last build that succeeded and the first that failed.\n"
            } else {
                ".\n"
            });
        }
        true => match (mended(blocks).as_slice(), shared(blocks).as_slice()) {
            ([], []) => out.push_str("### OKD: this is told elsewhere already\n"),
            ([], both) => {
                let _ = writeln!(
                    out,
                    "### OKD: {}\n\nOCP's own CI tells of that: nothing more is said here.",
                    verb(both, FOR_OCP[0], FOR_OCP[1])
                );
            }
            (again, _) => {
                let _ = writeln!(
                    out,
                    "### OKD: {} again\n\nNothing is left to do.",
                    verb(again, "builds", "build")
                );
            }
        },
    }
    out
}

/// What stands at the end of a comment or an issue.
pub fn foot(is_broken: bool, is_issue: bool) -> String {
    if !is_broken {
        return String::new();
    }
    let what = if is_issue {
        "This issue is closed"
    } else {
        "This comment says so"
    };
    format!(
        "What helps: a change that makes OKD's build pass again. Often OKD has a Dockerfile of its own that has to follow, or its base images have \
         another Go or other packages. Nothing of OCP waits for it.\n\n<sub>{what} once it builds again; nobody is reminded. To hear nothing of it \
         for a while, comment `/lockstep silence 7d because …` (whoever may write to this repository can).</sub>"
    )
}

/// What stands above and below a table.
pub fn around(rows: &[&Block]) -> (String, String) {
    let broken = in_state(rows, |state| state == State::Broken).len();
    let what = match broken {
        0 => "Every image of OKD builds, as far as is known.".to_owned(),
        1 => "One image of OKD does not build.".to_owned(),
        n => format!("{n} images of OKD do not build."),
    };
    let head = format!(
        "{what} What only waits for another image, or is held back by one, has no row; nor has what fails for OCP as well, nor trouble of CI \
         itself.\n\n{ROWS}"
    );
    let foot = "A row is written when an image breaks, says so when it builds again, and goes a week later; nobody is notified of that. Close this issue \
                to have no table any more. To hear nothing of an image for a while, comment `/lockstep silence IMAGE 7d because …` (whoever may write \
                to this repository can).";
    (head, foot.to_owned())
}

/// The title of an issue.
pub fn title(blocks: &[&Block]) -> String {
    let broken: Vec<&Block> = in_state(blocks, |state| state == State::Broken);
    let mut releases: Vec<&str> = broken.iter().map(|block| block.release.as_str()).collect();
    releases.dedup();
    let mut images: Vec<&str> = broken.iter().map(|block| block.image.as_str()).collect();
    images.sort_unstable();
    images.dedup();
    let verb = if images.len() == 1 { "does" } else { "do" };
    let title = format!(
        "OKD {}: {} {verb} not build any more",
        releases.join(", "),
        images.join(", ")
    );
    clip(&crate::base::text::inert(&title), TITLE)
}

/// How a break is shown.
#[derive(Clone, Copy)]
pub struct Seen<'a> {
    /// On the pull request that is the cause.
    pub on_pull: bool,
    /// With the last lines of the log.
    pub with_log: bool,
    /// What is known of the pull request that is the cause.
    pub merged: Option<&'a Merged>,
}

/// The block of a break.
pub fn block(one: &Break, seen: Seen<'_>, policy: &Policy<'_>) -> String {
    let image = &one.image;
    let Seen {
        on_pull,
        with_log,
        merged,
    } = seen;
    let mut out = format!(
        "**{}, OKD {}**: {}.\n\n",
        code(&image.image),
        markdown(&one.release),
        markdown(&clip(&image.says, 2 * TITLE))
    );
    let last = image.last_good.as_deref().map_or_else(
        || "no build before it is known".to_owned(),
        |good| format!("the last one that built is {}", commit(good)),
    );
    let _ = writeln!(
        out,
        "- First commit that fails: {}{}; {last}.",
        commit(&one.since),
        day(image.since_time)
    );
    let _ = writeln!(
        out,
        "- Job: {}{}. {}",
        code(&image.job),
        log(image, policy, ", [log]"),
        twin(image)
    );
    if let Some(warned) = merged.and_then(|merged| merged.warned.as_deref()) {
        let warned = clip(warned, 2 * TITLE);
        let _ = writeln!(
            out,
            "- The check `OKD` had said so before the merge: {}",
            markdown(&warned)
        );
    }
    match (one.cause(), on_pull) {
        (Some(_), true) => {}
        // A reference: those who merged it see it there.
        (Some(cause), false) => {
            let title = markdown(&clip(cause.title, TITLE));
            let _ = writeln!(out, "- Nothing but #{} was merged in between: {title}", cause.pull);
        }
        (None, _) => drop(writeln!(out, "- {}", suspects(&image.suspects))),
    }
    if with_log && !image.lines.is_empty() {
        out.push_str("\n<details><summary>The last lines of the log</summary>\n\n<pre>\n");
        for line in &image.lines {
            let _ = writeln!(out, "{}", verbatim(line));
        }
        out.push_str("</pre>\n</details>\n");
    }
    out.trim_end().to_owned()
}

/// The row of a break.
pub fn row(one: &Break, policy: &Policy<'_>) -> String {
    let image = &one.image;
    let last = image
        .lines
        .last()
        .map(|line| format!("<br>{}", code(&clip(line.trim(), LAST))));
    let cause = match one.cause() {
        Some(cause) => format!("<br>after #{}: {}", cause.pull, clip(cause.title, TITLE)),
        None => match image.suspects.len() {
            0 => String::new(),
            n => format!("<br>after one of {n} changes"),
        },
    };
    let twin = match image.okd_only {
        Some(true) => "builds",
        Some(false) => "fails as well",
        None => "not known",
    };
    format!(
        "| {} | {} | {} | {}{} | {}{}{} | {twin} | {} |",
        markdown(&one.release),
        code(&image.image),
        code(&image.repository),
        commit(&one.since),
        day(image.since_time),
        markdown(&clip(&image.says, 2 * TITLE)),
        cause_text(&cause),
        last.unwrap_or_default(),
        log(image, policy, "[log]"),
    )
}

/// A row's cause; its line break is ours.
fn cause_text(cause: &str) -> String {
    cause
        .strip_prefix("<br>")
        .map_or_else(String::new, |cause| format!("<br>{}", markdown(cause)))
}

/// What is said of a break that is over. `by`: the commit that builds.
pub fn over(block: &Block, by: Option<&str>, repository: &str, now: i64, is_table: bool) -> String {
    let built = match by {
        Some(by) => format!("builds again, with {}, seen on {}", commit(by), Date::of_unix(now)),
        None => format!(
            "is no longer an image of OKD {}, seen on {}",
            markdown(&block.release),
            Date::of_unix(now)
        ),
    };
    match is_table {
        true => {
            let (release, image, since) = (markdown(&block.release), code(&block.image), commit(&block.since));
            let repository = match repository {
                "" => String::new(),
                repository => code(repository),
            };
            format!("| {release} | {image} | {repository} | {since} | {built} | | |")
        }
        false => format!(
            "**{}, OKD {}** {built}; it did not from {} on.",
            code(&block.image),
            markdown(&block.release),
            commit(&block.since)
        ),
    }
}

/// What is said of a break that OCP has as well.
pub fn in_both(block: &Block, image: &ImageResult, now: i64, is_table: bool) -> String {
    let (release, tag, since) = (markdown(&block.release), code(&block.image), commit(&block.since));
    let seen = format!("seen on {}", Date::of_unix(now));
    match is_table {
        true => {
            let repository = code(&image.repository);
            format!(
                "| {release} | {tag} | {repository} | {since} | OCP's own CI tells of it, {seen} | fails as well | |"
            )
        }
        false => format!(
            "**{tag}, OKD {release}**: OCP's job {} fails as well, {seen}, and its own CI tells of that. OKD's fails from {since} on.",
            code(&image.twin)
        ),
    }
}

/// What is said of a break that an older text tells.
pub fn elsewhere(block: &Block, is_table: bool) -> String {
    match is_table {
        true => format!(
            "| {} | {} | | | told elsewhere | | |",
            markdown(&block.release),
            code(&block.image)
        ),
        false => format!(
            "**{}, OKD {}** is told elsewhere already.",
            code(&block.image),
            markdown(&block.release)
        ),
    }
}

/// The word with which an issue is closed.
pub fn word(blocks: &[&Block]) -> String {
    let both = |both: &[&Block]| verb(both, FOR_OCP[0], FOR_OCP[1]);
    match (mended(blocks).as_slice(), shared(blocks).as_slice()) {
        ([], []) => "This is told elsewhere already. Closing.".to_owned(),
        ([], all) => format!("Now {}: its own CI tells of that. Closing.", both(all)),
        (again, []) => format!("Over: {} again. Closing.", verb(again, "builds", "build")),
        (again, all) => format!(
            "Over: {} again; {}, as its own CI tells. Closing.",
            verb(again, "builds", "build"),
            both(all)
        ),
    }
}

/// What is shown of a silence.
pub fn silence(image: &str, author: &str, reason: &str, until: Date) -> String {
    let (image, author, reason) = (code(image), code(author), markdown(&clip(reason, TITLE)));
    format!("Of {image} nothing is said until {until}, as {author} asked: {reason}")
}

/// What is answered to who asks for silence of an image that the text does not tell of.
pub fn no_silence(image: &str, author: &str, told: &BTreeSet<String>) -> String {
    const NAMED: usize = 10;
    let (image, author) = (code(&clip(image, TITLE)), code(author));
    let names: Vec<String> = told.iter().take(NAMED).map(|name| code(name)).collect();
    let more = match told.len().saturating_sub(NAMED) {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    format!(
        "Of {image} it is told as before, though {author} asked for silence: here only {}{more} can be named",
        names.join(", ")
    )
}

/// The line that names people, who hear of it by that; empty for nobody. Only what can be somebody's name is one.
pub fn named(logins: &[String]) -> String {
    if logins.is_empty() {
        return String::new();
    }
    let logins: Vec<String> = logins.iter().map(|login| format!("@{login}")).collect();
    format!("cc {} (`approvers` in OWNERS)", logins.join(", "))
}

/// What a write is about.
pub fn about(blocks: &[&Block]) -> String {
    let broken: Vec<&Block> = in_state(blocks, |state| state == State::Broken);
    let (mended, shared) = (mended(blocks), shared(blocks));
    let named = |blocks: &[&Block]| {
        let names: Vec<String> = blocks
            .iter()
            .map(|block| format!("{} of {}", block.image, block.release))
            .collect();
        names.join(", ")
    };
    let parts = [
        ("does not build", &broken),
        ("builds again", &mended),
        ("fails for OCP as well", &shared),
    ];
    let parts = parts.iter().filter(|(_, blocks)| !blocks.is_empty());
    let parts: Vec<String> = parts
        .map(|(verb, blocks)| format!("{} {verb}", named(blocks)))
        .collect();
    match (parts.is_empty(), blocks.is_empty()) {
        (false, _) => parts.join("; "),
        (true, false) => "told elsewhere".to_owned(),
        (true, true) => "nothing is left".to_owned(),
    }
}

fn mended<'b>(blocks: &[&'b Block]) -> Vec<&'b Block> {
    in_state(blocks, |state| matches!(state, State::Mended(_)))
}

fn shared<'b>(blocks: &[&'b Block]) -> Vec<&'b Block> {
    in_state(blocks, |state| matches!(state, State::Shared(_)))
}

fn in_state<'b>(blocks: &[&'b Block], is: impl Fn(State) -> bool) -> Vec<&'b Block> {
    blocks.iter().filter(|block| is(block.state)).copied().collect()
}

/// The images of blocks with a verb.
fn verb(blocks: &[&Block], one: &str, more: &str) -> String {
    const NAMED: usize = 4;
    let mut names: Vec<&str> = blocks.iter().map(|block| block.image.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let shown: Vec<String> = names.iter().take(NAMED).map(|name| code(name)).collect();
    match names.len() {
        1 => format!("image {} {one}", shown.join("")),
        n if n > NAMED => format!("{n} images (such as {}) {more}", shown.join(", ")),
        _ => format!("images {} {more}", shown.join(", ")),
    }
}

fn twin(image: &ImageResult) -> String {
    let name = code(&image.twin);
    match image.okd_only {
        Some(true) => format!("OCP's job {name} succeeds where this one fails: only OKD is hit."),
        Some(false) => format!("OCP's job {name} fails as well."),
        None => "Whether OCP's build of this commit fails as well is not known.".to_owned(),
    }
}

fn suspects(all: &[Suspect]) -> String {
    if all.is_empty() {
        return "What was merged in between is not known.".to_owned();
    }
    let one = |suspect: &Suspect| {
        // As code it is no reference: most of these have nothing to do with it, and are to hear nothing.
        let name = suspect
            .pull
            .map_or_else(|| commit(&suspect.commit), |pull| format!("`#{pull}`"));
        format!("{name} {}", markdown(&clip(&suspect.title, TITLE)))
    };
    let shown: Vec<String> = all.iter().take(SUSPECTS).map(one).collect();
    let more = match all.len().saturating_sub(SUSPECTS) {
        0 => String::new(),
        n => format!("; and {n} more"),
    };
    format!("Merged in between: {}{more}.", shown.join("; "))
}

fn log(image: &ImageResult, policy: &Policy<'_>, label: &str) -> String {
    let address = image.run.as_deref().and_then(|run| (policy.address)(run));
    address.map_or_else(String::new, |address| format!("{label}({address})"))
}

fn commit(id: &str) -> String {
    code(&id.chars().take(10).collect::<String>())
}

fn day(time: Option<i64>) -> String {
    time.map_or_else(String::new, |time| format!(" ({})", Date::of_unix(time)))
}

/// A line of a log within `<pre>`: characters that mean something in HTML or markdown by their number, so that neither a tag nor a
/// mention is left, not even where somebody reads the bare text.
fn verbatim(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    for c in terminal(line).chars() {
        match c {
            '<' | '>' | '&' | '@' | '#' | '`' => drop(write!(out, "&#{};", u32::from(c))),
            c => out.push(c),
        }
    }
    out
}
