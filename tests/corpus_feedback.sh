#!/usr/bin/env bash
# Says of real merges what they would have done to OKD, each with the build data of its day, and holds the verdicts and findings
# against the tables of the corpus. What is different has its reason in tests/corpus_feedback.tsv. Then nine merges are held
# against what became of them. The last line is the verdict.
#
#   tests/corpus_feedback.sh                       with the corpus at ../shared/corpus
#   LOCKSTEP_CORPUS=DIR tests/corpus_feedback.sh   with the corpus at DIR
#   LOCKSTEP=FILE tests/corpus_feedback.sh         with a binary that is there already, instead of building one
#
# In the tables `warns` is `changes`, `notes` is `nothing` with the note in `new`. A row of components is run with its day's
# build data, as if the release were built from the repository's only branch. Needs git, tar with xz, and Python 3.
set -euo pipefail
. "$(dirname "$0")/lib/corpus.sh" "corpus, feedback" feedback/replay/asof.tar.xz
export LOCKSTEP_BINARY="$lockstep"
reasons="$PWD/tests/corpus_feedback.tsv"

work="$PWD/target/corpus-feedback"
rm -rf "$work"
mkdir -p "$work/history"
tar xf "$corpus/feedback/replay/asof.tar.xz" -C "$work"
tar xf "$corpus/history/build-data.tar.xz" -C "$work/history"
tar xf "$corpus/history/components.tar.xz" -C "$work/history"
verdict=$(python3 tests/corpus_feedback.py "$corpus/feedback/replay" "$work" "$reasons") || fail "$verdict"
