#!/usr/bin/env python3
"""What doozer makes of real build data, held against an independent reading (PyYAML, none of lockstep's code).

usage: corpus_doozer.py LOCKSTEP CORPUS WORK TABLE
"""
import collections
import glob
import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import threading

import yaml

NINE = ["4.16", "4.17", "4.18", "4.19", "4.20", "4.21", "4.22", "4.23", "5.0"]
# What people decided otherwise, and what is shown instead of written.
SHOWN = {
    "4.23": {"cluster-node-tuning-operator", "ose-installer-etcd-artifacts"},
    "5.0": {"cluster-node-tuning-operator", "ose-installer-etcd-artifacts"},
}
lockstep, corpus, work, table = sys.argv[1:5]
faults = []


def fault(text):
    faults.append(text)
    print("corpus doozer: " + text, file=sys.stderr)


class Loader(yaml.CSafeLoader):
    pass


Loader.add_constructor("!include", lambda loader, node: None)


def load(text):
    return yaml.load(text, Loader=Loader)


def substituted(text, variables):
    return re.sub(r"\{(\w+)\}", lambda m: variables.get(m.group(1), m.group(0)), text)


def merged(under, over):
    if isinstance(under, dict) and isinstance(over, dict):
        return {k: merged(under[k], over[k]) if k in under and k in over else over.get(k, under.get(k)) for k in {**under, **over}}
    return over


def at(value, path):
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def release_of(folder):
    group = open(f"{folder}/group.yml").read()
    variables = {}
    for name, value in re.findall(r'^  ([A-Z_0-9]+): *"?([^"\n#]+?)"? *$', group, re.M):
        variables[name] = value
    for _ in range(4):
        variables = {name: substituted(value, variables) for name, value in variables.items()}
    images = {}
    for path in sorted(glob.glob(f"{folder}/images/*.yml")):
        images[os.path.basename(path)[:-4]] = load(substituted(open(path).read(), variables))
    return variables, images


def as_doozer(config):
    config = {**config, "enabled_repos": []}
    okd = config.get("okd")
    if isinstance(okd, dict):
        config = merged(config, okd)
        if "from" in okd:
            config["from"] = okd["from"]
    if isinstance(config.get("konflux"), dict):
        config = merged(config, config["konflux"])
    return config


def dockerfile_differs(config):
    aligned = at(config, "content.source.okd_alignment.dockerfile")
    intent = aligned or at(config, "okd.content.source.dockerfile") or at(config, "content.source.dockerfile") or "Dockerfile"
    return intent != (at(as_doozer(config), "content.source.dockerfile") or "Dockerfile")


def run(*arguments, codes=(0, 1)):
    done = subprocess.run([lockstep, *arguments], cwd=work, capture_output=True, text=True)
    if done.returncode not in codes:
        fault(f"{' '.join(arguments)} ended with {done.returncode}: {done.stderr[-400:]}")
    return done.stdout


def config(name, builds, targets=False):
    text = f'sources:\n  build-data: {{repo: "{builds}/{{release}}"}}\n  components: {{via: none}}\n'
    text += "releases: [" + ", ".join(f'"{release}"' for release in NINE) + f"]\nstate: {name}-state\n"
    if targets:
        text += f"targets: [build-data]\nforge: {{kind: local, dir: {name}-forge}}\n"
    path = f"{work}/{name}.yaml"
    open(path, "w").write(text)
    return path


def audited(path):
    out = json.loads(run("audit", "--config", path, "--format", "json"))
    return [f for f in out["findings"] if f.get("family") == "doozer"]


def key_of(finding):
    return finding["message"].split(":")[0]


def counts(findings):
    rows = collections.Counter((f["code"], f["severity"], f.get("release", "-")) for f in findings)
    return ["\t".join([*row, str(count)]) for row, count in sorted(rows.items())]


def tables():
    findings = audited(config("nine", "build-data"))
    rows = counts(findings)
    wanted = [line for line in open(table).read().splitlines() if line and not line.startswith("#")]
    if rows != wanted:
        fault("the counts differ:\n" + "\n".join(sorted(set(rows) ^ set(wanted))))
    for release in NINE:
        _, images = release_of(f"{work}/build-data/{release}")
        built = any("okd" in image for image in images.values())
        own = {key for key, image in images.items() if built and dockerfile_differs(image)}
        theirs = {key_of(f) for f in findings if f["code"] == "doozer-other-dockerfile" and f["release"] == release}
        if own != theirs:
            fault(f"{release}: other Dockerfiles are {sorted(own)} by an independent reading, {sorted(theirs)} by lockstep")
    return len(rows)


def reference():
    """What art-tools' own merging code made of each image, as far as the corpus has it."""
    compared = 0
    for path in sorted(glob.glob(f"{corpus}/doozer/*.json")):
        release = os.path.basename(path)[:-5]
        known = json.load(open(path))
        variables, images = release_of(f"{work}/build-data/{release}")
        asked = [key for key in known if "okd" in images[key] or "konflux" in images[key]]
        odd = [key for key in known if at(images[key], "konflux.content") or "okd" in images[key]]
        for key in asked if len(asked) < 60 else odd:
            said = json.loads(run("explain", key, "--as", "doozer", "--release", release, "--config", "nine.yaml", "--format", "json"))
            said = [one for one in said if one["image"] == key][0]
            folder = (at(as_doozer(images[key]), "content.source.path") or "").rstrip("/")
            dockerfile = f"{folder}/{known[key]['dockerfile']}" if folder else known[key]["dockerfile"]
            source = known[key]["from"] or {}
            entries = (source.get("builder") or []) + [source]
            named = lambda entry: next((f"{k} {entry[k]}" for k in ("member", "image", "stream") if k in entry), None)
            wanted = {
                "mode": known[key]["mode"] or "enabled",
                "dockerfile": dockerfile,
                "from": [name for name in map(named, entries) if name],
                "enabled_repos": known[key]["enabled_repos"] or [],
                "modifications": [m["action"] for m in known[key]["modifications"] or []],
            }
            found = {
                "mode": said["mode"]["value"],
                "dockerfile": said["dockerfile"]["value"],
                "from": [parent["metadata"] for parent in said["from"]],
                "enabled_repos": said["enabled_repos"],
                "modifications": [m["action"] for m in said["modifications"]],
            }
            if wanted != found:
                fault(f"{release} {key}: art-tools has {wanted}, lockstep {found}")
            compared += 1
    return compared


def explained(path, release, key):
    said = json.loads(run("explain", key, "--release", release, "--config", path, "--format", "json"))
    return [(field["path"], field["value"]) for one in said for field in one["fields"]]


def applied():
    """After the target's edits the audit has nothing left but what is shown, and everything is derived as before."""
    run("render", "--out", "edited", "--config", config("edits", "build-data", True))
    shutil.copytree(f"{work}/build-data", f"{work}/after")
    changed = []
    for path in sorted(glob.glob(f"{work}/edited/build-data/*/images/*.yml")):
        release, name = path.split("/")[-3], os.path.basename(path)
        target = f"{work}/after/{release}/images/{name}"
        if open(path).read() != open(target).read():
            changed.append((release, name[:-4]))
            shutil.copy(path, target)
    left = audited(config("after", "after"))
    for release in NINE:
        found = {key_of(f) for f in left if f["code"] == "doozer-other-dockerfile" and f["release"] == release}
        if found != SHOWN.get(release, set()):
            fault(f"{release}: after the edits other Dockerfiles are {sorted(found)}")
    other = [f["message"] for f in left if f["code"] in ("doozer-would-skip", "doozer-other-parent", "doozer-would-fail", "doozer-would-build")]
    if other:
        fault(f"after the edits: {other}")
    of = collections.Counter(release for release, _ in changed)
    if of != {"4.20": 1, "4.21": 1, "4.22": 1, "4.23": 1, "5.0": 8}:
        fault(f"files that are edited: {dict(of)}")
    for release, key in changed:
        if explained("nine.yaml", release, key) != explained("after.yaml", release, key):
            fault(f"{release} {key}: it is derived otherwise after the edit")
    validated(changed)
    return len(changed)


def validated(changed):
    """Edited files are valid against ART's own schemas wherever they were before."""
    schemas = f"{corpus}/../schemas/build-data"
    if not os.path.isdir(schemas):
        return
    from jsonschema import Draft7Validator
    from referencing import Registry, Resource
    from referencing.jsonschema import DRAFT7

    named = {name: json.load(open(f"{schemas}/{name}")) for name in os.listdir(schemas) if name.endswith(".schema.json")}
    registry = Registry().with_resources((name, Resource(contents, DRAFT7)) for name, contents in named.items())
    validator = Draft7Validator(named["image_config.schema.json"], registry=registry)
    faults_of = lambda folder, release, key: {
        error.message for error in validator.iter_errors(json.loads(json.dumps(load(open(f"{work}/{folder}/{release}/images/{key}.yml").read()))))
    }
    for release, key in changed:
        new = faults_of("after", release, key) - faults_of("build-data", release, key)
        if new:
            fault(f"{release} {key}: against ART's schema {sorted(new)[:2]}")


def january():
    """What people put right by hand in January 2026, from the state before each commit."""
    manifest = [e for e in json.load(open(f"{corpus}/build-data-edits/MANIFEST.json")) if e["date"] >= "2026-01-19" and e["status"] == "M"]
    proposed = emptied = 0
    for entry in manifest:
        folder, release = f"{work}/build-data-edits/{entry['id']}", entry["branch"]
        key = os.path.basename(entry["path"])[:-4]
        before, after = (open(f"{folder}/{name}.yml").read() for name in ("before", "after"))
        loaded = [load(substituted(text, dict(zip(("MAJOR", "MINOR"), release.split("."))))) for text in (before, after)]
        settled = key in ("cluster-node-tuning-operator", "ose-etcd", "ose-installer-etcd-artifacts")
        written = at(loaded[1], "okd.content.source.dockerfile")
        if not settled and not (written and written != at(loaded[0], "okd.content.source.dockerfile")):
            continue
        state = after if settled else before
        shutil.rmtree(f"{work}/then", ignore_errors=True)
        shutil.copytree(f"{work}/build-data", f"{work}/then")
        open(f"{work}/then/{release}/{entry['path']}", "w").write(state)
        shutil.rmtree(f"{work}/then-out", ignore_errors=True)
        run("render", "--out", "then-out", "--release", release, "--config", config("then", "then", True))
        out = f"{work}/then-out/then/{release}/{entry['path']}"
        result = load(open(out).read()) if os.path.exists(out) else load(state)
        is_now = lambda path: at(result, path)
        had = at(load(state), "okd.content.source.dockerfile")
        if settled:
            if is_now("okd.content.source") != at(load(state), "okd.content.source"):
                fault(f"{entry['id']} {release} {key}: something is proposed against what people decided")
            continue
        default = at(load(before), "content.source.dockerfile") or "Dockerfile"
        if written == default:
            if is_now("okd.content.source.dockerfile") != had:
                fault(f"{entry['id']} {release} {key}: the default is proposed")
            continue
        if is_now("okd.content.source.dockerfile") != written:
            fault(f"{entry['id']} {release} {key}: people wrote {written}, proposed is {is_now('okd.content.source.dockerfile')}")
        if at(load(before), "okd.dockerfile"):
            if is_now("okd.dockerfile") is not None:
                fault(f"{entry['id']} {release} {key}: the misplaced key is still there")
            continue
        proposed += 1
        people = at(loaded[1], "okd.content.source.modifications")
        if is_now("okd.content.source.modifications") != people:
            fault(f"{entry['id']} {release} {key}: modifications {is_now('okd.content.source.modifications')} instead of {people}")
        emptied += people == []
    if (proposed, emptied) != (13, 5):
        fault(f"January 2026: {proposed} Dockerfiles, {emptied} with emptied modifications, instead of 13 and 5")
    return proposed, emptied


def carried():
    """What people ported from 4.22 to 4.23 by hand on 2026-01-29 is carried from the branch of 4.22, made anew of its edits."""
    manifest = [e for e in json.load(open(f"{corpus}/build-data-edits/MANIFEST.json")) if e["status"] == "M"]
    edits = [e for e in manifest if e["branch"] == "4.22" and e["date"] >= "2026-01-19"]
    edits.sort(key=lambda e: (e["date"], -int(e["id"])))
    ported = [e for e in manifest if e["branch"] == "4.23"]
    repo = f"{work}/port/openshift-eng/ocp-build-data"
    os.makedirs(repo)

    def git(*arguments, date="2026-01-15"):
        day = f"{date}T12:00:00Z"
        who = {f"GIT_{role}_{what}": value for role in ("AUTHOR", "COMMITTER") for what, value in (("NAME", "ann"), ("EMAIL", "a@b"), ("DATE", day))}
        env = {**os.environ, **who, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
        subprocess.run(["git", "-C", repo, *arguments], check=True, capture_output=True, env=env)

    def tree(release, states, name):
        for entry in os.listdir(repo):
            if entry != ".git":
                shutil.rmtree(f"{repo}/{entry}") if os.path.isdir(f"{repo}/{entry}") else os.remove(f"{repo}/{entry}")
        shutil.copytree(f"{work}/build-data/{release}", repo, dirs_exist_ok=True)
        for entry in states:
            shutil.copy(f"{work}/build-data-edits/{entry['id']}/{name}.yml", f"{repo}/{entry['path']}")
        git("add", "-A")

    git("init", "-q", "-b", "openshift-4.22")
    tree("4.22", reversed(edits), "before")
    git("commit", "-q", "-m", "before")
    git("checkout", "-q", "-b", "openshift-4.23")
    tree("4.23", ported, "before")
    git("commit", "-q", "-m", "made", date="2026-01-16")
    git("checkout", "-q", "openshift-4.22")
    for entry in edits:
        shutil.copy(f"{work}/build-data-edits/{entry['id']}/after.yml", f"{repo}/{entry['path']}")
        git("add", "-A")
        git("commit", "-q", "--allow-empty", "-m", entry["subject"], date=entry["date"])
    open(f"{work}/port.yaml", "w").write(
        "sources:\n  build-data: {repo: port/openshift-eng/ocp-build-data}\n  components: {via: none}\n"
        'releases: ["4.22", "4.23"]\nstate: port-state\ntargets: [build-data]\nforge: {kind: local, dir: port-forge}\n'
    )
    run("render", "--out", "port-out", "--release", "4.23", "--config", "port.yaml")
    same = 0
    for entry in ported:
        before, after = (load(open(f"{work}/build-data-edits/{entry['id']}/{name}.yml").read()) for name in ("before", "after"))
        out = f"{work}/port-out/openshift-eng/ocp-build-data/{entry['path']}"
        ours = load(open(out).read()) if os.path.exists(out) else before
        if ours.get("okd") == after.get("okd"):
            same += 1
        elif at(before, "content.source.okd_alignment.dockerfile") != at(after, "okd.content.source.dockerfile"):
            fault(f"{entry['path']}: people ported {after.get('okd')}, carried is {ours.get('okd')}")
        if {**ours, "okd": None} != {**before, "okd": None}:
            fault(f"{entry['path']}: something else than `okd` is changed")
    # The one that is left has the value in its other stanza, and builds the same.
    if (same, len(ported)) != (9, 10):
        fault(f"of {len(ported)} files that people ported {same} are as they wrote them")
    return same, len(ported)


class Git(http.server.BaseHTTPRequestHandler):
    """git's own server side in front of the work directory; `sent` counts its bytes."""

    sent = 0
    backend = subprocess.run(["git", "--exec-path"], capture_output=True, text=True).stdout.strip() + "/git-http-backend"

    def answer(self):
        path, _, query = self.path.partition("?")
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        asked = {"REQUEST_METHOD": self.command, "PATH_INFO": path, "QUERY_STRING": query, "CONTENT_LENGTH": str(len(body))}
        asked |= {"CONTENT_TYPE": self.headers.get("content-type") or "", "GIT_PROTOCOL": self.headers.get("git-protocol") or ""}
        own = {"PATH": os.environ["PATH"], "GIT_PROJECT_ROOT": work, "GIT_HTTP_EXPORT_ALL": "1", "GIT_CONFIG_GLOBAL": "/dev/null"}
        own |= {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "uploadpack.allowFilter", "GIT_CONFIG_VALUE_0": "true"}
        head, _, rest = subprocess.run([self.backend], input=body, env=own | asked, capture_output=True).stdout.partition(b"\r\n\r\n")
        lines = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        self.send_response(int(lines.pop("Status", "200").split()[0]))
        for name, value in {**lines, "Content-Length": str(len(rest))}.items():
            self.send_header(name, value)
        self.end_headers()
        Git.sent += len(rest)
        self.wfile.write(rest)

    do_GET = do_POST = answer

    def log_message(self, *_):
        pass


def far():
    """Behind a URL build data comes to the same as from disk: what is found, and what is written. The bytes that were sent for it."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Git)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    base = f"http://127.0.0.1:{server.server_port}"
    carried, sent = 0, []
    for name, repo, releases in [
        ("port", "port/openshift-eng/ocp-build-data", ["4.22", "4.23"]),
        ("history", "history/openshift-eng/ocp-build-data.git", ["4.19", "4.20", "4.21", "4.22"]),
    ]:
        seen = []
        for place, where in [("disk", repo), ("url", f"{base}/{repo}")]:
            at = f"far-{name}-{place}"
            open(f"{work}/{at}.yaml", "w").write(
                f"sources:\n  build-data: {{repo: '{where}'}}\n  components: {{via: none}}\n"
                f"releases: {json.dumps(releases)}\nstate: {at}-state\ntargets: [build-data]\nforge: {{kind: local, dir: {at}-forge}}\n"
            )
            Git.sent = 0
            plan = run("plan", "--format", "json", "--config", f"{at}.yaml")
            sent.append(Git.sent)
            run("render", "--out", f"{at}-out", "--config", f"{at}.yaml")
            out = {}
            for folder, _, files in os.walk(f"{work}/{at}-out"):
                out |= {os.path.relpath(f"{folder}/{file}", f"{work}/{at}-out"): open(f"{folder}/{file}").read() for file in files}
            # Bytes may not differ, whatever the place is called.
            plan = json.loads(plan.replace(base + "/", ""))
            seen.append((plan["findings"], plan["counts"], out))
            carried += json.dumps(plan).count("is carried from")
        if seen[0] != seen[1]:
            fault(f"{name}: behind a URL it is not as from disk")
        if any(finding["code"] == "okd-carry-unread" for finding in seen[1][0]):
            fault(f"{name}: histories behind a URL are not read")
    if not carried:
        fault("nothing is carried, so that nothing is compared")
    server.shutdown()
    return max(sent)


def sources():
    """Dockerfiles of 4.16 whose FROMs name what stands for them; nothing else differs."""
    text = (
        "sources:\n  build-data: {repo: 4.16/openshift-eng/ocp-build-data.git}\n  ci-config: {repo: 4.16/openshift/release.git}\n"
        '  components: {repo: "4.16/{org}/{repo}.git"}\nreleases: ["4.16"]\nstate: sources-state\n'
    )
    open(f"{work}/sources.yaml", "w").write(text)
    run("render", "--sources", "sources", "--config", "sources.yaml")
    document = json.loads(run("build-config", "--config", "sources.yaml", "--format", "json"))
    images = froms = 0
    for key, image in document["images"].items():
        repo, path = image["repository"]["value"], image["dockerfile"]["value"]
        out = f"{work}/sources/{repo}/{path[2:] if path.startswith('./') else path}"
        if not os.path.exists(out):
            fault(f"{key}: {path} is not written")
            continue
        git = f"{work}/4.16/{repo}.git"
        there, at_path = b"", path
        for _ in range(5):
            there = subprocess.run(["git", "-C", git, "show", f"{image['commit']}:{os.path.normpath(at_path)}"], capture_output=True).stdout
            mode = subprocess.run(["git", "-C", git, "ls-tree", image["commit"], os.path.normpath(at_path)], capture_output=True, text=True).stdout
            if not mode.startswith("120000"):
                break
            at_path = os.path.join(os.path.dirname(at_path), there.decode())
        lines = there.decode().splitlines(keepends=True)
        for entry in image["builders"] + ([image["base"]] if image.get("base") else []):
            if not entry["replaced"]:
                continue
            number = int(re.search(r":(\d+)(?: at |$)", entry["at"]).group(1)) - 1
            words = re.split(r"(\s+)", lines[number])
            words[words.index(entry.get("token", entry["written"]))] = entry["pullspec"]["value"]
            lines[number] = "".join(words)
            froms += 1
        if open(out, newline="").read() != "".join(lines):
            fault(f"{key}: {path} is not its original with other FROMs")
        images += 1
    return images, froms


rows = tables()
compared = reference()
changed = applied()
proposed, emptied = january()
same, ported = carried()
sent = far()
images, froms = sources()
if faults:
    sys.exit(f"corpus doozer: {len(faults)} faults")
print(
    f"corpus doozer: {rows} counts of nine releases as expected, {compared} images as art-tools merges them; {changed} files edited and nothing "
    f"left but what is shown; {proposed} Dockerfiles of January 2026, {emptied} with emptied modifications; {same} of {ported} "
    f"files as people ported them to 4.23, and the same behind a URL for {sent >> 10} KiB; {froms} FROMs of {images} sources"
)
