#!/usr/bin/env bash
# Holds what lockstep says of doozer, and what it writes into build data for it, against real build data:
#
# - the counts of the audit's family `doozer` in nine releases against tests/corpus_doozer.tsv, and the images whose Dockerfile
#   differs against an independent reading of the YAML files (4.20 to 4.22: none, 4.23: 2, 5.0: 8);
# - `explain --as doozer` against what art-tools' own code made of images (corpus/doozer);
# - after the edits of target `build-data` the same audit finds nothing but what is shown because people decided otherwise, every
#   image is derived as before, and edited files are valid by ART's own schemas where they were before;
# - what people put right by hand in January 2026 is proposed from the state before each commit;
# - what people ported from 4.22 to 4.23 by hand on 2026-01-29 is carried from the branch of 4.22;
# - behind a URL all of that, and the real histories of four branches, come to the same as from disk;
# - `render --sources` of 4.16: FROMs as in the unified document, all other bytes as they were.
#
# Real edits of OKD stanzas are made again in tests/it/yaml_corpus.rs. Needs the corpus at ../shared/corpus (or LOCKSTEP_CORPUS),
# Python 3 with PyYAML and jsonschema; LOCKSTEP names a binary that is there already, else one is built.
set -euo pipefail
. "$(dirname "$0")/lib/corpus.sh" "corpus doozer" build-data-2026-01
work=$(mktemp -d)
scratch=$work
if ! python3 -c 'import jsonschema, referencing' 2> /dev/null; then
  python3 -m pip install --quiet --disable-pip-version-check --root-user-action ignore --target "$work/python" jsonschema
  export PYTHONPATH="$work/python"
fi
for tar in "$corpus"/build-data-2026-01/openshift-*.tar.xz; do
  release=$(basename "$tar" .tar.xz)
  mkdir -p "$work/build-data/${release#openshift-}"
  tar -C "$work/build-data/${release#openshift-}" -xf "$tar"
done
tar -C "$work" -xf "$corpus/build-data-edits/build-data-edits.tar.xz"
mkdir "$work/history"
tar -C "$work/history" -xf "$corpus/history/build-data.tar.xz"
python3 "$corpus/materialize.py" "$corpus/4.16" "$work/4.16" > /dev/null
python3 tests/corpus_doozer.py "$lockstep" "$corpus" "$work" "$PWD/tests/corpus_doozer.tsv" || fail "see above"
verdict="passed"
