//! In which folders of its context a Dockerfile builds Go: what tells which of several modules it is built from.

use serde::{Deserialize, Serialize};

use super::instructions::instructions;
use super::subst;
use crate::base::{from_root, within};

/// A command that builds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Built {
    /// The line of its `RUN`, from 1.
    pub line: u32,
    /// The folder of the build context that it runs in, empty for the context itself; `None` where variables or commands hide it.
    pub folder: Option<String>,
}

/// What a Dockerfile tells of how Go is built.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Builds {
    /// The commands that build what comes from the build context, in the order of the text.
    pub commands: Vec<Built>,
    /// Whether workspaces are switched off (`GOWORK=off`).
    pub no_workspace: bool,
}

/// Reads where a Dockerfile builds. Of a text that is no Dockerfile nothing is told.
pub fn builds(text: &[u8]) -> Builds {
    let text = String::from_utf8_lossy(text);
    let Ok(all) = instructions(&text) else {
        return Builds::default();
    };
    let mut reader = Reader::default();
    for one in &all {
        match one.keyword.as_str() {
            "FROM" => reader.from(&one.rest),
            "WORKDIR" => {
                reader.stage().workdir = join(
                    &reader.stage().workdir.clone(),
                    one.rest.trim().trim_matches(['"', '\'']),
                )
            }
            "COPY" | "ADD" => reader.copy(&one.rest),
            "RUN" => reader.run(one.line, &one.rest),
            _ => {}
        }
        reader.builds.no_workspace |=
            one.rest.contains("GOWORK=off") || (one.keyword == "ENV" && one.rest.trim() == "GOWORK off");
    }
    reader.builds
}

/// What is known within a stage.
#[derive(Clone, Debug)]
struct Stage {
    name: String,
    workdir: String,
    /// Folders of the image and the folders of the context that were copied there, the last ones first.
    copied: Vec<(String, String)>,
}

#[derive(Default)]
struct Reader {
    stages: Vec<Stage>,
    builds: Builds,
}

impl Reader {
    fn stage(&mut self) -> &mut Stage {
        if self.stages.is_empty() {
            self.from("");
        }
        self.stages.last_mut().expect("there is one by now")
    }

    fn from(&mut self, rest: &str) {
        let words: Vec<&str> = rest.split_whitespace().filter(|word| !word.starts_with("--")).collect();
        let name = match words.as_slice() {
            [_, word, name] if word.eq_ignore_ascii_case("as") => (*name).to_owned(),
            _ => String::new(),
        };
        let earlier = words.first().and_then(|from| {
            self.stages
                .iter()
                .find(|stage| !stage.name.is_empty() && stage.name.eq_ignore_ascii_case(from))
        });
        let start = earlier.cloned();
        let (workdir, copied) =
            start.map_or_else(|| ("/".to_owned(), Vec::new()), |stage| (stage.workdir, stage.copied));
        self.stages.push(Stage { name, workdir, copied });
    }

    fn copy(&mut self, rest: &str) {
        let mut rest = rest;
        while rest.starts_with("--") {
            let (flag, after) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
            if flag.starts_with("--from") {
                return;
            }
            rest = after.trim_start();
        }
        let words: Option<Vec<String>> = serde_json::from_str(rest).ok().or_else(|| {
            let words = subst::words(rest, '\\')?;
            Some(words.into_iter().map(|word| subst::unquote(word, '\\')).collect())
        });
        let Some((destination, sources)) = words.as_deref().and_then(|words| words.split_last()) else {
            return;
        };
        let stage = self.stage();
        let to = join(&stage.workdir, destination);
        for source in sources {
            let Some(source) = within(source) else { continue };
            // A module's own file stands for its folder.
            let name = source.rsplit('/').next().unwrap_or_default();
            let folder = match name {
                "go.mod" | "go.sum" | "go.work" => source.rsplit_once('/').map_or("", |(folder, _)| folder),
                _ => &source,
            };
            stage.copied.insert(0, (to.clone(), folder.to_owned()));
        }
    }

    fn run(&mut self, line: u32, rest: &str) {
        let stage = self.stage().clone();
        for folder in building(rest, &stage.workdir) {
            let built = match stage.source_of(&folder) {
                Some(folder) => Some(folder),
                // What was made or fetched there is not of the context.
                None if !folder.contains('$') => continue,
                None => None,
            };
            let built = Built { line, folder: built };
            if !self.builds.commands.contains(&built) {
                self.builds.commands.push(built);
            }
        }
    }
}

impl Stage {
    /// The folder of the context that a folder of the image was copied from.
    fn source_of(&self, folder: &str) -> Option<String> {
        let covers = |(to, _): &&(String, String)| {
            let rest = folder.strip_prefix(to.trim_end_matches('/'));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        // Of those that were copied to one place the last one lies on top; `max_by_key` takes the last of equals.
        let (to, source) = self.copied.iter().rev().filter(covers).max_by_key(|(to, _)| to.len())?;
        let rest = folder.strip_prefix(to.trim_end_matches('/'))?;
        within(&format!("{source}/{rest}"))
    }
}

/// The folders in which a shell's commands build Go.
fn building(commands: &str, workdir: &str) -> Vec<String> {
    let mut rest = commands;
    while rest.starts_with("--") {
        rest = rest
            .split_once(char::is_whitespace)
            .map_or("", |(_, rest)| rest.trim_start());
    }
    let spaced = match serde_json::from_str::<Vec<String>>(rest) {
        Ok(words) => words.join(" "),
        Err(_) => rest.to_owned(),
    };
    let (mut at, mut outer, mut found) = (workdir.to_owned(), Vec::new(), Vec::new());
    for command in spaced
        .replace('(', "\u{1}(")
        .replace(')', "\u{1})")
        .split(['\u{1}', ';', '&', '|', '\n'])
    {
        let command = match command.trim_start().strip_prefix('(') {
            Some(inner) => {
                outer.push(at.clone());
                inner
            }
            None => command,
        };
        let command = match command.trim_start().strip_prefix(')') {
            Some(after) => {
                at = outer.pop().unwrap_or(at);
                after
            }
            None => command,
        };
        let words: Vec<&str> = command
            .split_whitespace()
            .skip_while(|word| is_before_program(word))
            .collect();
        match words.split_first() {
            Some((&("cd" | "pushd"), rest)) => at = join(&at, rest.first().unwrap_or(&"~").trim_matches(['"', '\''])),
            Some((program, rest)) => found.extend(folder_of(program, rest, &at)),
            None => {}
        }
    }
    found
}

/// What may stand in front of a program: variables, and programs that run others.
fn is_before_program(word: &str) -> bool {
    const RUNNERS: [&str; 8] = ["env", "time", "sudo", "exec", "if", "then", "!", "{"];
    let name = word.split('=').next().unwrap_or_default();
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    RUNNERS.contains(&word) || (word.contains('=') && is_name)
}

/// The folder in which a program builds Go; `None` where it is something else.
fn folder_of(program: &str, words: &[&str], at: &str) -> Option<String> {
    const VERBS: [&str; 5] = ["build", "install", "test", "run", "generate"];
    let name = program.rsplit('/').next().unwrap_or_default();
    let into = |flags: &[&str]| {
        let after = words
            .iter()
            .position(|word| flags.contains(word))
            .and_then(|at| words.get(at + 1));
        let joined = words
            .iter()
            .find_map(|word| flags.iter().find_map(|flag| word.strip_prefix(&format!("{flag}="))));
        after
            .copied()
            .or(joined)
            .map_or_else(|| at.to_owned(), |folder| join(at, folder))
    };
    match name {
        "go" if words.iter().any(|word| VERBS.contains(word)) => {
            // A tool that is fetched by its version is no module of the context.
            let fetched = words.iter().any(|word| !word.starts_with('-') && word.contains('@'));
            (!fetched).then(|| into(&["-C"]))
        }
        "make" | "gmake" => Some(into(&["-C", "--directory"])),
        // A script of the repository's own.
        _ if program.contains('/') && !program.starts_with('/') => Some(at.to_owned()),
        _ => None,
    }
}

/// A path as seen from a folder, without `.` and `..`.
fn join(folder: &str, path: &str) -> String {
    let path = path.trim();
    // A variable in front may hold an absolute path, and mostly does.
    let joined = if path.starts_with(['/', '$', '~']) {
        path.to_owned()
    } else {
        format!("{folder}/{path}")
    };
    format!("/{}", from_root(&joined))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<String> {
        let tell = |built: Built| format!("{} {}", built.line, built.folder.as_deref().unwrap_or("?"));
        builds(text.as_bytes()).commands.into_iter().map(tell).collect()
    }

    #[test]
    fn the_context_itself_is_an_empty_folder() {
        assert_eq!(
            told("FROM a AS builder\nWORKDIR /go/src/x\nCOPY . .\nRUN make build\nFROM b\nRUN yum -y install x\n"),
            ["4 "]
        );
        assert_eq!(
            told("FROM a\nCOPY . /src\nRUN cd /src && CGO_ENABLED=0 go build -o /x ./cmd\n"),
            ["3 "]
        );
        assert_eq!(
            told("FROM a\nWORKDIR $GOPATH/src/x\nCOPY . .\nRUN hack/build.sh\n"),
            ["4 "],
            "the variable is the same"
        );
    }

    #[test]
    fn folders_are_followed() {
        for (text, expected) in [
            (
                "FROM a\nWORKDIR /src\nCOPY . .\nWORKDIR operator\nRUN go build .\n",
                &["5 operator"][..],
            ),
            (
                "FROM a\nWORKDIR /src\nCOPY . .\nRUN (cd api && go build .) && make\n",
                &["4 api", "4 "],
            ),
            (
                "FROM a\nWORKDIR /src\nCOPY . .\nRUN make -C tools/x all; go -C y build\n",
                &["4 tools/x", "4 y"],
            ),
            (
                "FROM a\nWORKDIR /src\nCOPY operator/go.mod operator/go.sum ./\nCOPY operator/ .\nRUN go build\n",
                &["5 operator"],
            ),
            (
                "FROM a AS one\nWORKDIR /src\nCOPY sub ./sub\nFROM one\nRUN cd sub/x && go test ./...\n",
                &["5 sub/x"],
            ),
            (
                "FROM a\nCOPY [\"a b\", \"/src\"]\nWORKDIR /src\nRUN [\"go\", \"build\"]\n",
                &["4 a b"],
            ),
        ] {
            assert_eq!(told(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_not_of_the_context_is_left_out() {
        for text in [
            "FROM a\nCOPY . /src\nRUN cd /tmp && go build .\n",
            "FROM a\nCOPY --from=b /src /src\nWORKDIR /src\nRUN make\n",
            "FROM a\nCOPY . .\nRUN go install example.com/tool@v1 && go version && yum install golang\n",
            "RUN make\n",
            "",
            "not a Dockerfile {{",
        ] {
            assert_eq!(told(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn what_variables_hide_is_told_as_hidden() {
        assert_eq!(told("FROM a\nCOPY . /src\nRUN cd $WHERE && go build .\n"), ["3 ?"]);
        assert_eq!(
            told("FROM a\nCOPY . /src\nWORKDIR /src\nRUN cd ../../.. && make\n"),
            Vec::<String>::new()
        );
    }

    #[test]
    fn workspaces_may_be_switched_off() {
        for text in [
            "FROM a\nENV GOWORK=off\n",
            "FROM a\nENV GOWORK off\n",
            "FROM a\nRUN GOWORK=off go build\n",
        ] {
            assert!(builds(text.as_bytes()).no_workspace, "{text}");
        }
        assert!(!builds(b"FROM a\nRUN go build\n").no_workspace);
    }
}
