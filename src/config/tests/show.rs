//! What is shown reads the same again.

use std::path::Path;

use super::{FULL, LEAST, config};
use crate::config::*;

#[test]
fn what_is_shown_reads_as_the_same_configuration() {
    for text in [
        LEAST,
        FULL,
        "sources: {build-data: {repo: /a b}, ci-config: {repo: ./x}, payload: {image-references: ../i}}",
        "sources: {build-data: {repo: b}, payload: {repo: ../r, branch: 'r-{release}', image-references: a/i, release-metadata: a/m, auth-file: a.json, insecure: true}}",
    ] {
        let first = config(text);
        let shown = show(&first);
        let mut again =
            parse(shown.as_bytes(), "lockstep.yaml", Path::new("")).unwrap_or_else(|f| panic!("{f}\n{shown}"));
        assert_eq!(show(&again), shown);
        for (accepted, was) in again.accept.iter_mut().zip(&first.accept) {
            accepted.at = was.at.clone();
        }
        assert_eq!(again.rules, first.rules);
        assert_eq!(
            (again.forge, again.adopt, again.accept, again.lease, again.server),
            (first.forge, first.adopt, first.accept, first.lease, first.server)
        );
    }
}

#[test]
fn the_configuration_is_shown_with_its_defaults() {
    insta::assert_snapshot!(show(&config(LEAST)), @r#"
    sources:
      build-data:
        repo: conf/bd
        branch: "openshift-{release}"
      components:
        repo: "https://github.com/{org}/{repo}"
        via: git
    releases:
    - "4.16"
    rules:
    - builtin
    targets:
    - prow-config
    forge:
      kind: local
      dir: conf/out
    state: conf/state
    schedule: "0 */10 * * * *"
    listen: "127.0.0.1:8080"
    log: auto
    server:
      open-metrics: false
    limits:
      removals: 10
    "#);
}
