//! The configuration as a whole, from text to meaning.

use std::path::Path;

use super::*;

mod faults;
mod read;
mod schema;
mod show;

const LEAST: &str = "sources: {build-data: {repo: bd}}\nreleases: ['4.16']\n";

fn config(text: &str) -> Config {
    parse(text.as_bytes(), "lockstep.yaml", Path::new("conf")).unwrap_or_else(|faults| panic!("{faults}"))
}

fn faults(text: &str) -> Faults {
    parse(text.as_bytes(), "lockstep.yaml", Path::new("conf")).expect_err(text)
}

/// Every key there is, once.
const FULL: &str = r#"
sources:
  build-data: {repo: https://github.com/openshift-eng/ocp-build-data, branch: "openshift-{release}"}
  ci-config:  {repo: https://github.com/openshift/release, branch: master}   # a comment
  components: {repo: "https://github.com/{org}/{repo}", via: github}
  payload:    {image-references: "quay.io/okd/scos-release:{release}"}
releases: auto
rules: [builtin, rules/ours.yaml, /etc/lockstep/rules]
targets: [prow-config]
forge: {kind: github, api: https://api.github.com/, app: {id: 1, key-file: ./app.pem}, fork: okd-bot, draft: true, labels: [okd], max-new: 3}
state: ./state
schedule: "0 */10 * * * *"
listen: 127.0.0.1:8080
log: json
lease: {kind: kubernetes, name: lockstep, namespace: okd, duration: 20}
server: {token-file: ./token, open-metrics: true, webhook: {secret-env: WEBHOOK_SECRET}}
adopt:
  causes: [build-root]
  components: [openshift/etcd]
  releases: [4.16, "4.17"]
  images: [ose-etcd]
accept:
- cause: build-root
  component: openshift/etcd
  image: ose-etcd
  release: 4.10
  reason: its tests need the older one
  author: somebody
  until: 2026-01-31
audit:
  severity:
  - {code: stage-count, level: note, component: openshift/etcd, image: etcd, release: 4.16}
  - {code: wrong-type, level: off}
  suppress:
  - {code: no-branch, component: openshift/etcd, image: etcd, release: 4.16, reason: it is known, author: somebody, until: 2026-01-31}
limits: {removals: 3}
"#;
