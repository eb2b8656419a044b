#!/usr/bin/env bash
# Shows on real data that what was never meant is never written; the last line is the verdict.
#
#   tests/corpus_meant.sh                       with the corpus at ../shared/corpus
#   LOCKSTEP_CORPUS=DIR tests/corpus_meant.sh   with the corpus at DIR
#   LOCKSTEP=FILE tests/corpus_meant.sh         with a binary that is there already, instead of building one
#
# The 168 repositories of 4.16: whatever part of targets, components and sources a run looks at, and whatever name nothing has, the
# one open request keeps its bytes and stays open. A made-up cut to 4.17 of all of them, with `reconcile`, another replica and a
# person's commit before, between and after its steps: one owner, nothing goes back and forth, one end.
# Needs git and Python 3 with PyYAML. Without a corpus it says `skipped` and does nothing.
set -euo pipefail
. "$(dirname "$0")/lib/corpus.sh" "corpus, meant" 4.16

work="$PWD/target/corpus-meant"
rm -rf "$work"
mkdir -p "$work"
python3 "$corpus/materialize.py" "$corpus/4.16" "$work/repos" > "$work/materialize.txt"
said=$(python3 tests/corpus_meant.py "$lockstep" "$work" 2>&1) || { echo "$said"; fail "$(tail -n 1 <<< "$said")"; }
echo "$said"
verdict="passed: $(tail -n 1 <<< "$said")"
