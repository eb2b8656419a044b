//! Follows rules/README.md as a new rule author does: every file it shows is written, every command is run, and what it
//! prints is what the page shows.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Runs a command line of the page; returns what it prints, times left out.
fn run(dir: &Path, line: &str) -> String {
    let args: Vec<&str> = line.split_whitespace().skip(1).collect();
    let mut command = Command::new(env!("CARGO_BIN_EXE_lockstep"));
    let output = command.current_dir(dir).args(args).output().expect("the binary runs");
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    let line = |line: &str| match (line.rfind(" ("), line.ends_with(" ms)")) {
        (Some(at), true) => format!("{}\n", &line[..at]),
        _ => format!("{}\n", line.trim_end()),
    };
    text.lines().map(line).collect()
}

/// Runs the page's blocks in order; returns the page with what really came out.
fn follow(page: &str, dir: &Path) -> String {
    let (mut out, mut lines) = (String::new(), page.lines());
    while let Some(line) = lines.next() {
        out.push_str(line);
        out.push('\n');
        let Some(info) = line.strip_prefix("```").filter(|info| !info.is_empty()) else {
            continue;
        };
        let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        if info == "console" {
            for command in block.iter().filter(|line| line.starts_with("$ ")) {
                out.push_str(&format!("{command}\n{}", run(dir, &command[2..])));
            }
        } else {
            if let Some((_, file)) = info.split_once(" file=") {
                let path = dir.join(file);
                let own = file.starts_with("my-rules/");
                assert!(own || path.is_file(), "`rules new` makes {file}");
                fs::write(path, format!("{}\n", block.join("\n"))).expect("written");
            }
            block.iter().for_each(|line| out.push_str(&format!("{line}\n")));
        }
        out.push_str("```\n");
    }
    out
}

/// Copies a folder with all that is in it.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("the folder") {
        let path = entry.expect("an entry").path();
        let copied = to.join(path.file_name().expect("a name"));
        match path.is_dir() {
            true => copy(&path, &copied),
            false => drop(fs::copy(&path, copied).expect("a copy")),
        }
    }
}

#[test]
fn the_steps_of_the_reference_do_what_it_says() {
    let dir = TempDir::new().expect("a folder");
    fs::create_dir_all(dir.path().join("fixtures/cases")).expect("a folder");
    copy(
        &Path::new(ROOT).join("fixtures/demo"),
        &dir.path().join("fixtures/demo"),
    );
    fs::create_dir(dir.path().join("my-rules")).expect("a folder");
    fs::create_dir(dir.path().join("rules")).expect("a folder");
    for entry in fs::read_dir(Path::new(ROOT).join("rules")).expect("the rules") {
        let path = entry.expect("an entry").path();
        // A rule set of its own, which nobody has unless it is named.
        if path.is_dir() {
            continue;
        }
        fs::copy(&path, dir.path().join("rules").join(path.file_name().expect("a name"))).expect("a copy");
    }
    let path = Path::new(ROOT).join("rules/README.md");
    let page = fs::read_to_string(&path).expect("the page");
    let followed = follow(&page, dir.path());
    if std::env::var_os("LOCKSTEP_UPDATE").is_some() {
        return fs::write(&path, followed).expect("written");
    }
    let difference = similar::TextDiff::from_lines(&page, &followed)
        .unified_diff()
        .to_string();
    assert!(
        page == followed,
        "rules/README.md shows other output; LOCKSTEP_UPDATE=1 writes it anew\n{difference}"
    );
}
