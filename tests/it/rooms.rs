//! Rooms and their floors: what `docs/design.md` says of them is held against the imports of `src`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::Regex;

/// Where the floors stand, and the circles inside a room that are meant.
pub const DESIGN: &str = "docs/design.md";

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub fn read(path: &str) -> String {
    std::fs::read_to_string(project().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The rows of the table of floors, from the ground up: the rooms of each and what lives there.
fn floors() -> Vec<(Vec<String>, String)> {
    let text = read(DESIGN);
    let table = text
        .split_once("| room | what lives there |")
        .expect("the table of floors")
        .1;
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let rows = rows.map(|row| {
        let mut cells = row.trim_matches('|').split(" | ");
        let rooms = cells.next().unwrap_or_default().split(',');
        let rooms = rooms.map(|room| room.trim().trim_matches('`').to_owned()).collect();
        (rooms, cells.next().unwrap_or_default().trim().to_owned())
    });
    rows.collect()
}

/// One file of `src` without its tests and comments.
pub struct File {
    path: PathBuf,
    /// The module that it is, e.g. `["forge", "github", "look"]`.
    module: Vec<String>,
    pub code: String,
}

pub fn files() -> Vec<File> {
    let mut found = Vec::new();
    walk(&project().join("src"), &mut Vec::new(), &mut found);
    assert!(found.len() > 100, "the source is read");
    found
}

fn walk(dir: &Path, module: &mut Vec<String>, found: &mut Vec<File>) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(dir)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    entries.sort();
    let of_tests = Regex::new(r"#\[cfg\(test\)\]\s*(?:pub )?mod (\w+);").unwrap();
    let face = std::fs::read_to_string(dir.join("mod.rs")).unwrap_or_default();
    let tests: BTreeSet<&str> = of_tests
        .captures_iter(&face)
        .map(|found| found.extract::<1>().1[0])
        .chain(["tests"])
        .collect();
    for path in entries {
        let name = path
            .file_stem()
            .and_then(|name| name.to_str())
            .expect("a name")
            .to_owned();
        if tests.contains(name.as_str()) {
            continue;
        }
        let is_face = matches!(name.as_str(), "mod" | "lib");
        if !is_face {
            module.push(name);
        }
        if path.is_dir() {
            walk(&path, module, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let text = std::fs::read_to_string(&path).expect("a file");
            let code = code(&text);
            let module = module.clone();
            found.push(File { path, module, code });
        }
        if !is_face {
            module.pop();
        }
    }
}

fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// Every path that a file names, from the library's root on.
fn names(file: &File) -> BTreeSet<Vec<String>> {
    static USES: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(?m)^\s*(?:pub(?:\(\w+\))? )?use ([^;]+);").unwrap());
    static INLINE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\b(?:crate|lockstep|super)(?:::\w+)+").unwrap());
    let (uses, inline) = (&USES, &INLINE);
    let mut paths = Vec::new();
    for found in uses.captures_iter(&file.code) {
        expand(&[], &found[1], &mut paths);
    }
    let rest = uses.replace_all(&file.code, "");
    for found in inline.find_iter(&rest) {
        expand(&[], found.as_str(), &mut paths);
    }
    paths
        .into_iter()
        .filter_map(|path| rooted(path, &file.module))
        .collect()
}

/// Takes a tree of imports apart.
fn expand(before: &[&str], tree: &str, paths: &mut Vec<Vec<String>>) {
    let tree = tree.trim();
    let (head, group) = match tree.split_once('{') {
        Some((head, group)) => (head, group.trim_end().strip_suffix('}')),
        None => (tree.split(" as ").next().unwrap_or_default(), None),
    };
    let mut path = before.to_vec();
    path.extend(head.split("::").map(str::trim).filter(|part| !part.is_empty()));
    let Some(group) = group else {
        return paths.push(path.into_iter().map(str::to_owned).collect());
    };
    let (mut depth, mut start) = (0, 0);
    for (at, c) in group.char_indices().chain([(group.len(), ',')]) {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                let part = group.get(start..at).unwrap_or_default();
                if !part.trim().is_empty() {
                    expand(&path, part, paths);
                }
                start = at + 1;
            }
            _ => {}
        }
    }
}

/// A path from the library's root on; `None`: it leads elsewhere.
fn rooted(path: Vec<String>, module: &[String]) -> Option<Vec<String>> {
    let first = path.first()?.as_str();
    let (up, inside) = match first {
        "crate" | "lockstep" => (module.len(), true),
        "self" => (0, true),
        "super" => (path.iter().take_while(|part| *part == "super").count(), true),
        _ => (0, false),
    };
    if !inside {
        return None;
    }
    let skip = if first == "super" { up } else { 1 };
    let mut rooted = module.get(..module.len().checked_sub(up)?)?.to_vec();
    rooted.extend(path.into_iter().skip(skip));
    rooted.retain(|part| part != "self" && part != "*");
    Some(rooted)
}

/// The room that a file stands in; the program's own files are all of the command line.
pub fn room(file: &File) -> Option<&str> {
    match file.module.first().map(String::as_str) {
        Some("main") => Some("cli"),
        room => room,
    }
}

#[test]
fn no_arrow_runs_up() {
    let floors = floors();
    let order: Vec<&str> = floors.iter().flat_map(|(rooms, _)| rooms).map(String::as_str).collect();
    let files = files();
    let there: BTreeSet<&str> = files.iter().filter_map(room).collect();
    assert_eq!(
        there,
        order.iter().copied().collect(),
        "{DESIGN} names every room of `src`, and no other"
    );
    let floor = |room: &str| order.iter().position(|other| *other == room);
    let mut up = BTreeSet::new();
    for file in &files {
        let Some(own) = room(file) else { continue };
        for path in names(file) {
            let Some(other) = path.first().filter(|other| floor(other) > floor(own)) else {
                continue;
            };
            // The program's own `crate` is not the library.
            if own != "cli" {
                let path = path.join("::");
                up.insert(format!(
                    "{}: {own} is below {other} and names {path}",
                    file.path.display()
                ));
            }
        }
    }
    assert!(
        up.is_empty(),
        "{}\nMove what is named to a lower room, or hand it in",
        up.into_iter().collect::<Vec<_>>().join("\n")
    );
}

/// The circles among the files of each folder: what names each other, however far round.
fn circles(files: &[File]) -> BTreeSet<String> {
    let faces: BTreeMap<&[String], BTreeMap<String, String>> = files
        .iter()
        .filter(|file| file.path.ends_with("mod.rs"))
        .map(|file| (file.module.as_slice(), homes(file)))
        .collect();
    let mut arrows: BTreeMap<&[String], BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
    for file in files {
        for path in names(file) {
            for depth in 1..file.module.len() {
                let (folder, own) = (&file.module[..depth], &file.module[depth]);
                let Some(face) = faces.get(folder).filter(|_| path.starts_with(folder)) else {
                    continue;
                };
                let Some(other) = path.get(depth).and_then(|name| face.get(name)).cloned() else {
                    continue;
                };
                if other != *own {
                    arrows
                        .entry(folder)
                        .or_default()
                        .entry(own.clone())
                        .or_default()
                        .insert(other);
                }
            }
        }
    }
    let mut all = BTreeSet::new();
    for (folder, arrows) in &arrows {
        for start in arrows.keys() {
            let round: BTreeSet<&String> = reached(arrows, start)
                .into_iter()
                .filter(|other| reached(arrows, other).contains(start))
                .collect();
            if round.len() > 1 {
                let names: Vec<&str> = round.into_iter().map(String::as_str).collect();
                all.insert(format!("`{}`: {}", folder.join("/"), names.join(", ")));
            }
        }
    }
    all
}

/// Where the names stand that a folder's face declares: its modules, and what it hands on from them.
fn homes(face: &File) -> BTreeMap<String, String> {
    let module = Regex::new(r"\bmod (\w+);").unwrap();
    let handed = Regex::new(r"(?m)^pub(?:\(\w+\))? use (\w+::[^;]+);").unwrap();
    let mut homes = BTreeMap::new();
    for found in handed.captures_iter(&face.code) {
        let mut paths = Vec::new();
        expand(&[], &found[1], &mut paths);
        for path in paths {
            if let [home, .., name] = path.as_slice() {
                homes.insert(name.clone(), home.clone());
            }
        }
    }
    homes.extend(
        module
            .captures_iter(&face.code)
            .map(|found| (found[1].to_owned(), found[1].to_owned())),
    );
    homes
}

fn reached<'a>(arrows: &'a BTreeMap<String, BTreeSet<String>>, start: &'a String) -> BTreeSet<&'a String> {
    let mut seen = BTreeSet::new();
    let mut todo = vec![start];
    while let Some(at) = todo.pop() {
        for next in arrows.get(at).into_iter().flatten() {
            if seen.insert(next) {
                todo.push(next);
            }
        }
    }
    seen
}

#[test]
fn a_circle_inside_a_room_has_a_reason_beside_it() {
    let text = read(DESIGN);
    let listed = text
        .split_once("## Circles inside a room")
        .expect("the list of circles")
        .1;
    let listed = listed.split("\n## ").next().unwrap_or_default();
    let line = Regex::new(r"(?m)^- (`[\w/]+`: [\w, ]+) — \S.{20,}$").unwrap();
    let listed: BTreeSet<String> = line.captures_iter(listed).map(|found| found[1].to_owned()).collect();
    assert_eq!(circles(&files()), listed, "{DESIGN} lists every circle with its reason");
}

/// The floors from the top down, as they are drawn.
/// Rules about images, what they are built from and into, are asked in `derive`: whoever comes later reads what is derived, or asks
/// there. Only rule authors' tools look at rules of all kinds.
#[test]
fn after_derivation_nobody_asks_a_rule_about_an_image() {
    let asks = Regex::new(r"\bSubject::(?:Image|Member|Stream|Input|Config|Tag|Builder)\b[^(]").unwrap();
    let mut asked = 0;
    for file in files() {
        let own = matches!(room(&file), Some("derive" | "rules" | "workbench"));
        match asks.find(&file.code) {
            Some(_) if own => asked += 1,
            Some(found) => panic!("{} asks the rules about `{}`", file.path.display(), found.as_str()),
            None => {}
        }
    }
    assert!(asked > 5, "the rooms that may are read");
}

/// The targets that take the release as it was derived, and not the build config alone.
#[test]
fn a_target_that_reads_more_than_the_build_config_says_why() {
    let takes = Regex::new(r"\bderive::(?:\{[^}]*)?\bRelease\b|&(?:'\w+ )?Release<|\bask\.release\b").unwrap();
    let files = files();
    let folders = files
        .iter()
        .filter(|file| file.module.first().is_some_and(|room| room == "targets"));
    let found: BTreeSet<&str> = folders
        .filter(|file| file.module.len() > 2 || file.path.ends_with("mod.rs"))
        .filter(|file| takes.is_match(&file.code))
        .filter_map(|file| Some(file.module.get(1)?.as_str()))
        .collect();
    let text = read(DESIGN);
    let listed = text.split_once("## Targets that read more").expect("the list").1;
    let listed = listed.lines().skip(1).take_while(|line| !line.starts_with("## "));
    let listed: BTreeSet<&str> = listed
        .filter_map(|line| line.strip_prefix("- `")?.split_once("` — "))
        .filter(|(_, why)| !why.is_empty())
        .map(|(target, _)| target)
        .collect();
    assert_eq!(found, listed, "{DESIGN} lists these targets with their reasons");
}

fn drawing() -> String {
    let rows: Vec<(String, String)> = floors()
        .into_iter()
        .rev()
        .map(|(rooms, what)| (rooms.join(" "), what.replace("**", "").replace('`', "")))
        .collect();
    let width = rows
        .iter()
        .map(|(rooms, _)| rooms.chars().count())
        .max()
        .unwrap_or_default();
    let lines = rows.iter().map(|(rooms, what)| format!("{rooms:<width$}  {what}\n"));
    lines.collect()
}

#[test]
fn readme_and_library_draw_the_same_floors() {
    let drawing = drawing();
    let readme = read("README.md");
    let commented: String = drawing.lines().map(|line| format!("//! {line}\n")).collect();
    for (file, text, wanted) in [
        ("README.md", &readme, &drawing),
        ("src/lib.rs", &read("src/lib.rs"), &commented),
    ] {
        assert!(
            text.contains(wanted.as_str()),
            "{file} does not draw the floors of {DESIGN}; they are\n{wanted}"
        );
    }
}
