#!/usr/bin/env bash
# Holds what lockstep would change in real configs of 2025 and 2026 against a table; the last line is the verdict.
#
#   tests/corpus_real.sh                       with the corpus at ../shared/corpus
#   LOCKSTEP_CORPUS=DIR tests/corpus_real.sh   with the corpus at DIR
#   LOCKSTEP=FILE tests/corpus_real.sh         with a binary that is there already, instead of building one
#   tests/corpus_real.sh --update              writes the table anew; its comments stay
#
# The configs are of ten components, of several days, and not all of them are right. Whatever people have: no test of theirs is
# rewritten, no `images` stays a list in a file that is written, and CI's builder puts no image of OCP's payload into any FROM or
# COPY --from (it did before: the check says where). Every other difference stands in tests/corpus_real.tsv, with the rule behind it and who is right.
# Needs git and Python 3 with PyYAML. Without a corpus it says `skipped` and does nothing.
set -euo pipefail
. "$(dirname "$0")/lib/corpus.sh" "corpus, real configs" prow-2026/real.tar.xz
table="$PWD/tests/corpus_real.tsv"
tests="$PWD/tests"
update=${1:-}

work="$PWD/target/corpus-real"
rm -rf "$work"
mkdir -p "$work"
cd "$work"
python3 "$corpus/materialize_real.py" "$corpus/prow-2026/real.tar.xz" "$corpus/history" world > materialize.txt
cat > lockstep.yaml <<'YAML'
sources:
  build-data: {repo: world/openshift-eng/ocp-build-data.git, branch: "openshift-{release}"}
  ci-config: {repo: world/openshift/release.git, branch: main}
  components: {repo: "world/{org}/{repo}.git"}
releases: ["4.19", "4.20", "4.21", "4.22", "4.23", "5.0"]
rules: [builtin]
targets: [prow-config]
forge: {kind: local, dir: forge}
state: state
YAML
# Components that are not in the corpus cannot be read, which is what exit code 1 says.
"$lockstep" plan --format json > plan.json 2> stderr.txt || [ $? = 1 ] || fail "plan: $(tail -n 3 stderr.txt)"
"$lockstep" render --out rendered > render.txt 2> stderr.txt || [ $? = 1 ] || fail "render: $(tail -n 3 stderr.txt)"
git -C world/openshift/release.git archive main | tar -x --one-top-level=there
for release in 4.19 4.20 4.21 4.22 4.23 5.0; do
  "$lockstep" build-config --release "$release" --format json > "build-config-$release.json" 2> stderr.txt || [ $? = 1 ] || fail "build-config: $(tail -n 3 stderr.txt)"
done

# Image mirroring: the mapping file is what CI's own tool writes, from a tree that has it with lines missing and one too many.
python3 "$corpus/materialize.py" "$corpus/prow-2026" prow > materialize.txt
mkdir expected
tar -xJf "$corpus/prow-2026/expected-jobs.tar.xz" -C expected
cat > mirroring.yaml <<'YAML'
sources:
  build-data: {repo: prow/openshift-eng/ocp-build-data.git}
  ci-config: {repo: prow/openshift/release.git, branch: main}
  components: {repo: "prow/{org}/{repo}.git"}
releases: ["4.16"]
rules: [builtin]
targets: [image-mirroring]
forge: {kind: local, dir: forge-prow}
state: state-prow
YAML
"$lockstep" render --config mirroring.yaml --out mirrored > render.txt 2> stderr.txt || fail "render: $(tail -n 3 stderr.txt)"
mapping=core-services/image-mirroring/openshift/mapping_origin_scos-4_16
cmp "expected/$mapping" "mirrored/openshift/release/$mapping" || fail "the mapping file differs"

counts=$(PYTHONPATH="$tests" PYTHONDONTWRITEBYTECODE=1 python3 - "$table" "$update" <<'PY'
import collections, glob, json, os, sys
import yaml
import corpus_from

table, update = sys.argv[1:3]
plan = json.load(open("plan.json"))

def fail(text):
    print("FAILED: " + text)
    sys.exit()

# What is there against what would be written.
rewritten, lists, kept, changed = [], [], 0, 0
for path in sorted(glob.glob("rendered/openshift/release/ci-operator/config/*/*/*__okd-scos.yaml")):
    name = os.path.relpath(path, "rendered/openshift/release")
    text = open(path).read()
    after = yaml.safe_load(text)
    before_path = f"there/{name}"
    if not os.path.exists(before_path):
        continue
    before_text = open(before_path).read()
    before = yaml.safe_load(before_text)
    if text == before_text:
        kept += 1
        continue
    changed += 1
    tests = {test["as"]: test for test in after.get("tests") or []}
    rewritten += [f"{name}: {test['as']}" for test in before.get("tests") or [] if tests.get(test["as"]) != test]
    if isinstance(after.get("images"), list):
        lists.append(name)
if rewritten:
    fail(f"tests are rewritten: {rewritten[:5]}")
if lists:
    fail(f"lists of images are left: {lists[:5]}")

# Places in which an image of OCP's payload is built in: of the configs as they are, and as they would be.
places, before, after = 0, [], []
for path in sorted(glob.glob("build-config-*.json")):
    before += corpus_from.from_ocp(path, "there")[1]
    count, found = corpus_from.from_ocp(path, "rendered/openshift/release", "there")
    places += count
    after += found
if after or not places:
    fail(f"of {places} places, OCP's payload is built in at: {after[:5]}")
if not before:
    fail("no config as it is has an image of OCP's payload: the check finds nothing any more")

rows = collections.Counter()
for request in plan["pull_requests"]:
    for file in request["files"]:
        for cause in file["causes"]:
            rows[request["release"], cause["component"], file["kind"], cause["field"], cause["rule"]] += 1
lines = ["\t".join((*row, str(count))) for row, count in sorted(rows.items())]
known = open(table).read().splitlines() if os.path.exists(table) else []
comments = [line for line in known if line.startswith("#")]
if update == "--update":
    open(table, "w").write("\n".join(comments + lines) + "\n")
elif [line for line in known if not line.startswith("#")] != lines:
    wanted = set(line for line in known if not line.startswith("#"))
    for line in sorted(wanted ^ set(lines)):
        print("<" if line in wanted else ">", line, file=sys.stderr)
    fail("the differences are others (< expected, > found)")
print(f"passed: {kept} configs as they were, {changed} changed, no test rewritten, no list left, 0 of {places} places from OCP's payload (as they were: {len(before)}), {sum(rows.values())} differences of {len(lines)} kinds as listed, 1 of 1 mapping files")
PY
)
verdict="$counts"
case "$verdict" in passed*) exit 0 ;; *) exit 1 ;; esac
