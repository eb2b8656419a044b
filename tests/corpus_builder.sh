#!/usr/bin/env bash
# Compares the simulator of CI's builder with what the builder itself made of the corpus' Dockerfiles.
#
#   tests/corpus_builder.sh                       with the corpus at ../shared/corpus
#   LOCKSTEP_CORPUS=DIR tests/corpus_builder.sh   with the corpus at DIR
#
# The last line says how many Dockerfiles come out the same; the exit code is not 0 unless all do.
set -euo pipefail
binary=no
. "$(dirname "$0")/lib/corpus.sh" "corpus, builder" builder/cases.jsonl.xz
output=$(LOCKSTEP_CORPUS="$corpus" cargo test --locked --quiet --lib model::replacement::tests::the_corpus -- --nocapture 2>&1) || {
  printf '%s\n' "$output" >&2
  fail "some Dockerfiles come out otherwise"
}
verdict=$(sed -n 's/^builder: //p' <<< "$output")
