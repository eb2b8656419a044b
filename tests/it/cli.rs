//! The contracts of the command line: help, exit codes, forms of output.

use crate::support::program;
use std::collections::BTreeSet;
use std::fs;
use std::io::Read as _;
use std::process::Stdio;

use program::{Demo, Ran, program, ran};
use serde_json::Value;

/// The commands that the program's help lists.
fn commands() -> Vec<String> {
    commands_of(&["--help"])
}

/// The commands that a help lists.
fn commands_of(args: &[&str]) -> Vec<String> {
    let help = ran(program().args(args)).out;
    let list = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let names = list.lines().filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

#[test]
fn the_help_of_each_command_has_two_examples_of_it() {
    let commands = commands();
    assert!(commands.len() >= 7, "{commands:?}");
    for command in commands {
        let Ran { code, out, err } = ran(program().args([&command, "--help"]));
        assert_eq!((code, err.as_str()), (0, ""), "{command}");
        let examples = out.split("Examples:\n").nth(1).unwrap_or_default();
        let shown = examples
            .lines()
            .filter(|line| line.starts_with("    ") && line.contains(&format!("lockstep {command}")));
        assert_eq!(shown.count(), 2, "{command} --help:\n{out}");
    }
}

#[test]
fn so_has_the_help_of_each_command_of_rules_and_config() {
    for group in ["rules", "config"] {
        let commands = commands_of(&[group, "--help"]);
        assert!(commands.len() >= 3, "{commands:?}");
        for command in commands {
            let Ran { code, out, err } = ran(program().args([group, &command, "--help"]));
            assert_eq!((code, err.as_str()), (0, ""), "{group} {command}");
            let examples = out.split("Examples:\n").nth(1).unwrap_or_default();
            let call = format!("lockstep {group} {command}");
            let shown = examples
                .lines()
                .filter(|line| line.starts_with("    ") && line.contains(&call));
            assert_eq!(shown.count(), 2, "{group} {command} --help:\n{out}");
        }
    }
}

#[test]
fn exit_code_0_is_done_even_with_findings_and_drift() {
    let ran = Demo::new().run(&["plan"]);
    assert_eq!(ran.code, 0);
    assert!(ran.out.contains("error[unreadable-metadata]") && ran.out.contains("Drift: "));
}

#[test]
fn exit_code_1_is_something_that_could_not_be_done() {
    let demo = Demo::new();
    fs::remove_dir_all(demo.folder().join("repos/openshift/beacon")).unwrap();
    assert_eq!(demo.run(&["plan"]).code, 1);
    assert_eq!(demo.run(&["plan", "--exit-code"]).code, 1, "1 says more than 2");
    let missing = ran(program().args(["plan", "--config", "/nowhere/lockstep.yaml"]));
    assert_eq!(missing.code, 1);
    assert!(missing.err.starts_with("error: ") && missing.err.contains("/nowhere/lockstep.yaml"));
    assert_eq!(missing.out, "");
}

#[test]
fn exit_code_2_is_drift_where_asked_and_all_was_compared() {
    let demo = Demo::new();
    let ran = demo.run(&["plan", "--exit-code"]);
    assert_eq!(ran.code, 1, "one file of metadata is broken");
    let last = ran.out.lines().last().unwrap();
    assert!(
        last.starts_with("Not compared: 4.16: images/tidewatch-exporter.yml"),
        "{last}"
    );
    fs::remove_file(
        demo.folder()
            .join("repos/openshift-eng/ocp-build-data/images/tidewatch-exporter.yml"),
    )
    .unwrap();
    assert_eq!(demo.run(&["plan", "--exit-code"]).code, 2);
    assert_eq!(demo.run(&["plan", "--exit-code", "--format", "json"]).code, 2);
}

#[test]
fn exit_code_64_is_wrong_usage() {
    let demo = Demo::new();
    for args in [
        &["plan", "--by", "colour"] as &[&str],
        &["plan", "--release", "four"],
        &["plan", "--target", "prow-konfig"],
        &["plan", "--set", "nonsense"],
        &["explain", "beacon", "--field", "colour"],
        &["explain", ""],
        &["explain", "beacon", "--field", ""],
        &["graph", "--image", ""],
        &["results", "--image", ""],
        &["impact", "", "--head", "x"],
        &["impact", "openshift/beacon", "--head", ""],
        &["render"],
    ] {
        let ran = demo.run(args);
        assert_eq!((ran.code, ran.out.as_str()), (64, ""), "{args:?}: {}", ran.err);
        assert!(ran.err.starts_with("error: "), "{args:?}: {}", ran.err);
    }
    assert_eq!(ran(program().arg("no-such-command")).code, 64);
    assert_eq!(ran(&mut program()).code, 64);
}

#[test]
fn help_and_version_are_results() {
    for args in [
        &["--help"] as &[&str],
        &["--version"],
        &["plan", "-h"],
        &["help", "render"],
    ] {
        let ran = ran(program().args(args));
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{args:?}");
        assert!(!ran.out.is_empty(), "{args:?}");
    }
}

#[test]
fn completions_name_every_command_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let Ran { code, out, err } = ran(program().args(["completions", shell]));
        assert_eq!((code, err.as_str()), (0, ""), "{shell}");
        for command in commands() {
            assert!(out.contains(&command), "{shell} does not complete {command}");
        }
    }
    assert_eq!(ran(program().args(["completions", "tcsh"])).code, 64);
}

/// What a schema requires of a value: the keys of its mappings are there, and none that it does not know.
fn check(schema: &Value, root: &Value, value: &Value, at: &str) {
    if let Some(name) = schema["$ref"].as_str() {
        let found = root.pointer(name.trim_start_matches('#'));
        return check(
            found.unwrap_or_else(|| panic!("{name} is not in the schema")),
            root,
            value,
            at,
        );
    }
    if let (Some(properties), Some(map)) = (schema["properties"].as_object(), value.as_object()) {
        for key in schema["required"].as_array().into_iter().flatten() {
            assert!(map.contains_key(key.as_str().unwrap()), "{at} has no {key}");
        }
        for (key, value) in map {
            let known = properties
                .get(key)
                .unwrap_or_else(|| panic!("the schema does not know {at}/{key}"));
            check(known, root, value, &format!("{at}/{key}"));
        }
    }
    if let (Some(every), Some(map)) = (schema["additionalProperties"].as_object(), value.as_object()) {
        let every = Value::Object(every.clone());
        map.iter()
            .for_each(|(key, value)| check(&every, root, value, &format!("{at}/{key}")));
    }
    if let (Some(items), Some(list)) = (schema["items"].as_object(), value.as_array()) {
        let items = Value::Object(items.clone());
        list.iter()
            .for_each(|item| check(&items, root, item, &format!("{at}[]")));
    }
}

#[test]
fn json_is_what_its_schema_says() {
    let demo = Demo::new();
    for command in [
        &["plan", "--format", "json"],
        &["build-config", "--format", "json"],
        &["graph", "--format", "json"],
    ] {
        let ran = demo.run(command);
        assert_eq!(ran.code, 0, "{}", ran.err);
        let value: Value = serde_json::from_str(&ran.out).unwrap();
        let schema: Value = serde_json::from_str(&demo.run(&[command[0], "--schema"]).out).unwrap();
        assert!(schema["required"].as_array().unwrap().len() > 5, "{schema}");
        check(&schema, &schema, &value, command[0]);
    }
    let explained = demo.run(&["explain", "beacon", "--format", "json"]).out;
    let explained: Value = serde_json::from_str(&explained).unwrap();
    assert_eq!(explained[0]["tag"], "beacon");
    let unread = demo.run(&["explain", "tidewatch-exporter"]);
    assert_eq!(unread.code, 1);
    let place = "openshift-eng/ocp-build-data: images/tidewatch-exporter.yml:";
    let said = ["the metadata of `tidewatch-exporter` cannot be read: ", place];
    assert!(said.iter().all(|said| unread.err.contains(said)), "{}", unread.err);
}

#[test]
fn the_plan_as_json_says_what_the_text_says() {
    let plan: Value = serde_json::from_str(&Demo::new().run(&["plan", "--format", "json"]).out).unwrap();
    assert_eq!(plan["drift"], true);
    assert_eq!(
        plan["counts"],
        serde_json::json!({"new": 4, "changed": 1, "removed": 0})
    );
    assert_eq!(plan["pull_requests"][0]["head"], "lockstep/ci/4.16");
    assert_eq!(plan["findings"][0]["code"], "unreadable-metadata");
}

#[test]
fn build_config_is_the_same_as_yaml_and_as_json() {
    let demo = Demo::new();
    let json: Value = serde_json::from_str(&demo.run(&["build-config", "--format", "json"]).out).unwrap();
    let yaml: Value = serde_yaml::from_str(&demo.run(&["build-config"]).out).unwrap();
    assert_eq!(json, yaml);
    assert_eq!(
        json["images"]["lantern-operator"]["dockerfile"]["value"],
        "Dockerfile.okd"
    );
}

#[test]
fn render_writes_the_desired_files_and_nothing_else() {
    let demo = Demo::new();
    let ran = demo.run(&["render", "--out", "rendered"]);
    assert_eq!(
        (ran.code, ran.out.as_str()),
        (0, "6 files written to rendered\n"),
        "{}",
        ran.err
    );
    assert!(!demo.folder().join("out").exists());
    let there = "ci-operator/config/openshift/tidewatch/openshift-tidewatch-openshift-4.16__okd-scos.yaml";
    let root = demo.folder().join("../..");
    let rendered = fs::read(root.join("rendered/openshift/release").join(there)).unwrap();
    let before = fs::read(demo.folder().join("repos/openshift/release").join(there)).unwrap();
    assert_eq!(rendered, before, "a config that is right keeps its bytes");

    let file = root.join("rendered/openshift/release").join(there);
    fs::write(&file, "changed by hand\n").unwrap();
    let again = demo.run(&["render", "--out", "rendered"]);
    let told = "1 file written to rendered, 5 more are there as they should be\n";
    assert_eq!((again.code, again.out.as_str()), (0, told), "{}", again.err);
    assert_eq!(fs::read(&file).unwrap(), before);
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    let blocked = demo.run(&["render", "--out", "rendered"]);
    assert_eq!(blocked.code, 1);
    assert!(blocked.err.contains("cannot be written"), "{}", blocked.err);
}

#[test]
fn render_writes_dockerfiles_whose_froms_stand_for_themselves() {
    let demo = Demo::new();
    let metadata = demo
        .folder()
        .join("repos/openshift-eng/ocp-build-data/images/chartroom.yml");
    let modified = |text: &str| {
        let action = format!("action: replace, match: '{text}', replacement: ./cmd/okd");
        let stanza = format!("okd: {{content: {{source: {{modifications: [{{{action}}}]}}}}}}\n");
        let before = fs::read_to_string(&metadata).unwrap();
        let before = before.split("okd:").next().unwrap().to_owned();
        fs::write(&metadata, before + &stanza).unwrap();
    };
    modified("./cmd/server");
    let ran = demo.run(&["render", "--sources", "sources"]);
    let told = "10 Dockerfiles of 10 written to sources\n";
    assert_eq!((ran.code, ran.out.as_str()), (0, told), "{}", ran.err);
    let sources = demo.folder().join("../../sources/openshift");
    let file = sources.join("chartroom/Dockerfile");
    let written = fs::read_to_string(&file).unwrap();
    let original = fs::read_to_string(demo.folder().join("repos/openshift/chartroom/Dockerfile")).unwrap();
    let expected = "registry.ci.openshift.org/origin/scos-4.16:base-stream9";
    assert!(written.contains(&format!("\nFROM {expected}\n")), "{written}");
    assert!(written.contains("./cmd/okd") && !written.contains("./cmd/server"));
    let rest = |text: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| !line.starts_with("FROM "));
        lines.map(|line| line.replace("./cmd/server", "./cmd/okd")).collect()
    };
    assert_eq!(rest(&written), rest(&original), "all other lines keep their bytes");

    fs::remove_file(&file).unwrap();
    modified("is nowhere in it");
    let ran = demo.run(&["render", "--sources", "sources"]);
    let told = "0 Dockerfiles of 9 written to sources\n";
    assert_eq!((ran.code, ran.out.as_str()), (1, told), "{}", ran.err);
    let code = "source-not-written";
    assert!(
        ran.err.contains(&format!("error[{code}]")) && !file.exists(),
        "{}",
        ran.err
    );
}

#[test]
fn what_has_to_be_built_again_is_named_as_each_builder_names_it() {
    let demo = Demo::new();
    let root = demo.folder().join("../..");
    fs::write(
        root.join("old.json"),
        demo.run(&["build-config", "--format", "json"]).out,
    )
    .unwrap();
    let rebuilt = |format: &str| {
        let ran = demo.run(&["rebuild", "--since", "old.json", "--format", format]);
        ran.out.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(rebuilt("tags"), Vec::<String>::new(), "nothing has changed");
    assert_eq!(rebuilt("konflux"), Vec::<String>::new());

    let base = demo.folder().join("repos/openshift/foundation/base/Dockerfile.rhel9");
    fs::write(&base, format!("# changed\n{}", fs::read_to_string(&base).unwrap())).unwrap();
    let tags = rebuilt("tags");
    assert_eq!(
        tags.first().map(String::as_str),
        Some("base-stream9"),
        "what others are built from is first"
    );
    assert_eq!(
        (tags.len(), tags.last().map(String::as_str)),
        (10, Some("beacon-tools"))
    );
    let components: Vec<String> = tags.iter().map(|tag| format!("okd-{tag}-4-16")).collect();
    assert_eq!(rebuilt("konflux"), components);
    let tekton = rebuilt("tekton").join("\n");
    let [first, second] = ["- beacon\n", "- beacon-tools"].map(|name| tekton.find(name).expect(name));
    assert!(
        first < second && !tekton.contains("base-stream9"),
        "the base is prepared by hand: {tekton}"
    );
}

#[test]
fn an_unknown_key_of_the_configuration_names_the_nearest() {
    let demo = Demo::new();
    let config = demo.folder().join("lockstep.yaml");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(
        &config,
        text.replace("releases:", "relases:").replace("targets:", "target:"),
    )
    .unwrap();
    for command in [&["config", "check"] as &[&str], &["plan"]] {
        let ran = demo.run(command);
        assert_eq!((ran.code, ran.out.as_str()), (1, ""), "{command:?}");
        assert!(
            ran.err.contains("`relases`") && ran.err.contains("`releases`"),
            "{}",
            ran.err
        );
        assert!(
            ran.err.contains("`target`") && ran.err.contains("`targets`"),
            "all faults at once: {}",
            ran.err
        );
        assert!(ran.err.contains("lockstep.yaml:"), "no place: {}", ran.err);
    }
}

#[test]
fn the_check_of_a_configuration_opens_its_rules_and_looks_for_its_secrets() {
    let demo = Demo::new();
    let path = demo.folder().join("lockstep.yaml");
    let text = fs::read_to_string(&path).unwrap();
    let server = "server: {token-file: no-token}\n";
    fs::write(&path, format!("{text}{server}")).unwrap();
    let fine = demo.run(&["config", "check"]);
    assert_eq!(fine.code, 0, "{}", fine.err);
    assert!(fine.out.contains(" rules: no faults\n"), "{}", fine.out);
    let missing = "note: `server.token-file`: ";
    assert!(
        fine.out.contains(missing) && fine.out.contains("no-token is not there"),
        "{}",
        fine.out
    );

    let kept: Vec<&str> = text.lines().filter(|line| !line.starts_with("rules:")).collect();
    fs::write(&path, format!("{}\nrules: [builtin, mine.yaml]\n", kept.join("\n"))).unwrap();
    let missing = demo.run(&["config", "check"]);
    assert_eq!((missing.code, missing.out.as_str()), (1, ""));
    assert!(missing.err.contains("mine.yaml cannot be read"), "{}", missing.err);
    let rule = "rules:\n- id: x\n  because: It is.\n  on: image\n  set: {dockerfil: x}\n";
    fs::write(demo.folder().join("mine.yaml"), rule).unwrap();
    let wrong = demo.run(&["config", "check"]);
    assert_eq!((wrong.code, wrong.out.as_str()), (1, ""));
    assert!(
        wrong.err.contains("mine.yaml:5:9") && wrong.err.contains("`dockerfile`"),
        "{}",
        wrong.err
    );
}

#[test]
fn a_fault_is_told_once() {
    let root = tempfile::tempdir().unwrap();
    let run = || ran(program().arg("plan").current_dir(root.path()));
    let missing = run().err;
    assert_eq!(missing.matches("No such file").count(), 1, "{missing}");
    assert!(missing.starts_with("error: lockstep.yaml: "), "{missing}");
    assert!(missing.contains("`lockstep init`"), "{missing}");
    fs::write(root.path().join("lockstep.yaml"), "- a\n").unwrap();
    let wrong = run().err;
    assert!(wrong.starts_with("error[config-wrong-type]: "), "{wrong}");
}

#[test]
fn init_writes_a_configuration_that_the_other_commands_take_and_never_writes_over_one() {
    let root = tempfile::tempdir().unwrap();
    let init = |args: &[&str]| {
        ran(program()
            .arg("init")
            .args(args)
            .current_dir(root.path())
            .stdin(Stdio::null()))
    };
    let first = init(&["--forge", "github", "--release", "4.20"]);
    assert_eq!((first.code, first.err.as_str()), (0, ""));
    insta::assert_snapshot!("init_says", first.out);
    let checked = ran(program().args(["config", "check"]).current_dir(root.path()));
    assert_eq!(checked.code, 0, "{}", checked.err);
    let text = fs::read_to_string(root.path().join("lockstep.yaml")).unwrap();
    insta::assert_snapshot!("init_writes", text);

    let again = init(&[]);
    assert_eq!((again.code, again.out.as_str()), (1, ""));
    assert!(again.err.contains("lockstep.yaml: is there already"), "{}", again.err);
    assert_eq!(fs::read_to_string(root.path().join("lockstep.yaml")).unwrap(), text);
    let other = init(&["--config", "other.yaml"]);
    assert!(other.out.contains("--config other.yaml"), "{}", other.out);
    assert!(init(&["--config", "no/such/folder.yaml"]).err.contains("make it first"));
    let wrong = init(&["--config", "third.yaml", "--release", "next"]);
    assert_eq!((wrong.code, wrong.err.contains("`next`")), (64, true), "{}", wrong.err);
    assert!(!root.path().join("third.yaml").exists());
}

#[test]
fn no_image_steers_a_terminal() {
    let demo = Demo::new();
    let file = demo
        .folder()
        .join("repos/openshift-eng/ocp-build-data/images/beacon.yml");
    let text = fs::read_to_string(&file).unwrap();
    let evil = text.replace("payload_name: beacon", r#"payload_name: "be\e[31mcon\a""#);
    assert_ne!(text, evil);
    fs::write(&file, evil).unwrap();
    for args in [
        &["explain", "beacon"] as &[&str],
        &["explain", "beacon", "--trace"],
        &["explain", "beacon", "--field", "nope"],
        &["explain", "no\u{1b}[31mpe"],
        &["plan", "--by", "cause"],
        &["plan", "--by", "file"],
        &["plan", "--by", "image"],
        &["reconcile", "--dry-run"],
        &["build-config"],
    ] {
        let Ran { out, err, .. } = demo.run(args);
        assert!(out.contains("31m") || err.contains("31m"), "{args:?}: {out}{err}");
        let control = |c: char| c.is_control() && c != '\n';
        assert!(
            !out.contains(control) && !err.contains(control),
            "{args:?}: {out:?}{err:?}"
        );
    }
}

#[test]
fn the_configuration_that_is_shown_is_one() {
    let demo = Demo::new();
    let shown = demo.run(&["config", "show"]).out;
    let keys: BTreeSet<&str> = shown.lines().filter_map(|line| line.split(':').next()).collect();
    assert!(
        keys.is_superset(&BTreeSet::from(["sources", "schedule", "listen", "limits"])),
        "{shown}"
    );
    let config = demo.folder().join("shown.yaml");
    fs::write(&config, shown.replace("fixtures/demo/", "")).unwrap();
    let checked = ran(program().args(["config", "check", "--config"]).arg(&config));
    assert_eq!(checked.code, 0, "{}", checked.err);
    let schema: Value = serde_json::from_str(&ran(program().args(["config", "schema"])).out).unwrap();
    assert_eq!(schema["title"], "lockstep.yaml");
}

#[test]
fn an_image_that_is_not_there_names_the_nearest() {
    let ran = Demo::new().run(&["explain", "lantern-operater"]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("did you mean `lantern-operator`?"), "{}", ran.err);
    let ran = Demo::new().run(&["explain", "openshift/beakon"]);
    assert!(ran.err.contains("did you mean `openshift/beacon`?"), "{}", ran.err);
}

#[test]
fn a_field_of_an_image_that_is_held_is_not_called_a_misprint() {
    let demo = Demo::new();
    let dockerfile = demo.folder().join("repos/openshift/beacon/Dockerfile.rhel9");
    fs::remove_file(&dockerfile).unwrap();
    let ran = demo.run(&["explain", "beacon", "--field", "base"]);
    assert_eq!((ran.code, ran.out.as_str()), (1, ""), "{}", ran.err);
    assert!(!ran.err.contains("did you mean"), "{}", ran.err);
    assert!(ran.err.contains("\n  error[no-dockerfile]: "), "{}", ran.err);
    assert!(ran.err.contains("\n      help: "), "{}", ran.err);
}

#[test]
fn a_rebuild_says_what_could_not_be_derived() {
    let demo = Demo::new();
    let overlay = demo.folder().join("partner.yaml");
    let text = "rules:\n- id: partner-beacon\n  because: It is patched.\n  on: image\n  when: image.key == 'beacon'\n  \
                set: {repository: partner/beacon, branch: fix}\n  overrides: [repository-public]\n";
    fs::write(&overlay, text).unwrap();
    let ran = demo.run(&["rebuild", "--format", "tags", "--overlay", overlay.to_str().unwrap()]);
    assert_eq!(ran.code, 1, "{}", ran.err);
    assert!(ran.err.contains("error[unreadable-component]: "), "{}", ran.err);
    assert!(ran.err.contains("partner/beacon"), "{}", ran.err);
}

#[test]
fn a_reader_who_leaves_is_no_fault() {
    let demo = Demo::new();
    let mut child = program()
        .args(["build-config", "--config", "lockstep.yaml"])
        .current_dir(demo.folder())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(child.wait().unwrap().success(), "{said}");
    assert!(!said.contains("panicked") && !said.contains("Broken pipe"), "{said}");
}

#[test]
fn a_graph_is_drawn_of_a_release_or_around_an_image() {
    let demo = Demo::new();
    let whole = demo.run(&["graph"]);
    assert_eq!(whole.code, 0, "{}", whole.err);
    assert!(whole.out.starts_with("digraph lockstep {"), "{}", whole.out);
    let part: Value = serde_json::from_str(&demo.run(&["graph", "--image", "beacon", "--format", "json"]).out).unwrap();
    let tags = part["images"]
        .as_array()
        .unwrap()
        .iter()
        .map(|image| image["tag"].as_str().unwrap());
    let tags: Vec<_> = tags.collect();
    assert!(tags.contains(&"beacon") && !tags.contains(&"lantern"), "{tags:?}");
    assert!(demo.run(&["graph", "--format", "mermaid"]).out.contains("flowchart LR"));
    let unknown = demo.run(&["graph", "--image", "baecon"]);
    assert_eq!((unknown.code, unknown.out.as_str()), (1, ""));
    assert!(unknown.err.contains("did you mean `beacon`?"), "{}", unknown.err);
}
