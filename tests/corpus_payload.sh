#!/usr/bin/env bash
# Compares the payload's side with real inputs; the last line is the verdict.
#
#   tests/corpus_payload.sh                       with the corpus at ../shared/corpus
#   LOCKSTEP_CORPUS=DIR tests/corpus_payload.sh   with the corpus at DIR
#   LOCKSTEP=FILE tests/corpus_payload.sh         with a binary that is there already, instead of building one
#
# 4.16: what operators ask for is promoted, comes from elsewhere by a rule, or is asked for by an operator that is in no
# release. The payload of OCP 4.12 (older, so that there are differences) is compared with what is derived for 4.16, and
# every difference has its class; which tags are in which is worked out a second time here, from the files alone.
# Needs git and Python 3. Without a corpus it says `skipped` and does nothing.
set -euo pipefail
. "$(dirname "$0")/lib/corpus.sh" "corpus, payload" 4.16 cvo

work="$PWD/target/corpus-payload"
rm -rf "$work"
mkdir -p "$work"
cd "$work"
python3 "$corpus/materialize.py" "$corpus/4.16" 4.16 > materialize.txt
cp "$corpus"/cvo/*.json last.json
cat > lockstep.yaml <<'YAML'
sources:
  build-data: {repo: 4.16/openshift-eng/ocp-build-data.git, branch: "openshift-{release}"}
  ci-config: {repo: 4.16/openshift/release.git, branch: master}
  components: {repo: "4.16/{org}/{repo}.git"}
  payload: {image-references: ./last.json}
releases: ["4.16"]
rules: [builtin]
state: state
YAML
"$lockstep" build-config --format json > config.json 2> stderr.txt || fail "build-config: $(tail -n 3 stderr.txt)"
"$lockstep" audit --format json > audit.json 2> stderr.txt || fail "audit: $(tail -n 3 stderr.txt)"
verdict=$(python3 - "$corpus" <<'PY'
import json, sys

corpus = sys.argv[1]
config = json.load(open("config.json"))
findings = json.load(open("audit.json"))["findings"]
tags = config["payload"]["tags"]
components = json.load(open(f"{corpus}/4.16/components.json"))
last = {tag["name"] for tag in json.load(open("last.json"))["spec"]["tags"]}

def fail(text):
    print("FAILED: " + text)
    sys.exit()

def of(*codes):
    return {f["image"] for f in findings if f["code"] in codes}

built = {name for name, tag in tags.items() if tag.get("built_by")}
external = {name for name, tag in tags.items() if tag.get("external")}
named = {(repo, path, tag["name"]) for repo, component in components.items()
         for path, list in (component.get("image_references") or {}).items() for tag in list}
seen = {(w["at"].split(":")[0], w["at"].split(": ")[1].split(":")[0], name)
        for name, tag in tags.items() for w in tag.get("wanted_by", [])}
if seen != named:
    fail(f"operators' lists are not read as they are: {sorted(seen ^ named)[:5]}")
if of("unresolved-tag"):
    fail(f"nothing promotes {sorted(of('unresolved-tag'))}")
labelled = {repo for repo, component in components.items() for file in component["dockerfiles"].values()
            if (file.get("labels") or {}).get("io.openshift.release.operator") == "true"}
open_ones = {(repo, name) for repo, _, name in named if name not in built | external}
if {repo for repo, _ in open_ones} & labelled:
    fail(f"an operator of the release asks for what nothing promotes: {sorted(open_ones)}")
preview = {f["component"] for f in findings if f["code"] == "operator-without-label"}
if preview != {repo for repo, _ in open_ones}:
    fail(f"operators in preview: {sorted(preview)} are told, {sorted(open_ones)} are there")
if of("unwanted-tag"):
    fail(f"promoted, and nobody wants them: {sorted(of('unwanted-tag'))}")

classes = {
    "added": (of("payload-tag-added"), built - last),
    "gone": (of("payload-tag-gone", "payload-tag-without-source"), last - built - external),
    "other commit": (of("payload-other-commit"), built & last),
}
for name, (told, wanted) in classes.items():
    if told != wanted:
        fail(f"{name}: {sorted(told ^ wanted)[:8]} differ")
for code in ("payload-repository-moved", "payload-other-dockerfile"):
    if not of(code) <= built & last:
        fail(f"{code} is told of tags that are not in both")
counts = [
    f"{len(named)} tags in {len({(r, p) for r, p, _ in named})} operators' lists",
    f"{len(external & {n for _, _, n in named})} of them external",
    f"{len({n for _, n in open_ones})} of an operator in preview",
    f"against {len(last)} tags of OCP 4.12: {len(of('payload-tag-added'))} added",
    f"{len(of('payload-tag-gone'))} left out on purpose",
    f"{len(of('payload-tag-without-source'))} without a source",
    f"{len(last & external)} external",
    f"{len(of('payload-repository-moved'))} moved",
    f"{len(of('payload-other-dockerfile'))} from another Dockerfile",
    f"{len(of('payload-other-commit'))} from another commit",
]
print("passed: " + ", ".join(counts))
PY
)
case "$verdict" in passed*) exit 0 ;; *) exit 1 ;; esac
