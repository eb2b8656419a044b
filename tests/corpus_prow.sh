#!/usr/bin/env bash
# Renders OKD's configs and jobs of an openshift/release of 2026 and compares them with what CI's own generator makes of it.
#
#   tests/corpus_prow.sh [CORPUS]     CORPUS: the folder with prow-2026/ and materialize.py; ../shared/corpus where not given
set -euo pipefail
[ $# -eq 0 ] || export LOCKSTEP_CORPUS=$1
. "$(dirname "$0")/lib/corpus.sh" "corpus, prow" prow-2026

dir=$(mktemp -d) scratch=$dir
python3 "$corpus/materialize.py" "$corpus/prow-2026" "$dir/repos" > /dev/null
mkdir "$dir/tree" "$dir/expected"
tar -xJf "$corpus/prow-2026/release.tar.xz" -C "$dir/tree"
tar -xJf "$corpus/prow-2026/expected-jobs.tar.xz" -C "$dir/expected"

# The mapping of image mirroring is a target of its own.
targets="prow-config, prow-jobs" mapping=core-services/image-mirroring/openshift/mapping_origin_scos-4_16
if "$lockstep" config schema | grep -q '"image-mirroring"'; then targets="$targets, image-mirroring"; else mapping=; fi

settings() { # CI-CONFIG
  cat <<YAML
sources:
  build-data: {repo: repos/openshift-eng/ocp-build-data.git, branch: "openshift-{release}"}
  ci-config: {repo: $1, branch: main}
  components: {repo: "repos/{org}/{repo}.git"}
releases: ["4.16"]
rules: [builtin]
targets: [$targets]
forge: {kind: local, dir: forge}
state: state
YAML
}

# Jobs and configs, from the tree as people left it.
settings repos/openshift/release.git > "$dir/lockstep.yaml"
"$lockstep" render --config "$dir/lockstep.yaml" --out "$dir/out" > /dev/null 2> "$dir/findings"
python3 "$corpus/compare_jobs.py" "$dir/expected" "$dir/out/openshift/release" --configs "$dir/tree" > "$dir/told" || failed=1
jobs=$(grep 'byte for byte$' "$dir/told") configs=$(grep 'rendered configs as they were' "$dir/told")
grep -v -x -F -e "$jobs" -e "$configs" "$dir/told" >&2 || true
mirrored=
if [ -n "$mapping" ]; then
  if cmp -s "$dir/expected/$mapping" "$dir/out/openshift/release/$mapping"; then mirrored="; its mirror mapping byte for byte"; else failed=1; mirrored="; its mirror mapping differs"; fi
fi

# With the expected files laid over the tree nothing is left to do.
git clone -q "$dir/repos/openshift/release.git" "$dir/sync/openshift/release"
cp -r "$dir/expected/." "$dir/sync/openshift/release/"
git -C "$dir/sync/openshift/release" add -A
git -C "$dir/sync/openshift/release" -c user.name=corpus -c user.email=corpus@example.invalid commit -q -m 'As the generator writes it'
settings sync/openshift/release > "$dir/in-sync.yaml"
left=$("$lockstep" plan --config "$dir/in-sync.yaml" --format json 2> /dev/null |
  python3 -c 'import json, sys; print(sum(len(r["files"]) for r in json.load(sys.stdin)["pull_requests"]))')

said="$jobs; $configs$mirrored; $left files left to change when in sync"
[ -z "${failed:-}" ] && [ "$left" -eq 0 ] || fail "$said"
verdict="passed: $said"
