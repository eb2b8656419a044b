"""Real builds of the Dockerfiles of components' histories; the last part of tests/corpus_pipeline.sh.

Each FROM, ARG and `COPY --from` of a pullspec stays as it is in the component's repository; all else goes, as there is no network, and a
`COPY --from` of each stage's marker is added. buildah then gets exactly the build contexts of the rendered Shipwright Build, each image
by a stand-in that holds its name, and each stage has to be the image that the unified build config names."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile

import yaml

LOCKSTEP, CORPUS, WORK = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
RELEASES = ["4.16", "4.19", "4.21", "5.0"]
PIPELINE = "okd-project/okd-payload-pipeline"


def fail(text):
    print(f"FAILED: {text}")
    sys.exit(1)


def run(*command, cwd=WORK, code=0, **more):
    done = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, **more)
    if code is not None and done.returncode != code:
        fail(f"{' '.join(map(str, command))[:300]} ended with {done.returncode}: {done.stderr[-2000:]}")
    return done.stdout


def documents(path):
    return [document for document in yaml.safe_load_all(path.read_text()) if document]


class Buildah:
    """Stand-ins by the names of images, and builds with them."""

    def __init__(self, root):
        self.root, self.known = root, {}
        root.mkdir(parents=True, exist_ok=True)
        self.storage = ["--storage-driver", "vfs", "--root", root / "root", "--runroot", root / "run"]

    def stand_in(self, name):
        if name not in self.known:
            context = self.root / f"stand-in-{len(self.known)}"
            context.mkdir()
            (context / "marker").write_text(name)
            (context / "Dockerfile").write_text("FROM scratch\nCOPY marker /marker\n")
            local = f"localhost/stand-in-{len(self.known)}"
            run("buildah", *self.storage, "build", "--isolation", "chroot", "-q", "-t", local, context)
            self.known[name] = local
        return self.known[name]

    def build(self, name, text, contexts):
        """Builds a Dockerfile; the markers by their names."""
        folder = self.root / name
        folder.mkdir()
        (folder / "Dockerfile").write_text(text)
        given = []
        for context in contexts:
            written, target = context.split("=docker://", 1)
            given += ["--build-context", f"{written}=container-image://{self.stand_in(target)}"]
        run("buildah", *self.storage, "build", "--isolation", "chroot", "--pull=never", "-q", "-t", f"localhost/{name}", *given, folder)
        container = run("buildah", *self.storage, "from", "--pull=never", f"localhost/{name}").strip()
        mount = pathlib.Path(run("buildah", *self.storage, "mount", container).strip())
        markers = {path.name: path.read_text() for path in mount.glob("marker*")}
        run("buildah", *self.storage, "rm", container)
        run("buildah", *self.storage, "rmi", f"localhost/{name}")
        shutil.rmtree(folder)
        return markers


def instructions(text):
    """Keyword and the rest of each instruction, continued lines joined; what heredocs hold is no instruction."""
    joined, heredoc = "", None
    for line in text.splitlines():
        if heredoc:
            heredoc = None if line.strip() == heredoc else heredoc
            continue
        if not joined and (not line.strip() or line.lstrip().startswith("#")):
            continue
        if joined and line.lstrip().startswith("#"):
            continue
        joined += line.rstrip()
        if joined.endswith("\\"):
            joined = joined[:-1] + " "
            continue
        word, _, rest = joined.strip().partition(" ")
        found = re.search(r"<<-?[\"']?(\w+)", rest) if word.upper() in ("RUN", "COPY") else None
        heredoc = found.group(1) if found else None
        yield word.upper(), rest.strip()
        joined = ""


def skeleton(text):
    """The lines that decide what a Dockerfile is built from, and for each marker the text that it comes from."""
    lines, stages, names, markers = [], [], [], {}
    for word, rest in instructions(text):
        if word == "ARG":
            lines.append(f"ARG {rest}")
        elif word == "FROM":
            lines.append(f"FROM {rest}")
            parts = [part for part in rest.split() if not part.startswith("--")]
            stages.append(parts[0])
            names.append(parts[2] if len(parts) > 2 and parts[1].lower() == "as" else None)
        elif word == "COPY" and (found := re.search(r"--from=(\S+)", rest)):
            source = found.group(1)
            if source not in names and not source.isdigit():
                marker = f"marker-copy-{len(markers)}"
                lines.append(f"COPY --from={source} /marker /{marker}")
                markers[marker] = source

    def origin(at):
        text = stages[at]
        return origin(names.index(text)) if text in names[:at] else text

    for at in range(len(stages) - 1):
        lines.append(f"COPY --from={at} /marker /marker-{at}")
        markers[f"marker-{at}"] = origin(at)
    markers["marker"] = origin(len(stages) - 1)
    return "\n".join(lines) + "\n", markers


def wanted(image, config):
    """For each text of a Dockerfile the end of the reference that has to stand for it; None: it stays as it is."""
    texts = {}
    for item in [*image["builders"], *([image["base"]] if "base" in image else []), *image.get("copies_from", [])]:
        if not item.get("replaced", True):
            end = None
        elif item.get("image"):
            own = config["images"].get(item["image"]) or {"tag": {"value": config["held_images"][item["image"]]["tag"]}}
            end = [f"/release:{'base' if own['tag']['value'] == 'base-stream9' else own['tag']['value']}"]
        elif item.get("go") and item is not image.get("base"):
            end = [f"/release:builder-go{item['go']}"]
        else:
            end = ["/release:base", "/release:builder-nodejs"]
            pullspec = item["pullspec"] if isinstance(item["pullspec"], str) else item["pullspec"]["value"]
            end.append(pullspec)
        texts[item.get("token", item["written"])] = end
    return texts


def check(buildah, name, text, image, config, build):
    params = {param["name"]: param for param in build["spec"]["paramValues"]}
    contexts = [item["value"] for item in params["build-contexts"]["values"]]
    dockerfile, markers = skeleton(text)
    ends = wanted(image, config)
    foreign = [source for source in markers.values() if source != "scratch" and ends.get(source) is None]
    if foreign:
        return f"not replaced: {foreign[0]}"
    if "scratch" in markers.values():
        return "from scratch"
    found = buildah.build(name, dockerfile, contexts)
    for marker, source in markers.items():
        if not any(found[marker].endswith(end) for end in ends[source]):
            fail(f"{name}: {source} is {found[marker]}, not {ends[source]}")
    return len(markers)


def histories(buildah):
    history = WORK / "history"
    history.mkdir()
    with tarfile.open(CORPUS / "history/components.tar.xz") as archive:
        archive.extractall(history, filter="data")
    tree = WORK / "empty-pipeline"
    (tree / "buildconfigs").mkdir(parents=True)
    (tree / "buildconfigs/kustomization.yaml").write_text("resources: []\n")
    run("git", "init", "--quiet", "--initial-branch", "release-4.16", ".", cwd=tree)
    run("git", "add", ".", cwd=tree)
    run("git", "-c", "user.name=T", "-c", "user.email=t@example.com", "commit", "--quiet", "--message", "x", cwd=tree)
    for release in RELEASES[1:]:
        run("git", "branch", f"release-{release}", cwd=tree)
    (history / PIPELINE).parent.mkdir(parents=True, exist_ok=True)
    run("git", "clone", "--quiet", "--bare", tree, history / f"{PIPELINE}.git")
    built, stages, left = 0, 0, {}
    for release in RELEASES:
        data = WORK / "history-data" / release
        data.mkdir(parents=True)
        with tarfile.open(CORPUS / "build-data-2026-01" / f"openshift-{release}.tar.xz") as archive:
            archive.extractall(data, filter="data")
        (WORK / "history.yaml").write_text(
            'sources:\n  build-data: {repo: "history-data/{release}"}\n  components: {repo: "history/{org}/{repo}.git"}\n'
            f'releases: ["{release}"]\ntargets:\n- payload-pipeline: {{shipwright: true}}\n'
            "forge: {kind: local, dir: history-forge}\nstate: history-state\n"
        )
        out = f"history-out-{release}"
        # Most components of the release are not here, so that it ends with 1.
        run(LOCKSTEP, "render", "--config", "history.yaml", "--out", out, code=None)
        config = json.loads(run(LOCKSTEP, "build-config", "--config", "history.yaml", "--format", "json", code=None))
        for path in sorted((WORK / out / PIPELINE / "shipwright/builds").glob("*.yaml")):
            image = next((i for i in config["images"].values() if i["tag"]["value"] == path.stem), None)
            if image is None:
                continue
            repo, branch = history / f"{image['repository']['value']}.git", image["branch"]["value"]
            text = run("git", "show", f"{branch}:{image['dockerfile']['value']}", cwd=repo)
            if re.fullmatch(r"[\w./-]+", text.strip()):
                text = run("git", "show", f"{branch}:{os.path.normpath(os.path.join(os.path.dirname(image['dockerfile']['value']), text.strip()))}", cwd=repo)
            count = check(buildah, f"{release}-{path.stem}", text, image, config, documents(path)[0])
            if isinstance(count, str):
                left.setdefault(count, []).append(f"{release} {path.stem}")
            else:
                built, stages = built + 1, stages + count
    print(f"{built} Dockerfiles of histories built by buildah, {stages} FROMs and copies right; left out: {json.dumps(left) if left else 'none'}")
    if built < 20:
        fail("fewer than 20 Dockerfiles of histories were built")


SPECIAL = {
    # The text of the first FROM is the name of its stage: as a context it would stand for `FROM golang` of the second as well.
    "stage": ("FROM golang AS golang\nFROM golang\nFROM registry.ci.openshift.org/ocp/4.16:base\n", "{builder: [{stream: golang}], stream: base}"),
    "argument": ("ARG GO=registry.ci.openshift.org/ocp/builder:golang-1.21\nFROM ${GO} AS b\nFROM registry.ci.openshift.org/ocp/4.16:base\n", "{builder: [{stream: golang}], stream: base}"),
    "plain": ("FROM registry.ci.openshift.org/ocp/builder:golang-1.21 AS b\nFROM registry.ci.openshift.org/ocp/4.16:base\n", "{builder: [{stream: golang}], stream: base}"),
}


def special(buildah):
    world = WORK / "special"
    data = world / "data"
    (data / "images").mkdir(parents=True)
    (data / "group.yml").write_text("arches: [x86_64]\npublic_upstreams:\n- {private: 'https://github.com/openshift-priv', public: 'https://github.com/openshift'}\n")
    (data / "streams.yml").write_text(
        "golang: {image: 'art/golang:1', upstream_image: 'registry.ci.openshift.org/ocp/builder:golang-1.21'}\n"
        "base: {image: 'art/base:9', upstream_image: 'registry.ci.openshift.org/ocp/builder:stream9'}\n"
    )
    pipeline = world / PIPELINE
    (pipeline / "buildconfigs").mkdir(parents=True)
    (pipeline / "buildconfigs/kustomization.yaml").write_text("resources: []\n")
    for key, (dockerfile, parents) in SPECIAL.items():
        (data / "images" / f"{key}.yml").write_text(
            f"name: openshift/ose-{key}\npayload_name: {key}\nfor_payload: true\nfrom: {parents}\ncontent:\n  source:\n    dockerfile: Dockerfile\n"
            f"    git:\n      url: git@github.com:openshift-priv/{key}.git\n      branch: {{target: release-4.16}}\n"
        )
        (world / "openshift" / key).mkdir(parents=True)
        (world / "openshift" / key / "Dockerfile").write_text(dockerfile)
    (WORK / "special.yaml").write_text(
        "sources:\n  build-data: {repo: special/data}\n  components: {repo: 'special/{org}/{repo}'}\nreleases: ['4.16']\n"
        "targets:\n- payload-pipeline: {shipwright: true}\nforge: {kind: local, dir: special-forge}\nstate: special-state\n"
    )
    run(LOCKSTEP, "render", "--config", "special.yaml", "--out", "special-out", code=None)
    config = json.loads(run(LOCKSTEP, "build-config", "--config", "special.yaml", "--format", "json", code=None))
    plan = json.loads(run(LOCKSTEP, "plan", "--config", "special.yaml", "--format", "json", code=None))
    builds = {path.stem: documents(path)[0] for path in (WORK / "special-out" / PIPELINE / "shipwright/builds").glob("*.yaml")}
    if "stage" in builds or any("stage" in path.name for path in (WORK / "special-out" / PIPELINE).rglob("*stage*")):
        fail("an image is rendered of which a context is named as a stage")
    if not any(finding["code"] == "from-map-hits-stage" for finding in plan["findings"]):
        fail(f"a context that is named as a stage is not told of: {sorted({f['code'] for f in plan['findings']})}")
    # The argument's default is not what buildah compares: with the substituted text alone the FROM would stay.
    for key in ["argument", "plain"]:
        image = next(i for i in config["images"].values() if i["tag"]["value"] == key)
        count = check(buildah, f"special-{key}", SPECIAL[key][0], image, config, builds[key])
        if count != 2:
            fail(f"{key}: {count}")
    contexts = [item["value"] for param in builds["argument"]["spec"]["paramValues"] if param["name"] == "build-contexts" for item in param["values"]]
    if not any(context.startswith("${GO}=") for context in contexts):
        fail(f"the FROM's own text is no context: {contexts}")
    print("a context named as a stage is never rendered; a FROM with an argument is replaced by its own text")


def main():
    if shutil.which("buildah") is None or os.geteuid() != 0:
        print("no real builds of histories: they need root and buildah")
        return
    buildah = Buildah(WORK / "buildah-history")
    special(buildah)
    histories(buildah)
    shutil.rmtree(WORK / "buildah-history", ignore_errors=True)


main()
