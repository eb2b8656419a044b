//! What the parser makes of the forms that Dockerfiles come in.

use super::*;

fn parse(text: &str) -> Dockerfile {
    Dockerfile::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn error(text: &str) -> String {
    match Dockerfile::parse(text.as_bytes()) {
        Ok(facts) => panic!("read as {facts:?}\n{text}"),
        Err(error) => error.to_string(),
    }
}

/// The stages as `line image [as name] [= earlier stage] [? unresolved]`.
fn stages(text: &str) -> Vec<String> {
    let describe = |stage: &Stage| {
        let name = stage
            .name
            .as_ref()
            .map(|name| format!(" as {name}"))
            .unwrap_or_default();
        let earlier = stage
            .earlier_stage
            .map(|index| format!(" = {index}"))
            .unwrap_or_default();
        let unresolved = stage
            .unresolved_args
            .iter()
            .map(|arg| format!(" ? {arg}"))
            .collect::<String>();
        format!("{} {}{name}{earlier}{unresolved}", stage.line, stage.image)
    };
    parse(text).stages.iter().map(describe).collect()
}

/// The images of the stages alone.
fn images(text: &str) -> Vec<String> {
    parse(text).stages.into_iter().map(|stage| stage.image).collect()
}

#[test]
fn reads_a_usual_file() {
    let text = "FROM registry.example/builder:1.21 AS builder\nWORKDIR /src\nCOPY . .\nRUN make\n\n\
                FROM registry.example/base:9\nCOPY --from=builder /src/x /usr/bin/\n\
                LABEL io.k8s.display-name=\"X of Y\" \\\n      io.openshift.release.operator=true\n";
    let facts = parse(text);
    assert_eq!(
        stages(text),
        [
            "1 registry.example/builder:1.21 as builder",
            "6 registry.example/base:9"
        ]
    );
    assert_eq!(facts.external_stages().count(), 2);
    assert_eq!(facts.label("io.k8s.display-name"), Some("X of Y"));
    assert!(facts.is_release_operator());
}

#[test]
fn lines_continue_over_comments_and_blank_lines() {
    assert_eq!(
        stages("FROM a \\\n# about it\n\n   # more\n  AS b\nFROM c"),
        ["1 a as b", "6 c"]
    );
    assert_eq!(
        images("FROM a\nRUN x \\\n  # FROM no\n  && y \\\n\nFROM b"),
        ["a"],
        "a blank line ends no continuation"
    );
    assert_eq!(
        images("FROM a\nRUN x \\  \t\n FROM no\nFROM b"),
        ["a", "b"],
        "spaces after the backslash"
    );
    assert_eq!(images("FRO\\\nM a"), ["a"], "inside a word");
}

#[test]
fn a_doubled_backslash_ends_the_line() {
    assert_eq!(images("FROM a\nRUN echo x\\\\\nFROM b\n"), ["a", "b"]);
}

#[test]
fn a_backslash_at_the_end_of_the_file_continues_nothing() {
    assert_eq!(images("FROM a \\"), ["a"]);
    assert_eq!(images("FROM a\nRUN x \\\n"), ["a"]);
}

#[test]
fn directives_change_the_escape_character() {
    let text = "# syntax=docker/dockerfile:1\n# Escape = `\nFROM a `\n AS b\nRUN cd c:\\\nFROM b\n";
    assert_eq!(stages(text), ["3 a as b", "6 b = 0"]);
    assert_eq!(
        images("# about\n# escape=`\nFROM a\nRUN x \\\nFROM no\n"),
        ["a"],
        "only at the very top"
    );
    assert_eq!(
        error("# escape=x\nFROM a"),
        "1:1: unknown escape character `x`; expected `\\` or a backtick"
    );
}

#[test]
fn text_in_heredocs_is_no_instruction() {
    for run in [
        "RUN <<EOF\nFROM no\nEOF",
        "RUN cat <<EOF > /x\nFROM no\n EOF\nEOF",
        "RUN cat <<'EOF' <<-\"B C\" && y\nFROM no\nEOF\n\tFROM no\n\t\tB C",
        "RUN --mount=type=cache,target=/c python3 - <<EOF\nFROM no\nEOF",
        "RUN 3<<EOF cat\nFROM no\nEOF",
        "RUN a \\\n  && cat <<EOF\nFROM no \\\nEOF",
        "COPY <<A <<B /d/\nFROM no\nA\nFROM no\nB",
        "ONBUILD RUN cat <<E\nFROM no\nE",
        "add <<E /x\r\nFROM no\r\nE\r",
    ] {
        assert_eq!(images(&format!("FROM a\n{run}\nFROM b\n")), ["a", "b"], "{run}");
    }
}

#[test]
fn not_everything_with_two_angles_is_a_heredoc() {
    for run in [
        "RUN cat <<<word",
        "RUN echo '<<EOF'",
        "RUN echo \"a <<EOF\"",
        "RUN echo \\<<EOF",
        "RUN echo $((1<<2)) $(( 1 << 2 ))",
        "RUN echo <<",
        "RUN [\"cat\", \"<<EOF\"]",
        "RUN echo it's <<EOF",
        "ENV X=<<EOF",
        "CMD cat <<EOF",
    ] {
        assert_eq!(images(&format!("FROM a\n{run}\nFROM b\n")), ["a", "b"], "{run}");
    }
}

#[test]
fn arguments_are_substituted() {
    let head = "ARG X=1 Y=\"two words\"\nARG EMPTY=\nARG UNSET\nARG Z=${X}.$X-\"q\"\nARG X\n";
    for (written, image) in [
        ("a:$X", "a:1"),
        ("a:${X}", "a:1"),
        ("$X$X", "11"),
        ("a:${Z}", "a:1.1-q"),
        ("${X:-d}", "1"),
        ("${EMPTY:-d}", "d"),
        ("a${EMPTY-d}", "a"),
        ("${UNSET:-d}", "d"),
        ("${UNSET-d}", "d"),
        ("${NOWHERE:-${UNSET:-${X}.1}}", "1.1"),
        ("a${X:+-b}", "a-b"),
        ("a${EMPTY:+b}", "a"),
        ("a${EMPTY+b}", "ab"),
        ("a${UNSET:+b}", "a"),
        ("\"a:$X\"", "a:1"),
        ("'a:$X'", "a:$X"),
        ("a\\$X", "a$X"),
        ("a$", "a$"),
        ("a$/b", "a$/b"),
    ] {
        let facts = parse(&format!("{head}FROM {written}"));
        assert_eq!(facts.stages[0].image, image, "{written}");
        assert_eq!(facts.stages[0].image_as_written, written);
        assert_eq!(facts.stages[0].unresolved_args, [""; 0], "{written}");
    }
    let arg = |line, name: &str, default: Option<&str>| Arg {
        line,
        name: name.into(),
        default: default.map(Into::into),
    };
    let facts = parse(&format!("{head}FROM a\nARG later=1"));
    let expected = [
        arg(1, "X", Some("1")),
        arg(1, "Y", Some("two words")),
        arg(2, "EMPTY", Some("")),
        arg(3, "UNSET", None),
        arg(4, "Z", Some("1.1-q")),
        arg(5, "X", None),
    ];
    assert_eq!(facts.global_args, expected);
}

#[test]
fn what_has_no_value_keeps_its_text() {
    let head = "ARG UNSET\nARG USES=x-${UNSET}\n";
    for (written, described) in [
        ("a:$UNSET", "3 a:$UNSET ? UNSET"),
        (
            "${UNSET}/${NOWHERE}:$UNSET",
            "3 ${UNSET}/${NOWHERE}:$UNSET ? UNSET ? NOWHERE",
        ),
        ("a:$USES", "3 a:x-${UNSET} ? UNSET"),
        ("${USES##*-}", "3 ${USES##*-} ? USES"),
        ("${UNSET:?must}", "3 ${UNSET:?must} ? UNSET"),
        (
            "${UNSET:+a}${NOWHERE:+b}",
            "3 ${UNSET:+a}${NOWHERE:+b} ? UNSET ? NOWHERE",
        ),
        ("${UNSET", "3 ${UNSET"),
    ] {
        assert_eq!(stages(&format!("{head}FROM {written}")), [described], "{written}");
    }
    assert_eq!(
        stages("FROM a AS $X\nARG X=1\nFROM b:$X"),
        ["1 a as $X", "3 b:$X ? X"],
        "ARG in a stage is no global one"
    );
}

#[test]
fn arguments_that_grow_without_end_are_refused() {
    let mut text = "ARG A0=xxxxxxxxxxxxxxxx\n".to_owned();
    for n in 1..64 {
        text.push_str(&format!("ARG A{n}=$A{m}$A{m}\n", m = n - 1));
    }
    assert!(error(&format!("{text}FROM $A63")).contains("beyond measure"));
    let many = (0..100).map(|n| format!("$U{n}")).collect::<String>();
    assert!(error(&format!("FROM {many}x")).contains("beyond measure"));
    assert!(error(&format!("FROM {}x{}", "${A:-".repeat(50), "}".repeat(50))).contains("beyond measure"));
    assert!(error(&format!("FROM {}", "${".repeat(400_000))).contains("beyond measure"));
}

#[test]
fn stages_name_earlier_stages_without_regard_to_case() {
    let text = "FROM x AS Builder\nFROM builder AS test\nFROM other AS other\nFROM TEST\n";
    assert_eq!(
        stages(text),
        [
            "1 x as Builder",
            "2 builder as test = 0",
            "3 other as other",
            "4 TEST = 1"
        ]
    );
    let facts = parse(text);
    assert_eq!(
        facts.external_stages().map(|stage| stage.index).collect::<Vec<_>>(),
        [0, 2]
    );
    let earlier: Vec<_> = facts.stages.iter().map(|stage| stage.earlier_stage).collect();
    assert_eq!(earlier, [None, Some(0), None, Some(1)]);
}

#[test]
fn a_number_is_a_stage_in_copy_only() {
    let text = "FROM x\nFROM 0\nCOPY --from=0 a b\nCOPY --from=1 a b\nCOPY --from=7 a b\n";
    assert_eq!(stages(text), ["1 x", "2 0"]);
    let resolved: Vec<_> = parse(text)
        .copies_from
        .into_iter()
        .map(|copy| copy.resolves_to)
        .collect();
    assert_eq!(
        resolved,
        [
            CopySource::Stage(0),
            CopySource::Image("1".into()),
            CopySource::Image("7".into())
        ]
    );
}

#[test]
fn an_argument_may_choose_a_stage() {
    assert_eq!(
        stages("ARG WHICH=two\nFROM x AS one\nFROM y AS two\nFROM $WHICH"),
        ["2 x as one", "3 y as two", "4 two = 1"]
    );
}

#[test]
fn copies_and_mounts_tell_where_they_take_from() {
    let text = "FROM x AS one\nFROM y AS two\ncopy --chown=1:1 --from=ONE a b\nCOPY \\\n  --from=quay.example/i:1 a b\n\
                RUN --mount=type=bind,from=one,target=/x --mount=type=cache,target=/c make\nCOPY a b\nCOPY --from=two a b\n";
    let found: Vec<_> = parse(text)
        .copies_from
        .into_iter()
        .map(|copy| (copy.line, copy.stage_index, copy.resolves_to))
        .collect();
    let expected = [
        (3, 1, CopySource::Stage(0)),
        (4, 1, CopySource::Image("quay.example/i:1".into())),
        (6, 1, CopySource::Stage(0)),
        (8, 1, CopySource::Image("two".into())),
    ];
    assert_eq!(found, expected);
}

#[test]
fn platforms_are_kept_as_written() {
    let facts = parse("FROM --platform=$BUILDPLATFORM a AS b\nfrom --platform=linux/arm64 scratch\n");
    assert_eq!(facts.stages[0].platform.as_deref(), Some("$BUILDPLATFORM"));
    assert_eq!(facts.stages[0].unresolved_args, [""; 0]);
    assert_eq!(facts.stages[1].platform.as_deref(), Some("linux/arm64"));
    assert!(facts.stages[1].image == "scratch" && facts.stages[1].is_external());
}

#[test]
fn spelling_is_free() {
    let expected = ["1 a as b", "2 b = 0"];
    assert_eq!(stages("from a as b\nfrom b\n"), expected);
    assert_eq!(stages("FROM a AS b\r\nFROM b\r\n"), expected);
    assert_eq!(stages("\u{feff}FROM a AS b\nFROM b"), expected);
    assert_eq!(stages("\tFROM\ta\t \tAs\tb\t\n  FROM\tb"), expected);
    assert_eq!(stages("ARG X=1\r\nFROM a:$X \\\r\n  AS b\r\n"), ["2 a:1 as b"]);
    assert_eq!(images("FROM a\nRUN echo \u{fffd}\nFROM b"), ["a", "b"]);
    assert_eq!(
        Dockerfile::parse(b"FROM a\nRUN echo \xff\xfe\nFROM b").map(|facts| facts.stages.len()),
        Ok(2)
    );
}

#[test]
fn instructions_for_later_builds_are_none_of_this_one() {
    let facts = parse("FROM a AS b\nONBUILD COPY --from=b x y\nONBUILD RUN FROM\nFROM c");
    assert_eq!((facts.stages.len(), facts.copies_from.len()), (2, 0));
}

#[test]
fn labels_come_in_three_forms_and_from_earlier_stages() {
    let text = "FROM a AS base\nLABEL one=1 two=\"t w o\" three='3' \\\n  four=f\\ our\nLABEL old form of it\n\
                FROM x AS other\nLABEL one=no\nFROM base\nLABEL two=2\nLABEL two=3\nLABEL bare\nLABEL \"open=1\n";
    let facts = parse(text);
    for (key, value) in [
        ("one", "1"),
        ("two", "3"),
        ("three", "3"),
        ("four", "f our"),
        ("old", "form of it"),
    ] {
        assert_eq!(facts.label(key), Some(value), "{key}");
    }
    assert_eq!(facts.label("bare"), None);
    assert!(!facts.is_release_operator());
}

#[test]
fn broken_files_say_where() {
    let unknown = "expected an instruction such as FROM, ARG, RUN or COPY";
    for (text, message) in [
        ("", "1:1: the file has no FROM; expected at least one".to_owned()),
        (
            "ARG X=1\n# no more\n",
            "1:1: the file has no FROM; expected at least one".to_owned(),
        ),
        (
            "FROM a\n  {{ if .X }}\n",
            format!("2:3: unknown instruction `{{{{`; {unknown}"),
        ),
        (
            "FROM a\n\nFORM b\n",
            format!("3:1: unknown instruction `FORM`; {unknown}"),
        ),
        ("<html>", format!("1:1: unknown instruction `<html>`; {unknown}")),
        (
            "FROM\n",
            "1:1: FROM is malformed; expected `FROM <image>` or `FROM <image> AS <name>`".to_owned(),
        ),
        (
            "FROM a AS\n",
            "1:1: FROM is malformed; expected `FROM <image>` or `FROM <image> AS <name>`".to_owned(),
        ),
        (
            "FROM a b\n",
            "1:1: FROM is malformed; expected `FROM <image>` or `FROM <image> AS <name>`".to_owned(),
        ),
        (
            "FROM {{.Image}}\n",
            "1:1: FROM holds a template; expected the name of an image".to_owned(),
        ),
        (
            "\nrun x\nFROM a",
            "2:1: RUN stands in front of the first FROM; expected FROM or ARG".to_owned(),
        ),
        (
            "ARG\nFROM a",
            "1:1: ARG names nothing; expected `ARG <name>[=<default>]`".to_owned(),
        ),
        (
            "ARG X=\"1\nFROM a",
            "1:1: a quote is not closed; expected `ARG <name>[=<default>]`".to_owned(),
        ),
        (
            "FROM a\nRUN cat <<EOF\nx\n",
            "2:1: the heredoc `<<EOF` has no end; expected a line `EOF`".to_owned(),
        ),
    ] {
        assert_eq!(error(text), message, "{text:?}");
    }
}

#[test]
fn size_is_bounded() {
    assert!(error(&format!("FROM a\n{}", "#\n".repeat(MAX_BYTES / 2))).contains("at most 1048576"));
    assert!(error(&"FROM a\n".repeat(MAX_STAGES + 1)).starts_with("201:1: the file has too many stages"));
    assert_eq!(parse(&"FROM a\n".repeat(MAX_STAGES)).stages.len(), MAX_STAGES);
    assert!(error(&format!("{}FROM a\n", "ARG a\n".repeat(MAX_ARGS + 1))).contains("too many arguments"));
}

#[test]
fn facts_survive_the_cache() {
    let facts = parse("ARG X\nFROM --platform=p a:$X AS b\nFROM b\nCOPY --from=b x y\nLABEL k=v");
    let bytes = postcard::to_stdvec(&facts).expect("facts can be encoded");
    assert_eq!(postcard::from_bytes::<Dockerfile>(&bytes), Ok(facts));
}

proptest::proptest! {
    /// Whatever the text, parsing ends without a panic, and what it yields is consistent.
    #[test]
    fn any_text_is_read_or_refused(
        parts in proptest::collection::vec(
            proptest::sample::select(vec![
                "FROM ", "a", "$X", "${X:-", "}", " AS ", "b", "\n", "\\\n", "ARG X=", "RUN ", "<<E", "\nE\n", "'", "\"", "\\",
                "COPY --from=", "0", "LABEL ", "=", " ", "\r\n", "#", "é", "--platform=", "\t", "ONBUILD ",
            ]),
            0..40,
        )
    ) {
        if let Ok(facts) = Dockerfile::parse(parts.concat().as_bytes()) {
            proptest::prop_assert!(facts.stages.first().is_some_and(Stage::is_external));
            for stage in &facts.stages {
                proptest::prop_assert!(stage.earlier_stage.is_none_or(|earlier| earlier < stage.index));
            }
        }
    }
}
