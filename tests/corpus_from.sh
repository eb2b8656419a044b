#!/usr/bin/env bash
# Shows on real inputs that CI's builder puts the image into each place of each Dockerfile that the unified build config says:
# on 4.16 with today's rules, and on the components and configs of 2025 and 2026. The last line has the counts.
#
#   tests/corpus_from.sh                       with the corpus at ../shared/corpus
#   LOCKSTEP_CORPUS=DIR tests/corpus_from.sh   with the corpus at DIR
#   LOCKSTEP=FILE tests/corpus_from.sh         with a binary that is there already, instead of building one
#
# Needs git and Python 3 with PyYAML. Without a corpus it says `skipped` and does nothing.
set -euo pipefail
. "$(dirname "$0")/lib/corpus.sh" from 4.16 prow-2026/real.tar.xz
tests=$PWD/tests
work=$PWD/target/corpus-from
rm -rf "$work"
mkdir -p "$work"
cd "$work"

# world NAME BRANCH_OF_RELEASE RELEASE…: the configuration of a world, and the files of openshift/release that are there.
world() {
  local name=$1 branch=$2
  shift 2
  cat > "$name.yaml" <<YAML
sources:
  build-data: {repo: $name/openshift-eng/ocp-build-data.git, branch: "openshift-{release}"}
  ci-config: {repo: $name/openshift/release.git, branch: $branch}
  components: {repo: "$name/{org}/{repo}.git"}
releases: [$(printf '"%s",' "$@")]
rules: [builtin]
targets: [prow-config]
forge: {kind: local, dir: forge-$name}
state: state-$name
YAML
  mkdir "$name-there"
  git -C "$name/openshift/release.git" archive "$branch" | tar -x -C "$name-there"
}

# count NAME RELEASE: every place of one release.
count() {
  local name=$1 release=$2 code=0
  "$lockstep" build-config --config "$name.yaml" --release "$release" --format json > "$name-$release.json" 2> stderr.txt || code=$?
  # Components that the corpus lacks are something that could not be done.
  [ "$code" -le 1 ] || { cat stderr.txt >&2; return 1; }
  "$lockstep" render --config "$name.yaml" --release "$release" --out "$name-$release" > /dev/null 2> stderr.txt || true
  python3 "$tests/corpus_from.py" "$name-$release.json" "$name-$release/openshift/release" "$name-there" > "$name-$release.txt" || {
    cat "$name-$release.txt" >&2
    return 1
  }
  tail -n 1 "$name-$release.txt" | sed "s/^/$release: /"
}

python3 "$corpus/materialize.py" "$corpus/4.16" 4.16 > /dev/null
world 4.16 master 4.16
python3 "$corpus/materialize_real.py" "$corpus/prow-2026/real.tar.xz" "$corpus/history" real > /dev/null
world real main 4.19 4.21 4.22 5.0
{
  count 4.16 4.16
  for release in 4.19 4.21 4.22 5.0; do count real "$release"; done
} > counts.txt
cat counts.txt
# A config whose `as` had the texts of yesterday is put right, so that OCP's payload no longer gets in.
grep -q 'ocp/4.22:installer' real-5.0/openshift/release/ci-operator/config/openshift/machine-os-images/*release-5.0__okd-scos.yaml || {
  verdict="FAILED: machine-os-images of 5.0 is still built from OCP's installer"
  exit 1
}
verdict="passed: $(awk '{ right += $2; all += $4; images += $7 } END { printf "%d of %d places of %d images", right, all, images }' counts.txt) are what the build config says"
