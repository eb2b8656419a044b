#!/usr/bin/env bash
# Audits the nine releases of the corpus' build data, and holds the counts of each code against the table in
# tests/corpus_audit.tsv. Then audits 4.16 with its component repositories and CI configs, and holds its errors against
# tests/corpus_audit_4.16.tsv, where each has the reason why it is true, and the counts of all its codes against
# tests/corpus_audit_4.16_counts.tsv. Needs the corpus at ../shared/corpus (or
# LOCKSTEP_CORPUS), Python 3, and the program (LOCKSTEP, by default target/debug/lockstep).
#
# The counts of codes of metadata were compared with an independent reading of the YAML files (PyYAML, none of lockstep's
# code): they are the same for each code, release and image. Done once more, by a second script, for dangling-member,
# dangling-stream, dangling-variable, enabled-repos-emptied, literal-release, override-equals-default, payload-name-missing,
# stanzas-disagree and unreachable-okd-key over all nine releases, and for foreign-builder, go-older, go-own-build-root and
# go-toolchain on 4.16 of 2024: the same. What is counted: dangling names, literals and modifications once for each place
# where they stand; foreign builders and Go versions once an image, however many stages have them; build roots and
# Dockerfiles once a repository or file; duplicate tags once for each of the images. Only images that OKD builds count for
# duplicate-tag, foreign-* and go-*: 4.23 and 5.0 still have the two images with one tag, and nothing is built from the
# second any more; nmstate-console-plugin has the foreign builder, too, and is not for the payload.
#
# Looked at by hand in the files, three places a code where there
# are as many:
#
#   duplicate-tag            4.22: openshift-enterprise-base-rhel9 and -minimal both set `okd_alignment.tag_name` to one tag,
#                            both are parents of payload images, neither is switched off: true, one of the two would be lost.
#   dangling-stream          4.16: ci-openshift-golang-builder-previous.rhel8 and .rhel9, `from.stream` of Go 1.20; streams.yml
#                            has 1.21 and 1.23 only: true; both have `mode: disabled`, so it is a warning.
#   literal-release          4.23 agent-installer-ui and dpu-cni, 5.0 hypershift: `target:` names the branch of 4.22, which the
#                            file of 4.22 writes with variables: true (the branches may not be cut yet; then it is a reminder).
#                            5.0 ose-etcd names the other form of branch name, of 4.22 as well: true.
#   enabled-repos-emptied    4.20 ironic (payload), 4.21 networking-console-plugin, 5.0 dpu-intel-ipu-vsp: `enabled_repos` has
#                            entries, the `okd` stanza is there and has none: true.
#   foreign-builder          4.16, 4.20 and 5.0 monitoring-plugin: its builder has `resolve_as` one of OCP's Node.js builders (4.16),
#                            or a stream whose `upstream_image` is one: true. The others have the same builder.
#   stanzas-disagree         4.20 and 5.0 ci-openshift-base.rhel9: `okd.mode` is disabled and `okd_alignment` gives it a tag and
#                            repositories; 4.23 ose-installer-etcd-artifacts: CI's Dockerfile.installer against Konflux' of OCP
#                            with modifications of OKD's: true.
#   unreachable-okd-key      4.18, 4.20 and 5.0 ose-cluster-config-api: `run_if_changed` without `ci_always_run`: true.
#   disabled-image-built     4.18, 4.19 and 5.0 okd-only-upi-installer: `mode: disabled`, for the payload, no `okd.mode` (4.21 to
#                            4.23 have it, and are not told): true, and meant, hence a note.
#   override-equals-default  4.16 openshift-enterprise-pod (both Dockerfile.Rhel), 4.17 oc-mirror-plugin, 4.23 ose-etcd: true.
#   carry-image              4.20: okd-only-upi-installer, `mode: disabled` for OKD alone, is there in 4.19, not in 4.20, and is
#                            back in 4.21: true, it was lost at the cut and put back later.
#   carry-override           4.20 openshift-enterprise-base-rhel9 (repositories) and ose-baremetal-installer (resources), 4.22
#                            ovn-kubernetes-base: said in one release, in neither stanza of the next: true; 4.22 has ose-baremetal-
#                            installer's resources again. 5.0 okd-only-upi-installer: `okd.mode: enabled` ends 4.23's file and is
#                            not in 5.0's, which still has `mode: disabled` in line 4: true.
#   foreign-builder          4.16 of 2024, openshift-enterprise-console:34, monitoring-plugin:34 (both name the member
#                            openshift-base-nodejs.rhel9) and networking-console-plugin: that member's file says in line 18
#                            `resolve_as.image: …/ocp/builder:rhel-9-base-nodejs-openshift-…`: true.
#   go-older                 4.16 of 2024, the only one: openshift/etcd's go.mod on openshift-4.16 says 1.21, and all five
#                            builders of ose-installer-etcd-artifacts are etcd_rhel9_golang, with Go 1.19: true; its own build
#                            root has 1.21, and the builder replaced it soon after.
#   go-own-build-root        4.16 of 2024: containernetworking-plugins (go.mod 1.20, `.ci-operator.yaml` golang-1.10), images
#                            (1.21.6, golang-1.13), route-override-cni (1.13, golang-1.10); the other two alike: true.
#   go-toolchain             4.16 of 2024, the only one: console-operator's go.mod has `go 1.21` and `toolchain go1.22.1`: true.
#   unnamed-dockerfile       4.16 of 2024: cluster-image-registry-operator, cluster-samples-operator and ironic-image (two
#                            files): the files are there, and no stanza of their images' files names them: true. Six files in
#                            five repositories.
#   modification-without-match 4.16 of 2024, all four (driver-toolkit, hyperkube, two of the installer): untrue of the real files:
#                            the corpus' Dockerfiles are skeletons without COPY and with ARG above FROM only. Of the corpus' own
#                            files it is true.
#   operator-without-label   4.16 of 2024, the only one: csi-operator's list of its preview for Samba: no Dockerfile of the
#                            repository that ships it has the label: true.
#   carry-not-judged         4.20 cluster-node-tuning-operator and ose-installer-etcd-artifacts: their Dockerfiles are named for OKD
#                            in 4.19 only; whether they are still there cannot be told without the repositories: true.
set -euo pipefail
. "$(dirname "$0")/lib/corpus.sh" "corpus, audit" build-data-2026-01
work=$(mktemp -d) scratch=$work

# Codes by release, sorted: code, severity, release, count.
table() {
  python3 -c '
import collections, json, sys
rows = collections.Counter()
for finding in json.load(open(sys.argv[1]))["findings"]:
    rows[finding["code"], finding["severity"], finding.get("release", "-")] += 1
for (code, severity, release), count in sorted(rows.items()):
    print(code, severity, release, count, sep="\t")
' "$1"
}

# Errors, one a line: code, component, image, file, message.
errors() {
  python3 -c '
import json, sys
for finding in json.load(open(sys.argv[1]))["findings"]:
    if finding["severity"] == "error":
        place = finding.get("place", {})
        print(finding["code"], finding.get("component", "-"), finding.get("image", "-"), place.get("file", "-"), sep="\t")
' "$1" | LC_ALL=C sort
}

for tar in "$corpus"/build-data-2026-01/openshift-*.tar.xz; do
  release=$(basename "$tar" .tar.xz)
  mkdir -p "$work/build-data/${release#openshift-}"
  tar -C "$work/build-data/${release#openshift-}" -xf "$tar"
done
cat > "$work/nine.yaml" << YAML
sources:
  build-data: {repo: "build-data/{release}"}
  components: {via: none}
releases: ["4.16", "4.17", "4.18", "4.19", "4.20", "4.21", "4.22", "4.23", "5.0"]
state: nine-state
YAML
start=$(date +%s%N)
"$lockstep" audit --config "$work/nine.yaml" --format json > "$work/nine.json"
end=$(date +%s%N)
table "$work/nine.json" > "$work/nine.tsv"
if ! diff <(grep -v '^#' tests/corpus_audit.tsv) "$work/nine.tsv"; then
  fail "the counts of nine releases differ (< expected, > found)"
fi

python3 "$corpus/materialize.py" "$corpus/4.16" "$work/4.16" > /dev/null
cat > "$work/one.yaml" << YAML
sources:
  build-data: {repo: 4.16/openshift-eng/ocp-build-data.git}
  ci-config: {repo: 4.16/openshift/release.git}
  components: {repo: "4.16/{org}/{repo}.git"}
releases: ["4.16"]
state: one-state
YAML
"$lockstep" audit --config "$work/one.yaml" --format json > "$work/one.json"
table "$work/one.json" > "$work/one_counts.tsv"
if ! diff <(grep -v '^#' tests/corpus_audit_4.16_counts.tsv) "$work/one_counts.tsv"; then
  fail "the counts of 4.16 differ (< expected, > found)"
fi
errors "$work/one.json" > "$work/one.tsv"
if ! diff <(grep -v '^#' tests/corpus_audit_4.16.tsv | cut -f1-4 | LC_ALL=C sort) "$work/one.tsv"; then
  fail "the errors of 4.16 differ (< expected, > found)"
fi
verdict="passed: $(wc -l < "$work/nine.tsv") counts of nine releases and $(wc -l < "$work/one.tsv") errors of 4.16 as expected, \
$(((end - start) / 1000000)) ms for nine releases"
