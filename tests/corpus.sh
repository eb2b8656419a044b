#!/usr/bin/env bash
# Shows on real inputs that lockstep does its main job; the last line is the verdict.
#
#   tests/corpus.sh                       with the corpus at ../shared/corpus
#   LOCKSTEP_CORPUS=DIR tests/corpus.sh   with the corpus at DIR
#   LOCKSTEP=FILE tests/corpus.sh         with a binary that is there already, instead of building one
#
# 4.16: what is rendered equals, byte for byte, the 168 configs that people made at OKD's branch cut of 4.16; the local
# forge makes one pull request of them, a second run does nothing, and a merge ends the drift.
# 4.21: every image that OKD needs is derived, or dropped with its reason, or held with a finding that names it.
# Needs git and Python 3 with PyYAML. Without a corpus it says `skipped` and does nothing.
set -euo pipefail
. "$(dirname "$0")/lib/corpus.sh" corpus 4.16
rules=(--rules builtin --rules "$PWD/fixtures/okd-2024-06/rules.yaml")

mkdir -p target
work="$PWD/target/corpus"
rm -rf "$work"
mkdir "$work"

# Everything that a run writes is below $work. The commands are run from there, as a person's would be.
run() {
  local wanted=$1 code=0
  shift
  (cd "$work" && "$lockstep" "$@" 2> stderr.txt) || code=$?
  if [ "$code" != "$wanted" ]; then tail -n 20 "$work/stderr.txt" >&2; fi
  expect "exit code of lockstep $*" "$code" "$wanted"
}

json() { python3 -c "import json, sys; d = json.load(open(sys.argv[1])); print($2)" "$1"; }

write_config() {
  local release=$1 ci=$2
  cat > "$work/$release.yaml" <<YAML
sources:
  build-data: {repo: $release/openshift-eng/ocp-build-data.git, branch: "openshift-{release}"}
$ci
  components: {repo: "$release/{org}/{repo}.git"}
releases: ["$release"]
rules: [builtin]
targets: [prow-config]
forge: {kind: local, dir: forge-$release}
state: state-$release
YAML
}

echo "--- 4.16: render"
python3 "$corpus/materialize.py" "$corpus/4.16" "$work/4.16"
write_config 4.16 "  ci-config: {repo: 4.16/openshift/release.git, branch: master}"
asked=(--config 4.16.yaml --release 4.16 --target prow-config "${rules[@]}")
run 0 render "${asked[@]}" --out rendered
compared=$(python3 "$corpus/compare.py" "$corpus/4.16/expected" "$work/rendered/openshift/release") || true
echo "$compared"
expect "compare.py" "$(tail -n 1 <<< "$compared")" "168 of 168 identical, 168 byte-identical, 0 extra"

echo "--- 4.16: plan"
run 2 plan "${asked[@]}" --exit-code --format json > "$work/plan.json"
files=$(json "$work/plan.json" '"%(new)d new, %(changed)d changed, %(removed)d removed" % d["counts"]')
requests=$(json "$work/plan.json" 'len(d["pull_requests"])')
echo "$files in $requests pull request(s)"
expect "files of the plan" "$files" "167 new, 1 changed, 0 removed"
expect "pull requests of the plan" "$requests" 1

echo "--- 4.16: reconcile"
release="$work/4.16/openshift/release.git"
# The pull requests and branches as they are.
state_of_forge() {
  (cd "$work/forge-4.16" && find . -name '*.json' -exec sha256sum {} + | LC_ALL=C sort)
  git -C "$release" for-each-ref
}
run 0 reconcile "${asked[@]}"
expect "pull requests" "$(find "$work/forge-4.16" -name '*.json' | wc -l)" 1
changes=$(git -C "$release" diff --no-renames --name-status master lockstep/ci/4.16 | cut -c1 | sort | uniq -c | tr -s ' \n' ' ')
expect "files on the branch" "$changes" " 167 A 1 M "
# The branch holds the expected bytes: blob by blob.
(cd "$corpus/4.16/expected" && find . -type f -name '*.yaml' | sed 's|^\./||' | LC_ALL=C sort) > "$work/names.txt"
expect "expected files" "$(wc -l < "$work/names.txt")" 168
while read -r name; do echo "lockstep/ci/4.16:$name"; done < "$work/names.txt" |
  git -C "$release" cat-file --batch-check='%(objectname)' > "$work/on-branch.txt"
(cd "$corpus/4.16/expected" && git hash-object --no-filters --stdin-paths < "$work/names.txt") > "$work/expected.txt"
cmp "$work/on-branch.txt" "$work/expected.txt" || fail "the branch's files are not the expected ones"

echo "--- 4.16: reconcile once more"
before=$(state_of_forge)
run 0 reconcile "${asked[@]}"
expect "the forge after a second run" "$(state_of_forge)" "$before"

echo "--- 4.16: merged"
git -C "$release" branch -f master lockstep/ci/4.16
run 0 plan "${asked[@]}" --exit-code | tail -n 1
run 0 reconcile "${asked[@]}"
expect "state of the pull request" "$(json "$(find "$work/forge-4.16" -name '*.json')" 'd["state"]')" merged

echo "--- 4.21: build config"
python3 "$corpus/materialize.py" "$corpus/4.21" "$work/4.21"
write_config 4.21 ""
# Not all repositories are in the corpus: something that was asked for could not be done, which exit code 1 says.
run 1 build-config --config 4.21.yaml --release 4.21 --format json > "$work/4.21.json"
images=$(python3 tests/corpus_needed.py "$work/4.21" 4.21 "$work/4.21.json") || fail "4.21: $images"
echo "$images"

verdict="passed: $(tail -n 1 <<< "$compared"); one pull request of $files; 4.21: $images"
