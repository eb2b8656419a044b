"""What tests/corpus_konflux.sh shows: each step prints what it found, and ends the program where that is wrong."""

import collections
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile

import celpy
import yaml

import corpus_konflux_cut
import corpus_tools
from corpus_tools import StandIns, documents, expect, fail, repository

LOCKSTEP, CORPUS, WORK = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
HERE = pathlib.Path(__file__).parent
CEL = "pipelinesascode.tekton.dev/on-cel-expression"
COMPONENT = "appstudio.openshift.io/component"
GITOPS = "okd/konflux-config"


def run(*command, cwd=WORK, **more):
    return corpus_tools.run(*command, cwd=cwd, **more)


def lockstep(*arguments, **more):
    return run(LOCKSTEP, *arguments, **more)


def kept(name, lines):
    """Compares a table with the one that is kept, of which the last column is a reason that people wrote."""
    path = HERE / name
    there = {}
    if path.exists():
        for line in path.read_text().splitlines():
            *facts, reason = line.split("\t")
            there[tuple(facts)] = reason
    if os.environ.get("LOCKSTEP_UPDATE"):
        path.write_text("".join("\t".join([*facts, there.get(tuple(facts), reason)]) + "\n" for *facts, reason in lines))
        return
    found = [tuple(facts) for *facts, _ in lines]
    if found != list(there):
        (WORK / name).write_text("".join("\t".join(line) + "\n" for line in lines))
        fail(f"the table is another one: diff {path} {WORK / name}")


# --- a world whose components are those of real files

RULES = """\
rules:
- id: tenant-of-world
  because: The files of the corpus have many; fields that follow from it are not compared.
  on: target
  when: target == 'konflux'
  set: {tenant: okd-tenant}
  overrides: [konflux-tenant]
- id: component-of-world
  because: The components are those that the corpus has.
  on: image
  set: {component: '${tag}', container_image: '', repo_files: ''}
  overrides: [konflux-component]
- id: before-of-world
  because: The corpus says which branch a file was made for.
  on: target
  when: target == 'konflux'
  set: {built_before: %s}
  overrides: [konflux-built-before]
"""


def world(folder, components, before, adopt=""):
    """A release 9.1 with a component for each `(component, repo, branch, dockerfile, files)`; renders it."""
    folder.mkdir(parents=True)
    files = {
        "group.yml": "arches: [x86_64, aarch64]\npublic_upstreams:\n- {private: 'https://github.com/p', public: 'https://github.com/p'}\n",
        "streams.yml": "base: {image: 'x/base:9', upstream_image: 'registry.example.com/base:9'}\n",
    }
    repos = collections.defaultdict(dict)
    for component, repo, branch, dockerfile, tree in components:
        files[f"images/{component}.yml"] = (
            f"name: x/{component}\npayload_name: {component}\nfor_payload: true\nfrom: {{stream: base}}\ncontent:\n  source:\n    "
            f"dockerfile: {dockerfile}\n    git: {{url: 'https://github.com/{repo}', branch: {{target: {branch}}}}}\n"
        )
        repos[repo, branch].update(tree)
        repos[repo, branch][dockerfile] = "FROM registry.example.com/base:9\n"
    repository(folder / "repos/openshift-eng/ocp-build-data.git", {"openshift-9.1": files})
    for (repo, branch), tree in repos.items():
        repository(folder / f"repos/{repo}.git", {branch: tree})
    (folder / "rules.yaml").write_text(RULES % json.dumps(sorted(before)))
    (folder / "lockstep.yaml").write_text(
        "sources:\n"
        '  build-data: {repo: repos/openshift-eng/ocp-build-data.git, branch: "openshift-{release}"}\n'
        '  components: {repo: "repos/{org}/{repo}.git"}\n'
        f'releases: ["9.1"]\nrules: [builtin, rules.yaml]\ntargets: [konflux]\n{adopt}'
        "forge: {kind: local, dir: forge}\nstate: state\n"
    )
    lockstep("render", "--config", "lockstep.yaml", "--release", "9.1", "--out", "out", cwd=folder)
    plan = json.loads(lockstep("plan", "--config", "lockstep.yaml", "--release", "9.1", "--format", "json", cwd=folder))
    return folder / "out", plan


# --- real files

def of_run(text):
    """The runs among a text's documents; None where it is no YAML."""
    try:
        return [d for d in yaml.safe_load_all(text) if isinstance(d, dict) and d.get("kind") == "PipelineRun"]
    except yaml.YAMLError:
        return None


def unmanaged(run):
    """A run without what the target manages."""
    run = json.loads(json.dumps(run, default=str))
    meta, spec = run["metadata"], run["spec"]
    for key in ["name", "namespace"]:
        meta.pop(key, None)
    for key in ["appstudio.openshift.io/application", COMPONENT, "pipelines.appstudio.openshift.io/type"]:
        meta.get("labels", {}).pop(key, None)
    expression = meta.get("annotations", {}).get(CEL)
    if expression:
        meta["annotations"][CEL] = re.sub(r"""(target_branch\s*==\s*|event\s*==\s*)(["'])[^"']*\2""", r"\1", expression)
    ours = {"output-image", "dockerfile", "path-context", "build-platforms", "build-args", "from-map", "additional-tags"}
    spec["params"] = [param for param in spec.get("params", []) if param["name"] not in ours]
    spec.pop("serviceAccountName", None)
    template = spec.get("taskRunTemplate", {})
    template.pop("serviceAccountName", None)
    if not template:
        spec.pop("taskRunTemplate", None)
    return run


def real_files():
    manifest = json.loads((CORPUS / "tekton/MANIFEST.json").read_text())
    by_branch = collections.defaultdict(list)
    for row in manifest:
        by_branch[row["source"].removeprefix("https://github.com/"), row["branch"]].append(row)
    lines, comments, changed_files = [], 0, 0
    for at, ((repo, branch), rows) in enumerate(sorted(by_branch.items())):
        texts = {row["path"]: (WORK / row["file"]).read_bytes() for row in rows}
        labels = set()
        for text in texts.values():
            for found in of_run(text) or []:
                label = found["metadata"].get("labels", {}).get(COMPONENT)
                labels |= {label} if label and re.fullmatch(r"[a-z][a-z0-9-]{0,62}", label) else set()
        # Every other component is somebody else's: nothing of theirs may change.
        ours = sorted(labels)[::2]
        components = [(name, repo, branch, f"Dockerfile.{name}", texts) for name in ours]
        if not components:
            components = [("okd-none", repo, branch, "Dockerfile.none", texts)]
        out, plan = world(WORK / f"files-{at}", components, {"main", "master", "release-{earlier}"})
        told = collections.defaultdict(set)
        for finding in plan["findings"]:
            if "place" in finding:
                told[finding["place"]["file"]].add(finding["code"])
        for row in rows:
            path, before = row["path"], texts[row["path"]]
            after = out / repo / path
            # What does not change is not written out.
            after = after.read_bytes() if after.exists() else before
            mine = [d for d in of_run(before) or [] if d["metadata"].get("labels", {}).get(COMPONENT) in ours]
            codes = " ".join(sorted(told[path] - {"tekton-foreign"})) or "-"
            if not mine:
                expect(f"{row['file']}, which is not ours", after, before)
                kinds = ", ".join(sorted({str(kind) for kind in row["kinds"]}))
                reason = "another component's" if "component" in row["tags"] else f"no run of a component ({kinds})"
                lines.append((repo, branch, path, "not ours", codes, reason))
                continue
            for one, other in zip(of_run(before), of_run(after)):
                expect(f"{row['file']} without what is managed", unmanaged(other), unmanaged(one))
            notes = lambda text: [line.strip() for line in text.decode().splitlines() if line.strip().startswith("#")]
            expect(f"the comments of {row['file']}", notes(after), notes(before))
            if b"\nstatus: {}" in before and b"\nstatus: {}" not in after:
                fail(f"{row['file']}: the tail is gone")
            comments += len(notes(before))
            changed_files += after != before
            said = [d["metadata"].get("annotations", {}).get(CEL) for d in (mine[0], of_run(after)[0])]
            moved = "left" if said[0] == said[1] else "moved"
            stale = said[0] and f'"{branch}"' not in said[0]
            reason = {
                ("moved", True): "its expression named another branch, plainly",
                ("left", False): "its expression names the branch already" if said[0] else "it has no expression",
            }.get((moved, bool(stale)), "its branch is said in another way, or was never the release's")
            lines.append((repo, branch, path, f"ours, branch {moved}", codes, reason))
    kept("corpus_konflux_files.tsv", lines)
    counts = collections.Counter(line[3] for line in lines)
    expect("real files", len(lines), len(manifest))
    print(f"{len(lines)} real files of {len(by_branch)} branches: " + ", ".join(f"{count} {what}" for what, count in sorted(counts.items())))
    print(f"{changed_files} of ours change in managed fields only; {comments} lines of comments are kept; nothing of others changes")


# --- real cuts

def evaluate(expression, event, branch, changed):
    """Whether a run starts; a text where that cannot be told."""
    environment = celpy.Environment()
    functions = {"pathChanged": lambda path: celpy.celtypes.BoolType(changed)}
    text = celpy.celtypes.StringType
    files = celpy.json_to_cel({key: ["pkg/source.go"] if changed else [] for key in ["all", "added", "modified", "deleted", "renamed"]})
    activation = {
        "event": text(event), "target_branch": text(branch), "files": files, "event_title": text(""), "source_branch": text("x"),
        "body": celpy.json_to_cel({"pull_request": {"draft": False}}),
    }
    try:
        program = environment.program(environment.compile(expression), functions=functions)
        return bool(program.evaluate(activation))
    except Exception as error:  # the library has many kinds
        return f"{type(error).__name__}"


def meaning(expression, branches):
    return [
        evaluate(expression, event, branch, changed)
        for event in ["push", "pull_request"] for branch in branches for changed in [True, False]
    ]


def expression_of(text):
    return of_run(text)[0]["metadata"].get("annotations", {}).get(CEL)


def real_cuts():
    cuts = json.loads((CORPUS / "tekton/CUTS.json").read_text())
    rounds = []
    for cut in cuts:
        before = (WORK / f"cuts/{cut['id']}/before.yaml").read_text()
        component = of_run(before)[0]["metadata"]["labels"][COMPONENT]
        group = (cut["id"].split("-")[0], component)
        place = next((r for r in rounds if all(c != component or g == group for c, g in r["groups"].items())), None)
        if place is None:
            place = {"groups": {}, "cuts": []}
            rounds.append(place)
        place["groups"][component] = group
        place["cuts"].append((cut, component, before))
    results = {}
    for at, part in enumerate(rounds):
        components, trees = {}, collections.defaultdict(dict)
        before = set()
        for cut, component, text in part["cuts"]:
            branch = cut["frm"][0] if cut["frm"][0] in cut["to"] else cut["to"][0]
            repo = f"cuts/{cut['id'].split('-')[0]}-{component}"
            trees[component][f".tekton/{cut['id']}.yaml"] = text
            components[component] = (component, repo, branch, "Dockerfile", trees[component])
            before |= set(cut["frm"])
        adopt = "adopt: {causes: [konflux-branch]}\n"
        out, _ = world(WORK / f"cuts-{at}", components.values(), before, adopt)
        for cut, component, text in part["cuts"]:
            after = out / components[component][1] / f".tekton/{cut['id']}.yaml"
            results[cut["id"]] = (after.read_text() if after.exists() else text, components[component][2])
    lines, same_bytes = [], 0
    for cut in cuts:
        (ours, branch), folder = results[cut["id"]], WORK / "cuts" / cut["id"]
        before, theirs = (folder / "before.yaml").read_text(), (folder / "after.yaml").read_text()
        old, said, wanted = (expression_of(text) for text in [before, ours, theirs])
        swap = lambda text, was, now: re.sub(rf"""(["']){re.escape(was)}\1""", lambda m: f"{m[1]}{now}{m[1]}", text)
        only_branch = len(cut["frm"]) == len(cut["to"]) == 1 and swap(old, cut["frm"][0], cut["to"][0]) == wanted
        branches = [*cut["frm"], *cut["to"], "another"]
        if swap(old, cut["frm"][0], branch) != said:
            fail(f"{cut['id']}: {old!r} became {said!r}")
        if only_branch:
            found = meaning(said, branches)
            expect(f"what {cut['id']} means", found, meaning(wanted, branches))
            told = sum(isinstance(one, bool) for one in found)
            if swap(before, cut["frm"][0], cut["to"][0]) == theirs and before.count(cut["frm"][0]) == 1:
                expect(f"the bytes of {cut['id']}", ours, theirs)
            verdict = "same bytes" if ours == theirs else "same meaning"
            same_bytes += ours == theirs
            lines.append((cut["id"], verdict, f"{told}/{len(found)}", "only the branch changed"))
            continue
        with_paths = [evaluate(text, event, one, True) for text in [said, wanted] for event in ["push", "pull_request"] for one in branches]
        half = len(with_paths) // 2
        same = with_paths[:half] == with_paths[half:]
        reason = "people changed paths, too" if same else "people changed more than the branch"
        lines.append((cut["id"], "the same branches" if same else "other branches", "-", reason))
    kept("corpus_konflux_cuts.tsv", lines)
    counts = collections.Counter(line[1] for line in lines)
    print(f"{len(lines)} real cuts made again: " + ", ".join(f"{count} {what}" for what, count in sorted(counts.items())))


# --- a release

def promoting(release):
    """CI configs of which no more is known than the branch that promotes."""
    configs = {}
    for name, component in json.loads((CORPUS / release / "components.json").read_text()).items():
        org, repo, branch = *name.split("/"), component["branch"]
        configs[f"ci-operator/config/{org}/{repo}/{org}-{repo}-{branch}.yaml"] = (
            f'promotion:\n  to:\n  - {{name: "{release}", namespace: ocp}}\n'
            f"zz_generated_metadata: {{branch: {branch}, org: {org}, repo: {repo}}}\n"
        )
    return configs


TENANT = (
    "rules:\n- id: our-tenant\n  because: Ours.\n  on: target\n  when: target == 'konflux'\n  set: {tenant: okd-tenant, model: %s}\n"
    "  overrides: [konflux-tenant, konflux-model]\n"
)


def configured(name, release, gitops, model, option=""):
    """The options of a run of a release."""
    (WORK / f"{name}-rules.yaml").write_text(TENANT % model)
    (WORK / f"{name}.yaml").write_text(
        "sources:\n"
        f'  build-data: {{repo: {release}/openshift-eng/ocp-build-data.git, branch: "openshift-{{release}}"}}\n'
        f"  ci-config: {{repo: {release}/openshift/release.git, branch: master}}\n"
        f'  components: {{repo: "{release}/{{org}}/{{repo}}.git"}}\n'
        f'releases: ["{release}"]\nrules: [builtin, {name}-rules.yaml]\ntargets:\n- konflux: {{gitops: {{repo: {gitops}}}{option}}}\n'
        f"forge: {{kind: local, dir: forge-{name}}}\nstate: state-{name}\n"
    )
    return ["--config", f"{name}.yaml", "--release", release]


def rendered(options, out):
    # What the corpus does not have costs its images, and is told of.
    done = subprocess.run([LOCKSTEP, "render", *options, "--out", out], cwd=WORK, capture_output=True, text=True)
    if not (WORK / out).exists():
        fail(done.stderr[-2000:])
    return WORK / out


def materialise(release):
    folder = WORK / release
    run(sys.executable, CORPUS / "materialize.py", CORPUS / release, folder)
    if not (folder / "openshift/release.git").exists():
        repository(folder / "openshift/release.git", {"master": promoting(release)})
    repository(folder / f"{GITOPS}.git", {"main": {"README.md": "What Konflux's cluster applies.\n"}})
    options = configured(release, release, GITOPS, "components", ", nudges: direct")
    out = rendered(options, f"out-{release}")
    done = subprocess.run([LOCKSTEP, "build-config", *options, "--format", "json"], cwd=WORK, capture_output=True, text=True)
    config = json.loads(done.stdout)
    return out, config, options


def runs_of(out):
    return sorted(out.glob("*/*/.tekton/*.yaml"))


def held_against_definitions(out):
    """How many resources of each kind there are; each fits its definition."""
    read = lambda name: corpus_tools.schema(CORPUS, name)
    kinds = {
        ("PipelineRun", "tekton.dev/v1"): read("tekton.dev_v1_pipelinerun.json"),
        ("Pipeline", "tekton.dev/v1"): read("tekton.dev_v1_pipeline.json"),
        ("Application", "appstudio.redhat.com/v1alpha1"): read("appstudio.redhat.com_v1alpha1_application.json"),
        ("Component", "appstudio.redhat.com/v1alpha1"): read("appstudio.redhat.com_v1alpha1_component.json"),
        ("ImageRepository", "appstudio.redhat.com/v1alpha1"): read("appstudio.redhat.com_v1alpha1_imagerepository.json"),
        ("Component", "konflux-ci.dev/v1alpha1"): read("konflux-ci.dev_v1alpha1_component.json"),
        ("ImageRepository", "konflux-ci.dev/v1alpha1"): read("konflux-ci.dev_v1alpha1_imagerepository.json"),
    }
    counts = collections.Counter()
    for path in sorted(out.glob("**/*.yaml")):
        for document in documents(path):
            schema = kinds.get((document["kind"], document["apiVersion"]))
            if document["kind"] == "Kustomization":
                continue
            errors = [error.message for error in schema.iter_errors(document)]
            expect(f"what of {path} does not fit", errors, [])
            counts[document["kind"]] += 1
    return counts


def valid(out, config):
    counts = held_against_definitions(out)
    expect("runs", counts["PipelineRun"], 2 * len(config["images"]))
    expect("components", counts["Component"], len(config["images"]))
    print("valid by their definitions: " + ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items())))
    older = corpus_tools.schema(CORPUS, "tekton.dev_v1beta1_pipelinerun.json")
    wrong = set()
    for row in json.loads((CORPUS / "tekton/MANIFEST.json").read_text()):
        for found in of_run((WORK / row["file"]).read_bytes()) or []:
            if found["apiVersion"] == "tekton.dev/v1beta1":
                if any("taskRunTemplate" in error.message for error in older.iter_errors(found)):
                    wrong.add(row["path"])
    expect("runs of the older API with a field of the newer one", len(wrong), 1)
    print(f"the definition finds `taskRunTemplate` in {wrong.pop()}")


def with_versions():
    """Components with versions: 4.16 alone, and then 4.21 beside it in the same files."""
    gitops, there = "okd/versions-config", {"README.md": "Resources.\n"}
    for release in ["4.16", "4.21"]:
        repository(WORK / release / f"{gitops}.git", {"main": there})
        out = rendered(configured(f"{release}-versions", release, gitops, "versions"), f"out-{release}-versions")
        counts = held_against_definitions(out)
        before, folder = dict(there), out / gitops
        there |= {str(path.relative_to(folder)): path.read_text() for path in sorted(folder.glob("**/*.yaml"))}
        components = {path: next(yaml.safe_load_all(text)) for path, text in there.items() if "/components/" in path}
        own = release.replace(".", "-")
        versions = {path: [v["name"] for v in c["spec"]["source"]["versions"]] for path, c in components.items()}
        mine = [path for path, names in versions.items() if own in names]
        for path in sorted(set(before) & set(versions)):
            old, new = before[path].splitlines(), there[path].splitlines()
            lost = [line for line in old if line not in new]
            expect(f"lines of {path} that {release} took out", [line for line in lost if "url: " not in line], [])
        print(
            f"{release} with versions: {counts['PipelineRun']} runs and {len(mine)} components valid, "
            f"{sum(len(names) > 1 for names in versions.values())} of {len(versions)} with versions of both releases"
        )
        if release == "4.16":
            expect("components with a version", len(mine), 198)
            expect("runs", counts["PipelineRun"], 396)
    tree = WORK / "kustomize-versions"
    for path, text in there.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_text(text)
    made = [d["kind"] for d in yaml.safe_load_all(run("kubectl", "kustomize", tree / "all")) if d]
    expect("components that kustomize builds", made.count("Component"), len(components))


def kustomized(out, config, release):
    made = [d for d in yaml.safe_load_all(run("kubectl", "kustomize", out / GITOPS / release)) if d]
    counts = collections.Counter(d["kind"] for d in made)
    expect("what kustomize builds", counts, {"Application": 1, "Component": len(config["images"]), "ImageRepository": len(config["images"])})
    nudges = {d["metadata"]["name"]: len(d["spec"].get("build-nudges-ref", [])) for d in made if d["kind"] == "Component"}
    name, most = max(nudges.items(), key=lambda item: item[1])
    print(f"kustomize builds {sum(counts.values())} resources; {name} has {most} components rebuilt")


def strings_and_arrays(out):
    """Tekton's rule: an array parameter stands only as an item of a list by itself."""
    pipeline = documents(out / GITOPS / "pipelines/okd-build.yaml")[0]["spec"]
    types = {param["name"]: param.get("type", "string") for param in pipeline["params"]}
    used = collections.Counter()

    def look(node, in_list):
        if isinstance(node, dict):
            for value in node.values():
                look(value, False)
        elif isinstance(node, list):
            for value in node:
                look(value, True)
        elif isinstance(node, str):
            for whole, name, star in re.findall(r"(\$\(params\.([a-z-]+)(\[\*\])?\))", node):
                used[name] += 1
                if name not in types:
                    fail(f"the pipeline has no parameter {name}")
                if types[name] == "array" and not (in_list and node == whole):
                    fail(f"array {name} stands in a string: {node[:80]}")
                if types[name] == "string" and star:
                    fail(f"string {name} is used as an array")

    look(pipeline["tasks"], False)
    look(pipeline["results"], False)
    expect("parameters that no task uses", sorted(set(types) - set(used)), [])
    for path in runs_of(out):
        for param in documents(path)[0]["spec"]["params"]:
            kind = "array" if isinstance(param["value"], list) else "string"
            expect(f"type of {param['name']} in {path.name}", kind, types[param["name"]])
    print(f"{len(types)} parameters of the pipeline: no array goes into a string, no string is an array; all runs fit")


# --- the script that replaces FROMs

def script_of(out):
    tasks = documents(out / GITOPS / "pipelines/okd-build.yaml")[0]["spec"]["tasks"]
    params = next(task for task in tasks if task["name"] == "from-map")["params"]
    return next(param["value"] for param in params if param["name"] == "SCRIPT")


OFFLINE = ["unshare", "--net"] if os.geteuid() == 0 and shutil.which("unshare") else []


def shells():
    """Folders with a `sh` and an `awk` each, of those that are here: the task's image may have any of them."""
    found = {}
    pairs = [("dash", "mawk"), ("bash", "gawk"), ("busybox", "busybox"), ("dash", "original-awk"), ("sh", "awk")]
    for sh, awk in pairs:
        paths = [shutil.which(sh), shutil.which(awk)]
        if None in paths or len(found) > 1 and sh == "sh":
            continue
        folder = WORK / "shells" / f"{sh}-{awk}"
        folder.mkdir(parents=True, exist_ok=True)
        names = ["sh", "awk"]
        if sh == "busybox":
            # All of what the script calls is busybox's own.
            names, paths = run("busybox", "--list").split(), [paths[0]] * 1000
        for name, path in zip(names, paths):
            (folder / name).unlink(missing_ok=True)
            (folder / name).symlink_to(path)
        found[f"{sh} with {awk}"] = folder
    return found


def filled(script, params):
    """The script as its task has it, by Tekton's substitution."""
    return re.sub(r"\$\(params\.([a-z-]+)\)", lambda found: params[found[1]], script)


def run_script(script, params, folder, code=0):
    """Runs the script in every shell that is here: all make the same of the folder, which is left as they make it."""
    tree = lambda: {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
    before, ends = tree(), {}
    for name, tools in SHELLS.items():
        for path, data in before.items():
            (folder / path).write_bytes(data)
        with tempfile.NamedTemporaryFile("w", suffix=".sh") as file:
            file.write(filled(script, params))
            file.flush()
            environment = os.environ | {"PATH": f"{tools}:{os.environ['PATH']}"}
            done = subprocess.run([*OFFLINE, tools / "sh", file.name], cwd=folder, capture_output=True, text=True, env=environment)
        if (done.returncode != 0) != (code != 0):
            fail(f"the script ended with {done.returncode} in {folder} by {name}: {done.stderr[-500:]}")
        ends[name] = (done.stdout, tree())
    first, *others = ends
    for other in others:
        expect(f"what {other} makes of {folder}", ends[other], ends[first])
    return done


def params_of(path):
    values = {param["name"]: param["value"] for param in documents(path)[0]["spec"]["params"]}
    return {"from-map": values.get("from-map", ""), "dockerfile": values["dockerfile"], "path-context": values.get("path-context", ".")}


def reference(config, item, release):
    if not item["replaced"]:
        return item.get("token", item["written"])
    if "image" in item:
        key = item["image"]
        tag = config["images"][key]["tag"]["value"] if key in config["images"] else config["held_images"][key]["tag"]
        return f"quay.io/redhat-user-workloads/okd-tenant/okd-{tag}-{release.replace('.', '-')}:{release}"
    return item["pullspec"]["value"]


def from_step(out, config, release):
    script, seen, froms = script_of(out), set(), 0
    for image in config["images"].values():
        tag, repo = image["tag"]["value"], image["repository"]["value"]
        run_file = out / repo / f".tekton/okd-{tag}-{release.replace('.', '-')}-push.yaml"
        folder = WORK / "script"
        shutil.rmtree(folder, ignore_errors=True)
        file = os.path.normpath(image["dockerfile"]["value"])
        path = folder / file
        path.parent.mkdir(parents=True)
        source = run("git", "show", f"{image['branch']['value']}:{file}", cwd=WORK / release / f"{repo}.git")
        real = file
        if "\n" not in source.strip() and not source.upper().startswith(("FROM", "ARG")):
            # A link: its text is where it leads.
            real = os.path.normpath(os.path.join(os.path.dirname(file), source.strip()))
            source = run("git", "show", f"{image['branch']['value']}:{real}", cwd=WORK / release / f"{repo}.git")
        path.write_text(source)
        (folder / (image["context_dir"]["value"] or ".")).mkdir(parents=True, exist_ok=True)
        run_script(script, params_of(run_file), folder)
        inputs = [*image["builders"], *([image["base"]] if "base" in image else [])]
        wanted = [reference(config, item, release) for item in inputs]
        named = {item.get("token", item["written"]): one for item, one in zip(inputs, wanted)}
        for old, new in zip(source.splitlines(), path.read_text().splitlines(), strict=True):
            words, became = old.split(), new.split()
            if words and words[0].upper() == "FROM":
                at = next(at for at, word in enumerate(words[1:], 1) if not word.startswith("--"))
                froms += named.get(words[at], words[at]) != words[at]
                expect(f"{tag}: {old}", became, [*words[:at], named.get(words[at], words[at]), *words[at + 1:]])
            else:
                expect(f"{tag}: a line that is no FROM", new, old)
        seen.add((repo, real))
    print(f"{release}: the script replaces {froms} FROMs of {len(seen)} Dockerfiles by what the build config names, all else byte for byte")
    return len(seen)


def odd_dockerfiles(out):
    """What skeletons do not have: each line as it must come out."""
    script, folder = script_of(out), WORK / "odd"
    map_of = "a/b:1=A/B:9\nc/d:2=C\ne/f=E:1\n${X}=XX\ngone/x=G\n"
    source = (HERE / "corpus_konflux_odd.Dockerfile").read_text()
    wanted = (HERE / "corpus_konflux_odd.expected").read_text()
    for name, old, new in [
        ("as it is", source, wanted),
        ("with CRLF", source.replace("\n", "\r\n"), wanted.replace("\n", "\r\n")),
        ("without a last break", source.rstrip("\n"), wanted.rstrip("\n")),
    ]:
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "ctx").mkdir(parents=True)
        (folder / "ctx/Dockerfile").write_text(old, newline="")
        params = {"from-map": map_of.replace("gone/x=G\n", ""), "dockerfile": "Dockerfile", "path-context": "ctx"}
        run_script(script, params, folder)
        with open(folder / "ctx/Dockerfile", newline="") as after:
            expect(f"the odd Dockerfile {name}", after.read(), new)
    (folder / "ctx/Dockerfile").write_text(source)
    done = run_script(script, params | {"from-map": map_of}, folder, code=1)
    if "gone/x" not in done.stderr:
        fail(f"what is nowhere is not named: {done.stderr}")
    expect("a Dockerfile after a run that failed", (folder / "ctx/Dockerfile").read_text(), source)
    run_script(script, params | {"dockerfile": "Nowhere"}, folder, code=1)
    run_script(script, params | {"from-map": "no line\n"}, folder, code=1)
    run_script(script, params | {"from-map": ""}, folder)
    print("flags, lower case, tabs, continued lines, documents within, names of stages, CRLF: each as it must be; what is nowhere fails")


def builds(out, config, release):
    if not StandIns.possible():
        return
    stand_ins, script = StandIns(WORK / "buildah"), script_of(out)
    images = [i for i in config["images"].values() if "base" in i and all(s["replaced"] for s in i["builders"])]
    for image in sorted(images, key=lambda i: (-len(i["builders"]), i["tag"]["value"]))[:20]:
        tag = image["tag"]["value"]
        inputs = [*image["builders"], image["base"]]
        lines = [f"FROM {item.get('token', item['written'])} AS stage{at}" for at, item in enumerate(inputs)]
        copies = [f"COPY --from=stage{at} /marker /marker-{at}" for at in range(len(inputs) - 1)]
        folder = stand_ins.root / tag
        folder.mkdir()
        (folder / "Dockerfile").write_text("\n".join([*lines, *copies]) + "\n")
        run_file = out / image["repository"]["value"] / f".tekton/okd-{tag}-{release.replace('.', '-')}-push.yaml"
        params = params_of(run_file)
        # What other lines of the real Dockerfile name stands in none of these.
        there = {item.get("token", item["written"]) for item in inputs}
        map_of = "".join(line + "\n" for line in params["from-map"].splitlines() if line.rsplit("=", 1)[0] in there)
        run_script(script, {"from-map": map_of, "dockerfile": "Dockerfile", "path-context": "."}, folder)
        wanted = [reference(config, item, release) for item in inputs]
        for name in wanted:
            stand_ins.of(name, as_name=True)
        stand_ins.build(f"localhost/built-{tag}", folder)
        names = [*(f"marker-{at}" for at in range(len(inputs) - 1)), "marker"]
        expect(f"what the stages of {tag} are", stand_ins.markers(f"localhost/built-{tag}", names), wanted)
    stand_ins.done()
    print("20 images built by buildah after the script: each stage is the one that is meant")


def idempotent(out, options, release):
    """The files as they are once the requests are merged: nothing is left to do."""
    for repo in sorted({path.relative_to(out).parts[:2] for path in out.glob("*/*/**/*.yaml")}):
        bare = WORK / release / f"{'/'.join(repo)}.git"
        branches = run("git", "for-each-ref", "--format=%(refname:short)", "refs/heads", cwd=bare).split()
        plan_branch = next((b for b in branches if b not in ("lockstep",)), branches[0])
        tree = WORK / "merged"
        shutil.rmtree(tree, ignore_errors=True)
        run("git", "clone", "--quiet", "--branch", plan_branch, bare, tree)
        shutil.copytree(out / pathlib.Path(*repo), tree, dirs_exist_ok=True)
        git = lambda *a: run("git", "-c", "user.name=T", "-c", "user.email=t@example.com", *a, cwd=tree)
        git("add", "--all", "."), git("commit", "--quiet", "--message", "merged"), git("push", "--quiet", "origin", plan_branch)
    plan = json.loads(lockstep("plan", *options, "--format", "json"))
    expect("files that a second rendering changes", sum(len(r["files"]) for r in plan["pull_requests"]), 0)
    print("once all is merged nothing is left to do")


SHELLS = shells()


def main():
    for name in ["files", "cuts"]:
        with tarfile.open(CORPUS / f"tekton/{name}.tar.xz") as archive:
            archive.extractall(WORK, filter="data")
    real_files()
    real_cuts()
    out, config, options = materialise("4.16")
    expect("images of 4.16", len(config["images"]), 198)
    valid(out, config)
    print("shells: " + ", ".join(SHELLS))
    kustomized(out, config, "4.16")
    strings_and_arrays(out)
    from_step(out, config, "4.16")
    odd_dockerfiles(out)
    builds(out, config, "4.16")
    later, of_later, _ = materialise("4.21")
    from_step(later, of_later, "4.21")
    with_versions()
    idempotent(out, options, "4.16")
    for model in ["components", "versions"]:
        corpus_konflux_cut.main(LOCKSTEP, WORK / f"made-up-{model}", model)


main()
