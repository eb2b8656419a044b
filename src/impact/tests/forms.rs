//! Each form of an answer as those who read it take it apart.

use pulldown_cmark::{Event, Options, Parser, Tag};
use roxmltree::{Document, Node};

use super::*;

/// A finding that wants to steer whoever reads it.
const EVIL: &str = "x</details>]]>\u{0}\u{202e}\u{1b}[31m\u{fffe} @everyone <script>alert(1)</script> | `a` [b](https://evil.example.com) ![c](d) \
                    **e** &amp; fixes #1 \" ' --> <!-- f\nsecond line";

/// An answer of three releases with a bit of everything.
fn some() -> Impact {
    let evil = || stages(EVIL).with_help(EVIL);
    let mut breaks = compared(&[], &[evil(), behind("COPY a /a", 1)], &["Dockerfile"]);
    let mut mends = compared(&[behind("COPY a /a", 1)], &[], &[]);
    let mut still = compared(&[evil()], &[evil()], &["Dockerfile"]);
    for (release, name) in [(&mut breaks, "4.20"), (&mut mends, "4.21"), (&mut still, "4.22")] {
        name.clone_into(&mut release.release);
    }
    let mut answer = answer(vec![breaks, mends, still]);
    answer.branch = format!("topic\u{202e}{EVIL}");
    answer
}

/// As Prow's page of a run reads JUnit (testgrid's `metadata/junit`): suites, tests with a name each, what failed and what was said.
#[test]
fn junit_is_as_prow_reads_it() {
    let answer = some();
    let text = junit(&answer);
    let document = Document::parse(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let root = document.root_element();
    assert_eq!(root.tag_name().name(), "testsuites");
    let elements = |node: Node<'_, '_>| -> Vec<String> {
        let names = node.children().filter(Node::is_element);
        names.map(|child| child.tag_name().name().to_owned()).collect()
    };
    assert_eq!(elements(root), ["testsuite"]);
    let suite = root.first_element_child().expect("a suite");
    let number = |name: &str| suite.attribute(name).and_then(|text| text.parse::<usize>().ok());
    assert_eq!((number("tests"), number("failures")), (Some(3), Some(1)));
    let tests: Vec<Node<'_, '_>> = suite.children().filter(Node::is_element).collect();
    let mut names: Vec<&str> = tests.iter().filter_map(|test| test.attribute("name")).collect();
    let said: Vec<Vec<String>> = tests.iter().map(|test| elements(*test)).collect();
    assert_eq!(said, [["failure"], ["system-out"], ["system-out"]]);
    let failure = tests[0].first_element_child().expect("a failure");
    let message = failure.attribute("message").unwrap_or_default();
    assert!(
        message.starts_with("With this OKD, ") && message.contains("x</details>]]>"),
        "{message}"
    );
    assert!(
        failure
            .text()
            .is_some_and(|text| text.contains("<script>alert(1)</script>")),
        "as text"
    );
    let mut later = some();
    later.pull = Some(77);
    later.verdict = Verdict::Nothing;
    let later = junit(&later);
    let later = Document::parse(&later).expect("XML");
    let again = later
        .descendants()
        .filter_map(|node| (node.has_tag_name("testcase")).then(|| node.attribute("name"))?);
    assert_eq!(
        again.collect::<Vec<_>>(),
        names,
        "by its name a test is known from run to run"
    );
    names.dedup();
    assert_eq!(names.len(), 3, "each has a name of its own: {names:?}");
    let nothing = junit(&super::answer(Vec::new()));
    let document = Document::parse(&nothing).expect("XML");
    let tests = document.descendants().filter(|node| node.has_tag_name("testcase"));
    assert_eq!(
        tests.count(),
        1,
        "where nothing is built from the branch that is said: {nothing}"
    );
}

/// As GitHub takes markdown: tables, and no HTML, link or picture that is not ours.
#[test]
fn markdown_is_tables_and_nothing_else() {
    let answer = some();
    let text = markdown(&answer);
    let (mut rows, mut cells, mut widths, mut words) = (0, 0, Vec::new(), String::new());
    for event in Parser::new_ext(&text, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH) {
        match event {
            Event::Start(Tag::TableRow | Tag::TableHead) => {
                rows += 1;
                cells = 0;
            }
            Event::Start(Tag::TableCell) => cells += 1,
            Event::End(pulldown_cmark::TagEnd::TableRow | pulldown_cmark::TagEnd::TableHead) => widths.push(cells),
            Event::Html(html) | Event::InlineHtml(html) => panic!("HTML {html}: {text}"),
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => panic!("{dest_url}: {text}"),
            Event::Text(part) | Event::Code(part) => words.push_str(&part),
            _ => {}
        }
    }
    assert_eq!((rows, widths), (7, vec![4; 7]), "three heads and four findings: {text}");
    assert!(
        words.contains("<script>alert(1)</script>"),
        "it can be read all the same: {words}"
    );
    assert!(!words.contains("@everyone") && !text.contains('\u{202e}'), "{text}");
}

/// As a browser takes the page: nothing that is run or loaded.
#[test]
fn the_page_runs_and_loads_nothing() {
    let page = page(&some());
    for tag in ["<script", "<img", "<a ", "<iframe", "<link", "<!-- f", "onerror"] {
        assert!(!page.contains(tag), "{tag}: {page}");
    }
    let body = &page[page.find("<body>").expect("a body")..page.find("</html>").expect("an end")];
    let document = Document::parse(body).unwrap_or_else(|error| panic!("{error}: {body}"));
    let known = ["body", "h1", "h2", "h3", "p", "ul", "li"];
    let tags = document.descendants().filter(Node::is_element);
    tags.for_each(|node| assert!(known.contains(&node.tag_name().name()), "{node:?}"));
}
