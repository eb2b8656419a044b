//! Whatever stands in a rule file, reading it neither overflows the stack nor takes long.

use super::{codes, load};
use crate::rules::ExprError;
use crate::rules::expr::{Expr, Scope};

/// Compiles and evaluates on a stack as small as that of a worker thread.
fn small_stack(source: String) -> Result<(), ExprError> {
    let work = move || Expr::compile(&source).map(|expr| drop(expr.evaluate(&Scope::new())));
    let thread = std::thread::Builder::new().stack_size(2 << 20).spawn(work);
    thread.expect("a thread").join().expect("no overflow and no panic")
}

#[test]
fn an_expression_has_a_largest_length() {
    assert!(small_stack(format!("'{}'", "x".repeat(3_998))).is_ok());
    let error = small_stack(format!("'{}'", "x".repeat(3_999))).expect_err("too long");
    let (bytes, most) = (4_001, 4_000);
    assert_eq!(error, ExprError::TooLong { bytes, most });
}

#[test]
fn chains_and_nests_of_operators_are_bounded() {
    for (_, unit) in [
        ("plus", "1+"),
        ("and", "true&&"),
        ("select", "a."),
        ("call", "size("),
        ("list", "["),
        ("map", "{1:"),
        ("parenthesis", "("),
        ("not", "!"),
        ("not with blanks", "! "),
        ("minus", "- "),
        ("ternary", "a?b:"),
        ("ternary left", "a?"),
        ("in", "1 in "),
        ("less", "1<"),
        ("index", "a["),
        ("quotes", "'"),
        ("string escapes", "'\\"),
    ] {
        for count in [50, 300, 1_900] {
            let text: String = unit.repeat(count).chars().take(3_990).collect();
            // What matters is that there is an answer.
            let _ = small_stack(format!("{text}1"));
        }
    }
    let error = small_stack(format!("{}1", "1+".repeat(500))).expect_err("a long chain");
    assert!(matches!(error, ExprError::Deep { .. }), "{error}");
    let chain = format!("{}1", "1 + ".repeat(50));
    assert!(small_stack(chain).is_ok());
    let calls = format!("'a'{}", ".trim()".repeat(500));
    assert!(small_stack(calls).is_err());
}

#[test]
fn wide_expressions_are_bounded() {
    assert!(small_stack(format!("[{}1]", "1,".repeat(1_400))).is_ok());
    let error = small_stack(format!("[{}1]", "1,".repeat(1_600))).expect_err("too many parts");
    assert!(matches!(error, ExprError::Large { parts: 1602, .. }), "{error}");
}

#[test]
fn three_comprehensions_inside_each_other_are_too_many() {
    let two = "images.map(i, images.map(j, j))";
    assert!(Expr::compile(two).is_ok());
    let three = "images.exists(i, images.exists(j, images.exists(k, true)))";
    let error = Expr::compile(three).expect_err("three deep");
    assert_eq!(error, ExprError::Comprehensions { nested: 3, most: 2 });
    let side_by_side = "images.exists(i, true) && images.exists(i, true) && images.exists(i, true)";
    assert!(Expr::compile(side_by_side).is_ok());
    let over = "images.map(i, i).map(i, i).map(i, i).map(i, i)";
    assert!(Expr::compile(over).is_ok(), "one after the other is no nesting");
}

#[test]
fn a_regular_expression_that_explodes_is_refused_when_it_is_used() {
    let expr = Expr::compile("capture('a', '((a{1000}){1000}){1000}')").expect("the pattern is a text");
    assert!(expr.evaluate(&Scope::new()).is_err());
}

#[test]
fn files_are_bounded() {
    let deep = format!("rules: {}{}", "[".repeat(5_000), "]".repeat(5_000));
    assert_eq!(codes(&[&deep]), ["not-yaml"]);
    let nested = format!(
        "rules:\n- {{id: a, because: b, on: config, set: {{promotion: {{a: {}1{}}}}}}}\n",
        "[".repeat(90),
        "]".repeat(90)
    );
    assert!(load(&[&nested]).is_ok(), "{:?}", codes(&[&nested]));
    let large = format!("rules: []\n# {}", "x".repeat(2 << 20));
    assert_eq!(codes(&[&large]), ["too-large"]);
    let bomb = "a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\n\
        d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\n\
        rules: [*f,*f,*f,*f,*f,*f,*f,*f,*f,*f]\n";
    assert_eq!(codes(&[bomb]), ["not-yaml"]);
}

#[test]
fn marks_and_line_ends_of_other_systems_are_read() {
    let text = "rules:\r\n- id: a\r\n  because: it is so\r\n  on: image\r\n  set: {needed: true}\r\n";
    assert!(load(&[text]).is_ok());
    assert!(load(&[&format!("\u{feff}{text}")]).is_ok());
}
