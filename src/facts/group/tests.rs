use super::*;
use crate::yaml::parse;

fn group(text: &str) -> Group {
    Group::read(&parse(text.as_bytes()).expect("YAML"))
}

#[test]
fn known_variables_are_substituted_and_all_other_braces_survive() {
    let group = group("vars: {MAJOR: 4, MINOR: 16, STREAM: 'rhel-{MAJOR}', EMPTY: ''}\n");
    for (text, expected) in [
        ("openshift-{MAJOR}.{MINOR}", "openshift-4.16"),
        ("{STREAM}", "rhel-4"),
        ("a{EMPTY}b", "ab"),
        ("{UNKNOWN} {MAJOR}", "{UNKNOWN} 4"),
        ("^v[0-9]{1,3}${MAJOR}", "^v[0-9]{1,3}$4"),
        (
            "{% if x %}{{ MAJOR }}{{MAJOR}}{% endif %}",
            "{% if x %}{{ MAJOR }}{4}{% endif %}",
        ),
        ("{\"a\": {\"b\": \"{MINOR}\"}}", "{\"a\": {\"b\": \"16\"}}"),
        ("{MAJOR", "{MAJOR"),
        ("}{", "}{"),
        ("ö{MAJOR}ü", "ö4ü"),
        ("", ""),
    ] {
        assert_eq!(group.substitute(text), expected, "{text}");
    }
}

#[test]
fn variables_that_name_each_other_end() {
    let group = group("vars: {A: '{B}', B: '{A}', C: '{C}{C}', D: '{E}', E: x}\n");
    assert_eq!(group.vars["D"], "x");
    assert!(group.vars["C"].len() <= 4096);
    assert!(group.vars["A"].len() <= 4096);
}

#[test]
fn the_longest_prefix_leads_to_the_public_address() {
    let group = group(
        "public_upstreams:\n- {private: 'https://github.com/openshift-priv', public: 'https://github.com/openshift'}\n\
         - {private: 'git@github.com:openshift-priv/market', public: 'https://github.com/framework/market'}\n\
         - {private: 'https://host/x/', public: 'https://host/y/'}\n",
    );
    for (url, expected) in [
        (
            "https://github.com/openshift-priv/etcd",
            "https://github.com/openshift/etcd",
        ),
        (
            "https://github.com/openshift-priv/etcd.git",
            "https://github.com/openshift/etcd",
        ),
        (
            "git@github.com:openshift-priv/etcd.git",
            "https://github.com/openshift/etcd",
        ),
        (
            "ssh://git@github.com/openshift-priv/etcd/",
            "https://github.com/openshift/etcd",
        ),
        (
            "ssh://github.com/openshift-priv/etcd",
            "https://github.com/openshift/etcd",
        ),
        (
            "git@github.com:openshift-priv/market.git",
            "https://github.com/framework/market",
        ),
        (
            "git@github.com:openshift-priv/market-other",
            "https://github.com/openshift/market-other",
        ),
        (
            "https://github.com/openshift-private/etcd",
            "https://github.com/openshift-private/etcd",
        ),
        ("https://github.com/other/etcd.git", "https://github.com/other/etcd"),
        ("https://host/x/z", "https://host/y/z"),
        ("", ""),
    ] {
        assert_eq!(group.public_url(url), expected, "{url}");
    }
}

#[test]
fn wrong_forms_are_told_and_cost_themselves_only() {
    let group = group(
        "vars: {A: [x], B: y}\narches: [x86_64, {a: b}]\npublic_upstreams: [{private: a}, {private: b, public: c}]\n",
    );
    assert_eq!(group.vars.keys().collect::<Vec<_>>(), ["B"]);
    assert_eq!(group.arches, ["x86_64"]);
    assert_eq!(group.upstreams, [("b".to_owned(), "c".to_owned())]);
    let keys: Vec<_> = group.faults.iter().map(|fault| fault.key.as_str()).collect();
    assert_eq!(keys, ["vars.A", "arches", "public_upstreams"]);
    let odd = Group::read(&parse(b"vars: x\narches: y\npublic_upstreams: z\n").expect("YAML"));
    assert_eq!(
        odd.faults.iter().map(|fault| fault.pos.line).collect::<Vec<_>>(),
        [1, 2, 3]
    );
    assert_eq!(Group::read(&parse(b"vars:\narches:\n").expect("YAML")).faults, []);
}

#[test]
fn the_extension_goes_over_the_file() {
    let mut base = parse(b"vars: {A: 1, B: 2}\narches: [a, b]\nkept: x\n").expect("YAML");
    merge(
        &mut base,
        parse(b"vars: {B: 3, C: 4}\narches: [c]\nkept:\nadded: y\n").expect("YAML"),
    );
    assert_eq!(
        base,
        parse(b"vars: {A: 1, B: 3, C: 4}\narches: [c]\nkept: x\nadded: y\n").expect("YAML")
    );
}

#[test]
fn the_groups_okd_is_laid_over_it() {
    let text =
        "arches: [x86_64, s390x]\ncanonical_builders_from_upstream: false\nvars: {MAJOR: 4}\nbranch: b-{MAJOR}\n";
    let plain = group(text);
    assert_eq!(plain.arches, ["x86_64", "s390x"]);
    assert_eq!(plain.build["branch"], "b-4");
    let okd = group(&format!(
        "{text}okd: {{arches: [aarch64], canonical_builders_from_upstream: true, enabled: false}}\n"
    ));
    assert_eq!(okd.arches, ["aarch64"]);
    assert_eq!(okd.view()["arches"], serde_json::json!(["aarch64"]));
    assert_eq!(okd.build["canonical_builders_from_upstream"], true);
    assert_eq!(okd.build["enabled"], false);
    let odd = group("arches: [x86_64]\nokd: {arches: x86_64}\n");
    assert_eq!((odd.arches.len(), odd.faults[0].key.as_str()), (0, "okd.arches"));
}
