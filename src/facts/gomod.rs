//! The Go version that a module or a workspace asks for: `go.mod`, `go.work`.

use serde::{Deserialize, Serialize};

/// What a `go.mod` or `go.work` says about itself. Directives that are not there are `None`; the file is never refused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoMod {
    /// The module's path.
    pub module: Option<String>,
    /// The `go` directive's version (`1.21`, `1.22.0`) and its line, from 1.
    pub go: Option<(String, u32)>,
    /// The `toolchain` directive's name (`go1.22.3`) and its line, from 1.
    pub toolchain: Option<(String, u32)>,
    /// The folders of a workspace's modules, as written.
    pub uses: Vec<String>,
}

/// Reads a `go.mod`, as leniently as Go reads the one of a dependency: what is not understood is skipped.
pub fn parse(text: &[u8]) -> GoMod {
    let text = String::from_utf8_lossy(text);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let mut facts = GoMod::default();
    let mut block: Option<&str> = None;
    for (line, number) in text.lines().zip(1u32..) {
        let line = line.split("//").next().unwrap_or_default().trim();
        match block {
            Some(_) if line == ")" => block = None,
            Some(verb) => note(&mut facts, verb, line, number),
            None => {
                let (verb, argument) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
                match (verb.strip_suffix('('), argument.trim()) {
                    (Some(verb), "") => block = Some(verb),
                    (_, "(") => block = Some(verb),
                    (_, argument) => note(&mut facts, verb, argument, number),
                }
            }
        }
    }
    facts
}

/// Notes a directive's argument; the first one of a kind counts.
fn note(facts: &mut GoMod, verb: &str, argument: &str, line: u32) {
    let Some(word) = argument.split_whitespace().next() else {
        return;
    };
    let word = word.trim_matches(['"', '`']);
    if word.is_empty() {
        return;
    }
    match verb {
        "module" if facts.module.is_none() => facts.module = Some(word.to_owned()),
        "go" if facts.go.is_none() => facts.go = Some((word.to_owned(), line)),
        "use" => facts.uses.push(word.to_owned()),
        "toolchain" if facts.toolchain.is_none() => facts.toolchain = Some((word.to_owned(), line)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_plain_file() {
        let facts = parse(b"module github.com/o/r\n\ngo 1.22.0\n\ntoolchain go1.22.3\n\nrequire (\n\tgo v1.0.0\n)\n");
        assert_eq!(facts.module.as_deref(), Some("github.com/o/r"));
        assert_eq!(facts.go, Some(("1.22.0".to_owned(), 3)));
        assert_eq!(facts.toolchain, Some(("go1.22.3".to_owned(), 5)));
    }

    #[test]
    fn a_workspace_names_its_modules() {
        let facts = parse(b"go 1.23.0\n\ntoolchain go1.24.0\n\nuse (\n\t.\n\t./api // one\n)\nuse \"./hack\"\n");
        assert_eq!(facts.uses, [".", "./api", "./hack"]);
        assert_eq!(facts.go, Some(("1.23.0".to_owned(), 1)));
    }

    #[test]
    fn comments_and_quotes_are_not_part_of_the_value() {
        let facts = parse(b"// go 1.1\nmodule \"example.com/m\" // go 1.2\n  go\t1.20 // why\n");
        assert_eq!(facts.module.as_deref(), Some("example.com/m"));
        assert_eq!(facts.go, Some(("1.20".to_owned(), 3)));
        assert_eq!(facts.toolchain, None);
    }

    #[test]
    fn only_blocks_of_the_directive_count() {
        let facts = parse(
            b"require (\r\n\tgo 1.0\r\n\ttoolchain go1.0\r\n)\r\nmodule (\r\n\texample.com/m\r\n)\r\ngo 1.19\r\n",
        );
        assert_eq!(facts.module.as_deref(), Some("example.com/m"));
        assert_eq!(facts.go, Some(("1.19".to_owned(), 8)));
        assert_eq!(facts.toolchain, None);
    }

    #[test]
    fn a_block_may_open_without_a_space() {
        assert_eq!(
            parse(b"require(\n\tx v1\n\tgo 1.1\n)\ngo 1.18").go,
            Some(("1.18".to_owned(), 5))
        );
    }

    #[test]
    fn what_is_no_go_mod_yields_nothing() {
        for text in [
            &b""[..],
            b"\xff\xfe\x00",
            b"go",
            b"go \"\"",
            b"{{ if }}\n)\n(",
            b"require (\nunclosed",
        ] {
            assert_eq!(parse(text), GoMod::default(), "{text:?}");
        }
    }
}
