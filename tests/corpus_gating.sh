#!/usr/bin/env bash
# What verifies OKD's payloads, from real files: the periodics of openshift/release's gating configs byte for byte as CI's own
# generator writes them; the gating configs and the release controller's files of each release made from those of the release
# before, held against what people have (tests/corpus_gating.tsv lists every difference and its kind, and which files there is nothing
# to compare with); and what `audit` finds in them. Needs the corpus at ../shared/corpus (or LOCKSTEP_CORPUS, or the first argument), Python 3 with PyYAML, and the program
# (LOCKSTEP, by default target/debug/lockstep).
#
#   tests/corpus_gating.sh [CORPUS] [--update]     --update writes the table anew, to be read before it is kept
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
corpus=${LOCKSTEP_CORPUS:-$root/../shared/corpus} update=
for word in "$@"; do
  if [ "$word" = --update ]; then update=--update; else corpus=$word; fi
done
if [ ! -d "$corpus/gating" ]; then
  echo "no corpus at $corpus: nothing to compare with" >&2
  exit 0
fi
lockstep=${LOCKSTEP:-$root/target/debug/lockstep}
[ -x "$lockstep" ] || (cd "$root" && cargo build --locked --quiet)

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 "$corpus/materialize_real.py" "$corpus/gating/release.tar.xz" "$corpus/history" "$dir/new" > /dev/null
python3 "$corpus/materialize.py" "$corpus/4.16" "$dir/old" > /dev/null
mkdir "$dir/expected"
tar -xJf "$corpus/gating/expected-jobs.tar.xz" -C "$dir/expected"
exec python3 "$root/tests/corpus_gating.py" "$lockstep" "$dir" "$root/tests/corpus_gating.tsv" $update
