//! What rules on targets call people's (`keep`) must be something that rules manage: a misspelt name would protect nothing.

use super::diagnostic::Diagnostic;
use super::hint::nearest;
use super::rule::{Rule, Setting};
use super::subject::Subject;
use super::template::Template;
use crate::yaml::Pos;

/// Faults of `keep`: names that lead to nothing that any rule manages or seeds. Where such a list is an expression, nothing can
/// be told.
pub fn check(rules: &[Rule]) -> Vec<Diagnostic> {
    let about = || rules.iter().filter(|rule| rule.subject == Subject::Target);
    let settings = |names: &'static [&'static str]| {
        about().flat_map(move |rule| {
            let named = rule.settings.iter().filter(|setting| names.contains(&setting.field));
            named.map(move |setting| (rule, setting))
        })
    };
    let mut managed = Vec::new();
    for (_, setting) in settings(&["manage", "seed"]) {
        match texts(setting) {
            Some(names) => managed.extend(names.into_iter().map(root)),
            None => return Vec::new(),
        }
    }
    let mut faults = Vec::new();
    for (rule, setting) in settings(&["keep"]) {
        for name in texts(setting).into_iter().flatten() {
            if managed.contains(&root(name)) {
                continue;
            }
            let message = format!("`{}` keeps `{name}`, which no rule manages or seeds", rule.id);
            let known: Vec<&str> = managed.clone();
            faults.push(fault(rule, message, nearest(root(name), &known)));
        }
    }
    faults
}

fn fault(rule: &Rule, message: String, hint: String) -> Diagnostic {
    Diagnostic {
        code: "unknown-field",
        file: rule.place.file.clone(),
        pos: Pos {
            line: rule.place.line,
            column: 1,
        },
        width: 0,
        message,
        hint,
    }
}

/// The texts of a list without expressions.
fn texts(setting: &Setting) -> Option<Vec<&str>> {
    let Template::Literal(list) = &setting.value else {
        return None;
    };
    Some(list.as_array()?.iter().filter_map(|item| item.as_str()).collect())
}

/// The field of the file that a path starts with: `images` of `images[].from`.
fn root(path: &str) -> &str {
    path.split(['.', '[']).next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use crate::rules::RuleSet;

    fn faults(keep: &str) -> Vec<String> {
        let text = format!(
            "rules:\n- id: fields\n  because: So it is.\n  on: target\n  set:\n    manage: [tests, images, releases.latest]\n    seed: [resources]\n    keep: {keep}\n"
        );
        let loaded = RuleSet::load(&[("r.yaml".to_owned(), text.into_bytes())]);
        let faults = loaded.err().unwrap_or_default();
        faults
            .iter()
            .map(|fault| format!("{} {}", fault.code, fault.message))
            .collect()
    }

    #[test]
    fn only_what_is_managed_can_be_kept() {
        assert_eq!(
            faults("[tests, 'images[].from', releases, resources]"),
            Vec::<String>::new()
        );
        assert_eq!(
            faults("[tets]"),
            ["unknown-field `fields` keeps `tets`, which no rule manages or seeds"]
        );
        assert_eq!(
            faults("['${release}']"),
            Vec::<String>::new(),
            "an expression is not judged"
        );
    }
}
