"""What tests/corpus_pipeline.sh shows: each step prints what it found, and ends the program where that is wrong."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile

import yaml

import corpus_tools
from corpus_tools import StandIns, documents, expect, fail

LOCKSTEP, CORPUS, WORK = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
HERE = pathlib.Path(__file__).parent
PIPELINE = "okd-project/okd-payload-pipeline"
# A clone of the pipeline's repository as of 2024-05: all of its BuildConfigs are compared, not the examples alone.
WHOLE = os.environ.get("LOCKSTEP_PIPELINE")
OPTIONS = ["--config", "lockstep.yaml", "--release", "4.16"]


def run(*command, cwd=WORK, **more):
    return corpus_tools.run(*command, cwd=cwd, **more)


def lockstep(*arguments, **more):
    return run(LOCKSTEP, *arguments, **more)


def git(*arguments, cwd):
    return run("git", "-c", "user.name=T", "-c", "user.email=t@example.com", *arguments, cwd=cwd)


def unpack():
    run(sys.executable, CORPUS / "materialize.py", CORPUS / "4.16", WORK / "4.16")
    tree = WORK / "there"
    tree.mkdir()
    if WHOLE:
        archive = subprocess.run(["git", "-C", WHOLE, "archive", "main"], capture_output=True, check=True).stdout
        subprocess.run(["tar", "-x", "-C", tree], input=archive, check=True)
    else:
        for name in ["support", "examples"]:
            with tarfile.open(CORPUS / "payload-pipeline" / f"{name}.tar.xz") as archive:
                archive.extractall(tree, filter="data")
    # Kustomize stops at the first file that is not there, so the list is cut to those that are.
    listed = tree / "buildconfigs/kustomization.yaml"
    lines = listed.read_text().splitlines(keepends=True)
    kept = [line for line in lines if not re.match(r"  - \S+\.yaml$", line) or (tree / "buildconfigs" / line.split()[1]).exists()]
    listed.write_text("".join(kept))
    commit(tree)
    (WORK / "lockstep.yaml").write_text(
        "sources:\n"
        '  build-data: {repo: 4.16/openshift-eng/ocp-build-data.git, branch: "openshift-{release}"}\n'
        "  ci-config: {repo: 4.16/openshift/release.git, branch: master}\n"
        '  components: {repo: "4.16/{org}/{repo}.git"}\n'
        'releases: ["4.16"]\n'
        "targets:\n- payload-pipeline: {shipwright: true}\n"
        "forge: {kind: local, dir: forge}\nstate: state\n"
    )
    return tree


def commit(tree):
    """Makes the tree what the pipeline's repository holds."""
    shutil.rmtree(tree / ".git", ignore_errors=True)
    git("init", "--quiet", "--initial-branch", "release-4.16", ".", cwd=tree)
    git("add", "--all", ".", cwd=tree)
    git("commit", "--quiet", "--message", "as it is", cwd=tree)
    bare = WORK / "4.16" / f"{PIPELINE}.git"
    shutil.rmtree(bare, ignore_errors=True)
    bare.parent.mkdir(exist_ok=True)
    run("git", "clone", "--quiet", "--bare", tree, bare)
    shutil.rmtree(tree / ".git")


def render(out):
    shutil.rmtree(WORK / out, ignore_errors=True)
    lockstep("render", *OPTIONS, "--out", out)
    return WORK / out / PIPELINE


def laid_over(tree, rendered, into):
    """The tree as it is after the pull request."""
    whole = WORK / into
    shutil.rmtree(whole, ignore_errors=True)
    shutil.copytree(tree, whole)
    plan = json.loads(lockstep("plan", *OPTIONS, "--format", "json"))
    for request in plan["pull_requests"]:
        for file in request["files"]:
            if file["kind"] == "removed":
                (whole / file["path"]).unlink()
    shutil.copytree(rendered, whole, dirs_exist_ok=True)
    return whole


# --- what is there against what is derived


def of_file(build):
    source, docker = build["spec"]["source"], build["spec"]["strategy"].get("dockerStrategy", {})
    clean = lambda path: "/".join(part for part in path.split("/") if part not in ("", "."))
    context, dockerfile = clean(source.get("contextDir") or ""), clean(docker.get("dockerfilePath", "Dockerfile"))
    forked = any(
        clean(f"{path.get('destinationDir', '')}/{path['sourcePath'].split('/')[-1]}") == dockerfile
        for item in source.get("images", [])
        for path in item.get("paths", [])
    )
    return {
        "repository": source.get("git", {}).get("uri", "github.com/").split("github.com/")[1].removesuffix(".git"),
        "context": context,
        "dockerfile": f"{context}/{dockerfile}".strip("/") if context else dockerfile,
        "base": docker.get("from", {}).get("name", ""),
        "forked": forked,
    }


def table(tree, config, wanted_base, moved):
    """One line for each BuildConfig: whether it agrees, or in what it differs and why, from a closed list."""
    lines = []
    by_output = {f"release:{image['tag']['value']}": image for image in config["images"].values()}
    for path in sorted((tree / "buildconfigs").glob("*.yaml")):
        for build in documents(path):
            if build.get("kind") != "BuildConfig":
                continue
            name, output = build["metadata"]["name"], build["spec"]["output"]["to"]["name"]
            image, found = by_output.get(output), of_file(build)
            renamed = image is None and moved.get(name)
            if renamed:
                lines.append((name, renamed, "renamed"))
                continue
            if image is None:
                own = found["repository"].startswith(("okd-project/", "openshift/okd-machine-os")) or not found["repository"] or name in ("artifacts", "fedora-coreos")
                lines.append((name, "-", "the pipeline's own" if own else "gone"))
                continue
            clean = lambda path: "/".join(part for part in path.split("/") if part not in ("", "."))
            differs = []
            if found["repository"] != image["repository"]["value"]:
                differs.append("moved")
            if found["context"] != clean(image["context_dir"]["value"]):
                differs.append("other context")
            if found["dockerfile"] != clean(image["dockerfile"]["value"]):
                differs.append("forked" if found["forked"] else "other Dockerfile")
            if found["base"] != wanted_base.get(output, found["base"]):
                differs.append("other base")
            lines.append((name, image["tag"]["value"], ", ".join(differs) or "agrees"))
    return lines


def compare(tree, config, rendered):
    bases = {}
    for path in sorted((rendered / "buildconfigs").glob("*.yaml")):
        for build in documents(path):
            if build.get("kind") == "BuildConfig" and "dockerStrategy" in build["spec"]["strategy"]:
                bases[build["spec"]["output"]["to"]["name"]] = build["spec"]["strategy"]["dockerStrategy"].get("from", {}).get("name", "")
    # Builds that have another output after the rendering: the same image under its new tag.
    outputs = lambda folder: {
        build["metadata"]["name"]: build["spec"]["output"]["to"]["name"].removeprefix("release:")
        for path in (folder / "buildconfigs").glob("*.yaml") for build in documents(path) if build.get("kind") == "BuildConfig"
    }
    before, after = outputs(tree), outputs(rendered)
    moved = {name: after[name] for name, tag in before.items() if after.get(name, tag) != tag}
    lines = ["\t".join(line) for line in table(tree, config, bases, moved)]
    kept = HERE / ("corpus_pipeline_all.tsv" if WHOLE else "corpus_pipeline.tsv")
    text = "".join(line + "\n" for line in lines)
    if os.environ.get("LOCKSTEP_UPDATE"):
        kept.write_text(text)
    if kept.read_text() != text:
        (WORK / "table.tsv").write_text(text)
        fail(f"the table of BuildConfigs is another one: diff {kept} {WORK / 'table.tsv'}")
    agree = sum(line.endswith("\tagrees") for line in lines)
    print(f"{len(lines)} BuildConfigs: {agree} agree, {len(lines) - agree} differ for a reason of the list")


# --- only managed lines differ

MANAGED = [
    r"(uri|ref|contextDir|dockerfilePath|images|labels|annotations|buildArgs|as|from|kind|name|value|type): ?",
    r"(- )?(from|as|name|value|kind):",
    r"(skip-replace-builder|skip-replace-cli|change-build-arg-tags|lockstep\.okd\.io/architectures): ",
    r"- ['\"]?(registry\.|quay\.io)[^ ]*['\"]?$",
]


def unmanaged(build, forked):
    """A BuildConfig without what the target manages."""
    build = json.loads(json.dumps(build))
    for label in ["skip-replace-builder", "skip-replace-cli", "change-build-arg-tags"]:
        build["metadata"].get("labels", {}).pop(label, None)
    if not build["metadata"].get("labels", True):
        build["metadata"].pop("labels")
    build["metadata"].get("annotations", {}).pop("lockstep.okd.io/architectures", None)
    if not build["metadata"].get("annotations", True):
        build["metadata"].pop("annotations")
    source, docker = build["spec"]["source"], build["spec"]["strategy"].get("dockerStrategy", {})
    source.get("git", {}).pop("uri", None), source.get("git", {}).pop("ref", None), source.pop("contextDir", None), build["spec"]["output"].pop("to")
    if not forked:
        docker.pop("dockerfilePath", None), docker.pop("from", None)
        source["images"] = [{k: v for k, v in item.items() if k != "as"} for item in source.get("images", []) if "paths" in item]
        args = [arg for arg in docker.pop("buildArgs", []) if arg["name"] not in ("TAGS", "DIRECT_DOWNLOAD")]
        docker["args"] = args
    return build


def only_managed(tree, whole):
    changed = 0
    renamed = {documents(path)[0]["metadata"]["name"]: path for path in (whole / "buildconfigs").glob("*.yaml") if documents(path) and "metadata" in documents(path)[0]}
    for path in sorted((tree / "buildconfigs").glob("*.yaml")):
        before = documents(path)
        if not before or before[0].get("kind") != "BuildConfig":
            continue
        after = whole / "buildconfigs" / path.name
        after = after if after.exists() else renamed.get(before[0]["metadata"]["name"])
        if after is None:
            fail(f"{path.name} is gone")
        forked = of_file(before[0])["forked"]
        for one, other in zip(before, documents(after)):
            if unmanaged(one, forked) != unmanaged(other, forked):
                fail(f"{path.name}: something that is not managed has changed")
        old, new = path.read_text().splitlines(), after.read_text().splitlines()
        diff = run("git", "diff", "--no-index", "--unified=0", path, after, code=1 if old != new else 0)
        for line in diff.splitlines():
            if line[:1] in "+-" and not line.startswith(("+++", "---")) and not any(re.match(rf"\s*{form}", line[1:]) for form in MANAGED):
                fail(f"{path.name}: {line}")
        changed += old != new
    print(f"{changed} hand-made BuildConfigs change, in lines of managed fields only")


def as_people_write(text):
    """The same meaning with comments, other quotes, another order of keys, and fields that nobody manages."""
    lines = text.splitlines(keepends=True)
    at = next(n for n, line in enumerate(lines) if line.startswith("metadata:"))
    head, rest = lines[:at], lines[at:]
    text = "# by hand\n" + "".join(rest) + "".join(head)
    text = text.replace("      imageOptimizationPolicy: SkipLayers\n", "      # smaller\n      env:\n        - {name: X, value: '1'}\n")
    return text.replace("    type: Git\n", "    type: 'Git'   # of course\n")


def idempotent(whole):
    right = sorted((whole / "buildconfigs").glob("10-*.yaml"))[:60]
    own = [path for path in right if "managed-by: lockstep" in path.read_text()]
    for path in own:
        text = as_people_write(path.read_text())
        if yaml.safe_load(text)["spec"]["source"] != documents(path)[0]["spec"]["source"]:
            fail(f"the test itself changes {path.name}")
        path.write_text(text)
    commit(whole)
    plan = json.loads(lockstep("plan", *OPTIONS, "--format", "json"))
    files = [file["path"] for request in plan["pull_requests"] for file in request["files"]]
    expect("files that a second rendering changes", files, [])
    print(f"a second rendering changes nothing; {len(own)} files that are right in another form keep their bytes")


# --- batches

def names_of(whole):
    tekton = documents(whole / "pipelines/build-from-scratch.yaml")[0]
    lists = [
        next(param["value"] for param in task["params"] if param["name"] == "build_configs")
        for task in tekton["spec"]["tasks"]
        if task["name"].startswith("batch-")
    ]
    argo = documents(whole / "argo-workflows/okd-workflows/50-build-okd-from-scratch.yaml")[0]
    value = next(p["value"] for p in argo["spec"]["arguments"]["parameters"] if p["name"] == "buildconfigs-batched-list")
    return lists, [[item["buildConfig"] for item in batch] for batch in json.loads(value)]


def batches(whole, config):
    tekton, argo = names_of(whole)
    ours = {
        build["metadata"]["name"]
        for path in (whole / "buildconfigs").glob("*.yaml")
        for build in documents(path)
        if build.get("kind") == "BuildConfig" and build["spec"]["output"]["to"]["name"].removeprefix("release:") in {i["tag"]["value"] for i in config["images"].values()}
    }
    of = lambda lists: {name: at for at, names in enumerate(lists) for name in names if name in ours}
    expect("Argo's batches", of(argo), of(tekton))
    if any(len(names) != len(set(names)) for names in tekton + argo):
        fail("a name stands twice in a batch")
    place = of(tekton)
    expect("images in batches", sorted(ours - {"base", "cli"} - set(place)), [])
    for wanted in ["driver-toolkit", "nutanix-cloud-controller-manager"]:
        expect(f"{wanted} in a batch", wanted in place, True)
    # In the whole of the tree the name is that of a build of another tag, which is told of.
    if not WHOLE:
        expect("ovn-kubernetes behind its base", place["ovn-kubernetes"] > place["ovn-kubernetes-base"], True)
    sizes = [sum(name in ours for name in names) for names in tekton]
    print(f"batches of {', '.join(map(str, sizes))} images, the same for Tekton and Argo")
    expect("sizes of the batches", sizes, [185, 9, 2])


# --- kustomize, and OpenShift's builder after it

def kustomized(whole):
    built = {}
    for variant in ["scos", "fcos", "fcos-multiarch"]:
        objects = [d for d in yaml.safe_load_all(run("kubectl", "kustomize", whole / "variants" / variant)) if d]
        builds = {}
        for build in (o for o in objects if o["kind"] == "BuildConfig"):
            if build["metadata"]["name"] in builds:
                fail(f"{variant}: {build['metadata']['name']} twice")
            builds[build["metadata"]["name"]] = build
        made = {build["spec"]["output"]["to"]["name"] for build in builds.values()}
        for stream in (o for o in objects if o["kind"] == "ImageStream"):
            made |= {f"{stream['metadata']['name']}:{tag['name']}" for tag in stream["spec"].get("tags", [])}
        for name, build in builds.items():
            docker = build["spec"]["strategy"].get("dockerStrategy", {})
            items = build["spec"]["source"].get("images", [])
            for reference in [docker.get("from"), *(item["from"] for item in items)]:
                if reference and reference["kind"] == "ImageStreamTag" and reference["name"] not in made and name not in HAND_MADE:
                    fail(f"{variant}: {name} refers to {reference['name']}, which nothing makes")
        pipeline = next((o for o in objects if o["kind"] == "Pipeline" and o["metadata"]["name"] == "build-from-scratch"), None)
        if pipeline:
            for task in pipeline["spec"]["tasks"]:
                for name in next((p["value"] for p in task.get("params", []) if p["name"] == "build_configs"), []):
                    if name not in builds and name not in ABSENT:
                        fail(f"{variant}: {name} is in a batch, and there is no such BuildConfig")
        built[variant] = builds
        print(f"{variant}: {len(builds)} BuildConfigs")
    return built


# What the pipeline has of its own, and what of the hand-kept tree is held back.
HAND_MADE = {"artifacts", "fedora-coreos", "kuryr-cni", "kuryr-cni-base", "kuryr-controller", "forked-dockerfiles"}
ABSENT = set()


def replaced(froms, build):
    """OpenShift's builder: the strategy's `from` for the last FROM first, then exact texts; a later item wins."""
    froms = list(froms)
    docker, texts = build["spec"]["strategy"]["dockerStrategy"], {}
    if docker.get("from"):
        froms[-1] = docker["from"]["name"]
    for item in build["spec"]["source"].get("images", []):
        for text in item.get("as", []):
            texts[text] = item["from"]["name"]
    return [texts.get(text, text) for text in froms]


def wanted_froms(image, config):
    tags = {key: other["tag"]["value"] for key, other in config["images"].items()}
    inputs = [*image["builders"], *([image["base"]] if "base" in image else [])]
    return inputs, tags


def simulate(config, built, whole):
    checked = 0
    for image in config["images"].values():
        tag = image["tag"]["value"]
        build = next((b for b in built["scos"].values() if b["spec"]["output"]["to"]["name"] == f"release:{tag}"), None)
        if build is None or any("paths" in item for item in build["spec"]["source"].get("images", [])):
            continue
        inputs, tags = wanted_froms(image, config)
        if not inputs or "base" not in image:
            continue
        found = replaced([item.get("token", item["written"]) for item in inputs], build)
        for item, became in zip(inputs, found):
            if item.get("image"):
                own = tags[item["image"]]
                wanted = {f"release:{'base' if own == 'base-stream9' else own}"}
            elif item.get("go") and item is not image.get("base"):
                wanted = {f"release:builder-go{item['go']}"}
            else:
                wanted = {"release:base", "release:builder-nodejs"}
            if became not in wanted:
                fail(f"{tag}: {item['written']} becomes {became}, not {wanted}")
        docker = build["spec"]["strategy"]["dockerStrategy"]
        args = {arg["name"]: arg.get("value") for arg in docker.get("buildArgs", [])}
        lost = {arg["name"] for arg in image["build_args"]["value"]} - set(args)
        if lost or (len(args) == 1 and args.get("TAGS") != "scos"):
            fail(f"{tag}: build arguments after kustomize: {args}")
        checked += 1
    print(f"{checked} images: after kustomize each FROM is replaced by what the build config names")
    expect("enough images", checked > 150, True)


# --- schemas

def schemas(whole):
    read = lambda name: corpus_tools.schema(CORPUS, name)
    kinds = {
        ("BuildConfig", "build.openshift.io/v1"): read("build.openshift.io_v1_buildconfig.json"),
        ("ImageStream", "image.openshift.io/v1"): read("image.openshift.io_v1_imagestream.json"),
        ("Pipeline", "tekton.dev/v1beta1"): read("tekton.dev_v1beta1_pipeline.json"),
        ("WorkflowTemplate", "argoproj.io/v1alpha1"): read("argoproj.io_v1alpha1_workflowtemplate.json"),
        ("Build", "shipwright.io/v1beta1"): read("shipwright.io_v1beta1_build.json"),
    }
    counts, wrong = {}, {}
    files = [*(whole / "buildconfigs").glob("*.yaml"), *(whole / "shipwright/builds").glob("*.yaml"),
             whole / "pipelines/build-from-scratch.yaml", whole / "argo-workflows/okd-workflows/50-build-okd-from-scratch.yaml"]
    for path in files:
        for document in documents(path):
            schema = kinds.get((document.get("kind"), document.get("apiVersion")))
            if schema is None:
                continue
            counts[document["kind"]] = counts.get(document["kind"], 0) + 1
            errors = [error.message for error in schema.iter_errors(document)]
            if errors:
                wrong[path.name] = errors
    print("valid by their schemas: " + ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items())))
    found = {name for name, errors in wrong.items() if any("failureDescription" in error for error in errors)}
    expect("files that do not fit", {name: errors for name, errors in wrong.items() if name not in found}, {})
    expect("files with a failureDescription where none may be", found, {"failing-20-kuryr-cni.yaml"})
    run_schema = read("tekton.dev_v1_pipelinerun.json")
    return run_schema


# --- real builds

def builds(whole, config):
    if not StandIns.possible():
        return
    stand_ins, count = StandIns(WORK / "buildah"), 0
    by_tag = {image["tag"]["value"]: image for image in config["images"].values()}
    chosen = sorted((whole / "shipwright/builds").glob("*.yaml"))
    # Those with many stages first: they have most to be got wrong.
    weight = lambda path: -len(by_tag[path.stem]["builders"]) if path.stem in by_tag else 0
    for path in sorted((p for p in chosen if p.stem in by_tag), key=lambda p: (weight(p), p.name))[:20]:
        image = by_tag[path.stem]
        build = documents(path)[0]
        params = {param["name"]: param for param in build["spec"]["paramValues"]}
        contexts = []
        for value in (item["value"] for item in params["build-contexts"]["values"]):
            text, target = value.split("=docker://", 1)
            contexts += ["--build-context", f"{text}=docker://{target}"]
        inputs, _ = wanted_froms(image, config)
        lines, copies = [], []
        for at, item in enumerate(inputs):
            stage = f"stage{at}"
            lines.append(f"FROM {item.get('token', item['written'])} AS {stage}")
            # The last stage has its own marker.
            if at + 1 < len(inputs):
                copies.append(f"COPY --from={stage} /marker /marker-{at}")
        folder = stand_ins.root / path.stem
        folder.mkdir(parents=True)
        (folder / "Dockerfile").write_text("\n".join([*lines, *copies]) + "\n")
        # The same values, each image by the stand-in that has its name.
        local = [
            part if "=docker://" not in str(part) else "{}=container-image://{}".format(part.split("=docker://")[0], stand_ins.of(part.split("=docker://")[1]))
            for part in contexts
        ]
        stand_ins.build(f"localhost/{path.stem}", folder, *local)
        names = [f"marker-{at}" if at + 1 < len(inputs) else "marker" for at in range(len(inputs))]
        markers = stand_ins.markers(f"localhost/{path.stem}", names)
        for at, (item, marker) in enumerate(zip(inputs, markers)):
            if item.get("image"):
                own = config["images"][item["image"]]["tag"]["value"]
                wanted = f"/release:{'base' if own == 'base-stream9' else own}"
            elif item.get("go") and item is not image.get("base"):
                wanted = f"/release:builder-go{item['go']}"
            else:
                wanted = ("/release:base", "/release:builder-nodejs")
            if not marker.endswith(wanted):
                fail(f"{path.stem}: stage {at} ({item['written']}) is made from {marker}, not {wanted}")
        count += 1
    stand_ins.done()
    print(f"{count} images built by buildah with the contexts of their Shipwright builds: each stage is the one that is meant")


# --- only what changed, and locks

def rebuilds(config, run_schema):
    def since(tag):
        old = json.loads(json.dumps(config))
        next(i for i in old["images"].values() if i["tag"]["value"] == tag)["tree"] = "0" * 40
        (WORK / "old.json").write_text(json.dumps(old))
        found = json.loads(lockstep("rebuild", *OPTIONS, "--since", "old.json", "--format", "json"))
        differ = {key for key, image in config["images"].items() if key in found["images"]}
        return len(differ) - 1

    expect("images behind the base, cli and etcd", [since(tag) for tag in ["base-stream9", "cli", "etcd"]], [189, 3, 1])
    since("base-stream9")
    workflow = json.loads(lockstep("rebuild", *OPTIONS, "--since", "old.json", "--format", "argo"))
    listed = [item["buildConfig"] for batch in json.loads(workflow["arguments"]["parameters"][0]["value"]) for item in batch]
    expect("builds that the pipeline has to do for another base", (len(listed), "base-stream9" in listed), (189, False))
    since("etcd")
    run_of_tekton = yaml.safe_load(lockstep("rebuild", *OPTIONS, "--since", "old.json", "--format", "tekton"))
    expect("Tekton's run", [error.message for error in run_schema.iter_errors(run_of_tekton)], [])
    (WORK / "partner.yaml").write_text(
        "rules:\n- id: partner\n  because: The partner has an image of its own.\n  on: image\n"
        "  when: tag == 'etcd'\n  set: {pullspec: quay.io/partner/etcd:1}\n"
    )
    found = json.loads(lockstep("rebuild", *OPTIONS, "--overlay", "partner.yaml", "--format", "json"))
    expect("what a partner's etcd changes", [[i["tag"] for i in found["images"].values()], found["gone"]], [["baremetal-installer"], ["ose-etcd"]])
    print("a change of the base builds 189 more images, of cli 3, of etcd 1; a partner's etcd builds 1")


def locks():
    commands = {
        "build-config": lambda *more: lockstep("build-config", *OPTIONS, "--format", "json", *more),
        "render": lambda *more: "".join(sorted(
            f"{path}\n{path.read_text()}"
            for path in [lockstep("render", *OPTIONS, "--out", "locked", *more) and p for p in sorted((WORK / "locked").rglob("*")) if p.is_file()]
        )),
    }
    lockstep("build-config", *OPTIONS, "--lock", "4.16.lock", "--offline")
    lock = json.loads((WORK / "4.16.lock").read_text())
    before = commands["build-config"]()
    moved = 0
    for repo in sorted((WORK / "4.16").glob("*/*.git")):
        if str(repo).endswith(f"{PIPELINE}.git"):
            continue
        for branch in git("for-each-ref", "--format=%(refname)", "refs/heads", cwd=repo).split():
            empty = run("git", "mktree", cwd=repo, input="").strip()
            commit = git("commit-tree", empty, "-p", branch, "-m", "moved", cwd=repo).strip()
            git("update-ref", branch, commit, cwd=repo)
            moved += 1
    same = commands["build-config"]("--locked", "4.16.lock")
    expect("the build config from the lock", same == before, True)
    done = subprocess.run([LOCKSTEP, "build-config", *OPTIONS, "--format", "json"], cwd=WORK, capture_output=True, text=True)
    expect("the build config without it is another one", done.stdout != before, True)
    lock["commits"].pop("openshift/etcd")
    (WORK / "short.lock").write_text(json.dumps(lock))
    done = subprocess.run([LOCKSTEP, "build-config", *OPTIONS, "--locked", "short.lock"], cwd=WORK, capture_output=True, text=True)
    if "openshift/etcd" not in done.stdout + done.stderr or "not in the lock" not in done.stdout + done.stderr:
        fail(f"what is not in the lock is not named: {done.stderr[-500:]}")
    print(f"{sum(map(len, lock['commits'].values())) + 1} commits locked; with {moved} branches moved the same bytes come of the lock")


def main():
    tree = unpack()
    config = json.loads(lockstep("build-config", *OPTIONS, "--format", "json"))
    rendered = render("rendered")
    whole = laid_over(tree, rendered, "whole")
    compare(tree, config, whole)
    only_managed(tree, whole)
    tekton, _ = names_of(tree)
    have = {build["metadata"]["name"] for path in (whole / "buildconfigs").glob("*.yaml") for build in documents(path) if build.get("kind") == "BuildConfig"}
    ABSENT.update(name for names in tekton for name in names if name not in have)
    ABSENT.update(["fedora-coreos"])
    batches(whole, config)
    built = kustomized(whole)
    simulate(config, built, whole)
    run_schema = schemas(whole)
    builds(whole, config)
    idempotent(whole)
    rebuilds(config, run_schema)
    locks()


main()
