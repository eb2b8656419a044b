//! Prints a configuration as it takes effect, defaults filled in.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::format::is_oci;
use super::sources::{Payload, ReleaseController, ResultSources, Sources};
use super::types::*;
use crate::finding::policy::{AuditPolicy, Level, Scope, Setting, Suppression};
use crate::forge::github::Options;
use crate::github::Credential;
use crate::plan::{Accept, Adopt};
use crate::source::Location;
use crate::targets::Chosen;

/// The configuration as YAML in the order of the documentation. Read from the current directory it means the same
/// again; secrets are never part of it.
pub fn show(config: &Config) -> String {
    let mut out = String::new();
    write_map(&mut out, &document(config), 0);
    out
}

fn document(config: &Config) -> Map<String, Value> {
    let Config {
        file: _,
        left_out: _,
        sources,
        releases,
        rules,
        targets,
        forge,
        state,
        schedule,
        listen,
        log,
        service,
        rules_web,
        lease,
        server,
        adopt,
        accept,
        audit,
        feedback,
        limits: Limits { removals },
    } = config;
    let releases = match releases {
        Releases::Auto => json!("auto"),
        Releases::List(list) => json!(list),
    };
    let rules: Vec<String> = rules.iter().map(rule_set).collect();
    object([
        ("sources", Some(sources_value(sources))),
        ("releases", Some(releases)),
        ("rules", Some(json!(rules))),
        ("targets", Some(targets.iter().map(target_value).collect())),
        ("forge", Some(forge_value(forge))),
        ("state", Some(path(state))),
        ("schedule", Some(json!(schedule))),
        ("listen", Some(json!(listen.to_string()))),
        ("log", Some(json!(log.name()))),
        ("links", links(service.as_deref(), rules_web.as_deref())),
        ("lease", lease.as_ref().map(lease_value)),
        ("server", server_value(server)),
        ("adopt", adopt_value(adopt)),
        ("accept", some_list(accept.iter().map(accept_value).collect())),
        ("audit", audit_value(audit)),
        ("feedback", feedback_value(feedback)),
        ("limits", Some(json!({ "removals": removals }))),
    ])
}

/// A target's name, with its options where it has any.
fn target_value(chosen: &Chosen) -> Value {
    let (name, options) = (chosen.target.name, chosen.options.all());
    if options.is_empty() {
        json!(name)
    } else {
        json!({ name: options })
    }
}

fn sources_value(sources: &Sources) -> Value {
    let Sources {
        build_data,
        ci_config,
        components,
        payload,
        results,
    } = sources;
    Value::Object(object([
        (
            "build-data",
            Some(json!({ "repo": build_data.repo.rebased(), "branch": build_data.branch.text() })),
        ),
        (
            "ci-config",
            ci_config.as_ref().map(|ci| {
                Value::Object(object([
                    ("repo", Some(json!(ci.repo.to_string()))),
                    ("branch", ci.branch.as_ref().map(|branch| json!(branch))),
                ]))
            }),
        ),
        (
            "components",
            Some(json!({ "repo": components.repo.rebased(), "via": components.via.name() })),
        ),
        ("payload", payload.as_ref().map(payload_value)),
        ("results", results.as_ref().map(results_value)),
    ]))
}

fn feedback_value(feedback: &Feedback) -> Option<Value> {
    let Feedback { pulls, breaks, silence } = feedback;
    let silence = silence.iter().map(|one| {
        let Silence {
            at: _,
            image,
            release,
            reason,
            author,
            until,
        } = one;
        Value::Object(object([
            ("image", Some(json!(image))),
            ("release", release.as_ref().map(|release| json!(release.to_string()))),
            ("reason", Some(json!(reason))),
            ("author", Some(json!(author))),
            ("until", Some(json!(until.to_string()))),
        ]))
    });
    let pulls = pulls.as_ref().map(|pulls| {
        let Pulls {
            repositories,
            form,
            breaks_fail,
            comment,
            max_new,
        } = pulls;
        json!({
            "repositories": repositories,
            "as": match form { PullForm::Check => "check", PullForm::Status => "status" },
            "breaks": if *breaks_fail { "failure" } else { "neutral" },
            "comment": match comment {
                Comment::Never => "never",
                Comment::Breaks => "breaks",
                Comment::Changes => "changes",
            },
            "max-new": max_new,
        })
    });
    let breaks = breaks.as_ref().map(|breaks| {
        let Breaks {
            form,
            table,
            max_new,
            owners,
        } = breaks;
        Value::Object(object([
            ("as", Some(json!(form.name()))),
            ("table", table.as_ref().map(|table| json!(table.to_string()))),
            ("max-new", Some(json!(max_new))),
            ("owners", Some(json!(owners))),
        ]))
    });
    let all = object([
        ("pulls", pulls),
        ("breaks", breaks),
        ("silence", some_list(silence.collect())),
    ]);
    (!all.is_empty()).then_some(Value::Object(all))
}

fn results_value(results: &ResultSources) -> Value {
    let ResultSources {
        github,
        author,
        deck,
        artifacts,
        release_controller,
        namespace,
    } = results;
    let at = |location: &Location| json!(location.to_string());
    let prow = object([
        ("author", author.as_ref().map(|author| json!(author))),
        ("deck", deck.as_ref().map(at)),
        ("artifacts", artifacts.as_ref().map(at)),
    ]);
    let controller = release_controller.as_ref().map(|controller| {
        let ReleaseController { url, streams, payload } = controller;
        let payload = payload.as_ref().map(|file| match is_oci(file.text()) {
            true => json!(file.text()),
            false => json!(file.rebased()),
        });
        let keys = [
            ("url", Some(at(url))),
            ("streams", Some(json!(streams))),
            ("payload", payload),
        ];
        Value::Object(object(keys))
    });
    Value::Object(object([
        ("github", Some(json!(github))),
        ("prow", (!prow.is_empty()).then_some(Value::Object(prow))),
        ("release-controller", controller),
        (
            "kubernetes",
            namespace.as_ref().map(|namespace| json!({ "namespace": namespace })),
        ),
    ]))
}

fn payload_value(payload: &Payload) -> Value {
    let Payload {
        image_references,
        release_metadata,
        repo,
        branch,
        auth_file,
        architecture,
        insecure,
    } = payload;
    let file = |file| json!(payload.rebased(file));
    Value::Object(object([
        ("image-references", Some(file(image_references))),
        ("release-metadata", release_metadata.as_ref().map(file)),
        ("repo", repo.as_ref().map(|repo| json!(repo.rebased()))),
        (
            "branch",
            repo.as_ref().and(branch.as_ref()).map(|branch| json!(branch.text())),
        ),
        ("auth-file", auth_file.as_deref().map(path)),
        ("architecture", Some(json!(architecture))),
        ("insecure", Some(json!(insecure))),
    ]))
}

/// The links that are given.
fn links(service: Option<&str>, rules: Option<&str>) -> Option<Value> {
    let given = [("service", service), ("rules", rules)].into_iter();
    let given: Map<String, Value> = given
        .filter_map(|(key, address)| Some((key.to_owned(), json!(address?))))
        .collect();
    (!given.is_empty()).then(|| given.into())
}

fn rule_set(set: &RuleSet) -> String {
    match set {
        RuleSet::Builtin => "builtin".into(),
        RuleSet::Feedback => "feedback".into(),
        RuleSet::Path(path) => path.display().to_string(),
    }
}

fn forge_value(forge: &Forge) -> Value {
    match forge {
        Forge::Local { dir } => json!({ "kind": "local", "dir": path(dir) }),
        Forge::GitHub {
            api,
            credential,
            options,
        } => {
            let (key, value) = match credential {
                Credential::App { id, key_file } => ("app", json!({ "id": id, "key-file": path(key_file) })),
                Credential::TokenEnv(name) => ("token-env", json!(name)),
                Credential::TokenFile(file) => ("token-file", path(file)),
            };
            let mut map = object([
                ("kind", Some(json!("github"))),
                ("api", Some(json!(api))),
                (key, Some(value)),
            ]);
            map.extend(options_value(options));
            Value::Object(map)
        }
    }
}

fn lease_value(lease: &Lease) -> Value {
    let Lease {
        name,
        namespace,
        duration,
    } = lease;
    Value::Object(object([
        ("kind", Some(json!("kubernetes"))),
        ("name", Some(json!(name))),
        ("namespace", namespace.as_ref().map(|namespace| json!(namespace))),
        ("duration", Some(json!(duration))),
    ]))
}

fn options_value(options: &Options) -> Map<String, Value> {
    let Options {
        fork,
        name,
        email,
        sign_off,
        draft,
        labels,
        hold_labels,
        reviewers,
        assignees,
        max_open,
        max_new,
    } = options;
    object([
        ("fork", fork.as_ref().map(|fork| json!(fork))),
        ("name", Some(json!(name))),
        ("email", Some(json!(email))),
        ("sign-off", Some(json!(sign_off))),
        ("draft", Some(json!(draft))),
        ("labels", some_texts(labels)),
        ("hold-labels", some_texts(hold_labels)),
        ("reviewers", some_texts(reviewers)),
        ("assignees", some_texts(assignees)),
        ("max-open", Some(json!(max_open))),
        ("max-new", Some(json!(max_new))),
    ])
}

fn server_value(server: &Server) -> Option<Value> {
    let Server {
        access,
        open_metrics,
        webhook,
    } = server;
    let place = |secret: &Secret, env: &'static str, file: &'static str| match secret {
        Secret::Env(name) => (env, Some(json!(name))),
        Secret::File(file_name) => (file, Some(path(file_name))),
    };
    let access = match access {
        Access::Machine => ("auth", None),
        Access::Token(token) => place(token, "token-env", "token-file"),
        Access::Proxy => ("auth", Some(json!("proxy"))),
    };
    let webhook = webhook
        .as_ref()
        .map(|secret| Value::Object(object([place(secret, "secret-env", "secret-file")])));
    Some(Value::Object(object([
        access,
        ("open-metrics", Some(json!(open_metrics))),
        ("webhook", webhook),
    ])))
}

fn adopt_value(adopt: &Adopt) -> Option<Value> {
    let Adopt {
        causes,
        components,
        releases,
        images,
    } = adopt;
    let map = object([
        ("causes", some_texts(causes)),
        ("components", some_texts(components)),
        ("releases", some_texts(releases)),
        ("images", some_texts(images)),
    ]);
    (!map.is_empty()).then_some(Value::Object(map))
}

fn accept_value(accept: &Accept) -> Value {
    let Accept {
        at: _,
        cause,
        component,
        image,
        release,
        reason,
        author,
        until,
    } = accept;
    Value::Object(object([
        ("cause", Some(json!(cause))),
        ("component", component.as_ref().map(|name| json!(name))),
        ("image", image.as_ref().map(|image| json!(image))),
        ("release", release.as_ref().map(|release| json!(release))),
        ("reason", Some(json!(reason))),
        ("author", Some(json!(author))),
        ("until", until.map(|until| json!(until.to_string()))),
    ]))
}

fn audit_value(audit: &AuditPolicy) -> Option<Value> {
    let AuditPolicy { settings, suppress } = audit;
    let map = object([
        ("severity", some_list(settings.iter().map(setting_value).collect())),
        ("suppress", some_list(suppress.iter().map(suppression_value).collect())),
    ]);
    (!map.is_empty()).then_some(Value::Object(map))
}

fn setting_value(setting: &Setting) -> Value {
    let Setting { code, level, scope } = setting;
    let level = match level {
        Level::Off => "off".to_owned(),
        Level::On(severity) => severity.to_string(),
    };
    let mut map = object([("code", Some(json!(code))), ("level", Some(json!(level)))]);
    map.extend(scope_value(scope));
    Value::Object(map)
}

fn suppression_value(suppression: &Suppression) -> Value {
    let Suppression {
        at: _,
        code,
        scope,
        reason,
        author,
        until,
    } = suppression;
    let mut map = object([("code", Some(json!(code)))]);
    map.extend(scope_value(scope));
    map.extend(object([
        ("reason", Some(json!(reason))),
        ("author", Some(json!(author))),
        ("until", Some(json!(until.to_string()))),
    ]));
    Value::Object(map)
}

fn scope_value(scope: &Scope) -> Map<String, Value> {
    let Scope {
        component,
        image,
        release,
    } = scope;
    object([
        ("component", component.as_ref().map(|name| json!(name))),
        ("image", image.as_ref().map(|image| json!(image))),
        ("release", release.as_ref().map(|release| json!(release))),
    ])
}

fn object<const N: usize>(entries: [(&str, Option<Value>); N]) -> Map<String, Value> {
    entries
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), value?)))
        .collect()
}

fn some_list(list: Vec<Value>) -> Option<Value> {
    (!list.is_empty()).then_some(Value::Array(list))
}

fn some_texts(list: &[String]) -> Option<Value> {
    some_list(list.iter().map(|text| json!(text)).collect())
}

fn path(path: &Path) -> Value {
    json!(path.display().to_string())
}

fn write_map(out: &mut String, map: &Map<String, Value>, depth: usize) {
    for (at, (key, value)) in map.iter().enumerate() {
        // The first key of a list's item stands behind the item's dash.
        let indent = if at == 0 && out.ends_with("- ") { 0 } else { depth };
        out.push_str(&"  ".repeat(indent));
        out.push_str(key);
        out.push(':');
        match value {
            Value::Object(inner) => {
                out.push('\n');
                write_map(out, inner, depth + 1);
            }
            Value::Array(items) => {
                out.push('\n');
                write_list(out, items, depth);
            }
            scalar => out.extend([" ", &plain(scalar), "\n"]),
        }
    }
}

fn write_list(out: &mut String, items: &[Value], depth: usize) {
    for item in items {
        out.push_str(&"  ".repeat(depth));
        out.push_str("- ");
        match item {
            Value::Object(map) => write_map(out, map, depth + 1),
            scalar => out.extend([&plain(scalar), "\n"]),
        }
    }
}

/// A scalar; texts stand in quotes unless they can be nothing but a text.
fn plain(value: &Value) -> String {
    const OTHER: [&str; 9] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];
    match value {
        Value::String(text) => {
            let simple = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/')
                && text.chars().all(|c| c.is_ascii_alphanumeric() || "_/.-".contains(c))
                && !OTHER.contains(&text.to_lowercase().as_str());
            if simple { text.clone() } else { value.to_string() }
        }
        other => other.to_string(),
    }
}
