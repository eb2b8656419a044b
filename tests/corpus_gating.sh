#!/usr/bin/env bash
# What verifies OKD's payloads, from real files: the periodics of openshift/release's gating configs byte for byte as CI's own
# generator writes them; the gating configs and the release controller's files of each release made from those of the release
# before, held against what people have (tests/corpus_gating.tsv lists every difference and its kind, and which files there is nothing
# to compare with); and what `audit` finds in them. Needs the corpus at ../shared/corpus (or LOCKSTEP_CORPUS, or the first argument), Python 3 with PyYAML, and the program
# (LOCKSTEP, by default target/debug/lockstep).
#
#   tests/corpus_gating.sh [CORPUS] [--update]     --update writes the table anew, to be read before it is kept
set -euo pipefail
update=
for word in "$@"; do
  if [ "$word" = --update ]; then update=--update; else export LOCKSTEP_CORPUS=$word; fi
done
. "$(dirname "$0")/lib/corpus.sh" "corpus, gating" gating

dir=$(mktemp -d) scratch=$dir
python3 "$corpus/materialize_real.py" "$corpus/gating/release.tar.xz" "$corpus/history" "$dir/new" > /dev/null
python3 "$corpus/materialize.py" "$corpus/4.16" "$dir/old" > /dev/null
mkdir "$dir/expected"
tar -xJf "$corpus/gating/expected-jobs.tar.xz" -C "$dir/expected"
said=$(python3 tests/corpus_gating.py "$lockstep" "$dir" "$PWD/tests/corpus_gating.tsv" $update) || { echo "$said"; fail "see above"; }
echo "$said"
verdict="passed: $(tail -n 1 <<< "$said")"
