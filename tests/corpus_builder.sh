#!/usr/bin/env bash
# Compares the simulator of CI's builder with what the builder itself made of the corpus' Dockerfiles.
#
#   tests/corpus_builder.sh [CORPUS]
#
# CORPUS is $LOCKSTEP_CORPUS, or ../shared/corpus beside this project. Without a corpus nothing is tested. The last line
# says how many Dockerfiles come out the same; the exit code is not 0 unless all do.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
corpus=${1:-${LOCKSTEP_CORPUS:-$here/../shared/corpus}}
if [ ! -f "$corpus/builder/cases.jsonl.xz" ]; then
  echo "skipped: no corpus at $corpus/builder"
  exit 0
fi
cd "$here"
output=$(LOCKSTEP_CORPUS="$corpus" cargo test --locked --quiet --lib model::replacement::tests::the_corpus -- --nocapture 2>&1) || {
  printf '%s\n' "$output" >&2
  exit 1
}
grep '^builder: ' <<< "$output"
