#!/usr/bin/env bash
# Renders OKD's configs and jobs of 4.16 from the corpus and compares every file with the one that people made.
#
#   tests/corpus_jobs.sh [CORPUS]     CORPUS: the folder with 4.16/ and materialize.py; ../shared/corpus where not given
set -euo pipefail
[ $# -eq 0 ] || export LOCKSTEP_CORPUS=$1
. "$(dirname "$0")/lib/corpus.sh" "corpus, jobs" 4.16

dir=$(mktemp -d) scratch=$dir
python3 "$corpus/materialize.py" "$corpus/4.16" "$dir/repos" > /dev/null
mkdir "$dir/jobs"
tar -xJf "$corpus/4.16/expected-jobs.tar.xz" -C "$dir/jobs"
cat > "$dir/lockstep.yaml" <<YAML
sources:
  build-data: {repo: repos/openshift-eng/ocp-build-data.git, branch: "openshift-{release}"}
  ci-config: {repo: repos/openshift/release.git, branch: master}
  components: {repo: "repos/{org}/{repo}.git"}
releases: ["4.16"]
rules: [builtin, "$PWD/fixtures/okd-2024-06"]
targets: [prow-config, prow-jobs]
forge: {kind: local, dir: forge}
state: state
YAML
"$lockstep" render --config "$dir/lockstep.yaml" --target prow-config --target prow-jobs --out "$dir/out" > /dev/null

same=0 all=0
compare() { # FOLDER-OF-EXPECTED
  local file path
  while IFS= read -r file; do
    path=${file#"$1"/}
    all=$((all + 1))
    if cmp -s "$file" "$dir/out/openshift/release/$path"; then same=$((same + 1)); else echo "differs: $path" >&2; fi
  done < <(find "$1" -type f -name '*.yaml' | LC_ALL=C sort)
}
compare "$corpus/4.16/expected"
compare "$dir/jobs"
[ "$all" -eq 502 ] && [ "$same" -eq "$all" ] || fail "$same of $all byte-identical"
verdict="passed: $same of $all byte-identical"
