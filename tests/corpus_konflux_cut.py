"""A made-up branch cut of five repositories through the local forge: after each step no component is built twice."""

import collections
import json
import pathlib
import re
import shutil
import subprocess

import celpy
import yaml

import corpus_tools
from corpus_tools import expect, fail, repository

CEL = "pipelinesascode.tekton.dev/on-cel-expression"
# How Konflux's two models say whose a run is.
COMPONENT = {"components": "appstudio.openshift.io/component", "versions": "build.konflux-ci.dev/component"}
VERSION = "build.konflux-ci.dev/version"
# Each repository with its images.
REPOS = {"many": ["one", "two"], "single": ["three"], "byhand": ["four"], "foreign": ["five"], "plain": ["six"]}
BASE = "registry.ci.openshift.org/origin/base:9"


def metadata(branch):
    files = {
        "group.yml": "arches: [x86_64]\npublic_upstreams:\n- {private: 'https://github.com/openshift', public: 'https://github.com/openshift'}\n",
        "streams.yml": f"base: {{image: 'x/base:9', upstream_image: '{BASE}'}}\nrhel-9-golang: {{image: 'x/go:9', upstream_image: '{BASE}'}}\n",
    }
    for repo, images in REPOS.items():
        for image in images:
            files[f"images/{image}.yml"] = (
                f"name: openshift/{image}\npayload_name: {image}\nfor_payload: true\nfrom: {{stream: base}}\ncontent:\n  source:\n    "
                f"dockerfile: Dockerfile.{image}\n    git: {{url: 'https://github.com/openshift/{repo}', branch: {{target: {branch}}}}}\n"
            )
    return files


def ci_config(repo, branch, release):
    images = "".join(f"- dockerfile_path: Dockerfile.{image}\n  to: {image}\n" for image in REPOS[repo])
    return (
        f"images:\n{images}promotion:\n  to:\n  - name: \"{release}\"\n    namespace: ocp\nresources:\n  '*':\n    requests: {{cpu: 100m}}\n"
        f"zz_generated_metadata:\n  branch: {branch}\n  org: openshift\n  repo: {repo}\n"
    )


def path_of(repo, branch):
    return f"ci-operator/config/openshift/{repo}/openshift-{repo}-{branch}.yaml"


class Cut:
    def __init__(self, lockstep, work, model):
        self.lockstep, self.work, self.model = lockstep, work, model
        work.mkdir(parents=True)
        repository(self.bare("openshift-eng/ocp-build-data"), {"openshift-4.16": metadata("release-4.16")})
        configs = {path_of(repo, "main"): ci_config(repo, "main", "4.16") for repo in REPOS}
        repository(self.bare("openshift/release"), {"master": configs})
        for repo, images in REPOS.items():
            files = {f"Dockerfile.{image}": f"FROM {BASE}\n" for image in images}
            repository(self.bare(f"openshift/{repo}"), {"main": files})
        repository(self.bare("okd/config"), {"main": {"README.md": "Resources.\n"}})
        (work / "tenant.yaml").write_text(
            "rules:\n- id: ours\n  because: Ours.\n  on: target\n  when: target == 'konflux'\n"
            f"  set: {{tenant: okd-tenant, model: {model}}}\n  overrides: [konflux-tenant, konflux-model]\n"
        )
        self.configure(["4.16"])

    def configure(self, releases):
        (self.work / "lockstep.yaml").write_text(
            "sources:\n"
            '  build-data: {repo: repos/openshift-eng/ocp-build-data.git, branch: "openshift-{release}"}\n'
            "  ci-config: {repo: repos/openshift/release.git, branch: master}\n"
            '  components: {repo: "repos/{org}/{repo}.git"}\n'
            f"releases: {json.dumps(releases)}\nrules: [builtin, tenant.yaml]\n"
            "targets:\n- prow-config\n- prow-jobs\n- konflux: {gitops: {repo: okd/config}}\n"
            "forge: {kind: local, dir: forge}\nstate: state\n"
        )

    def bare(self, name):
        return self.work / f"repos/{name}.git"

    def run(self, *arguments, code=0):
        return corpus_tools.run(self.lockstep, *arguments, "--config", "lockstep.yaml", cwd=self.work, code=code)

    def git(self, name, *arguments, **more):
        return corpus_tools.run("git", "-c", "user.name=T", "-c", "user.email=t@example.com", *arguments, cwd=self.bare(name), **more).strip()

    def commit(self, name, branch, files):
        """Adds a commit with these files; None: it goes."""
        stream = f"commit refs/heads/{branch}\ncommitter T <t@example.com> 1700000001 +0000\ndata 6\npeople\nfrom refs/heads/{branch}^0\n"
        for path, text in files.items():
            stream += f'D "{path}"\n' if text is None else f'M 100644 inline "{path}"\ndata {len(text.encode())}\n{text}\n'
        done = subprocess.run(["git", "fast-import", "--quiet", "--force"], cwd=self.bare(name), input=stream.encode(), capture_output=True)
        if done.returncode:
            fail(done.stderr.decode()[-500:])

    def merge(self):
        """Merges what is open, as people do; gives the repositories, branches and titles."""
        merged = []
        for record in sorted((self.work / "forge").rglob("*.json")):
            pull = json.loads(record.read_text())
            if pull.get("state") != "open":
                continue
            name, base, head = pull["repo"], pull["base"], pull["head"]
            if subprocess.run(["git", "rev-parse", "--quiet", "--verify", f"refs/heads/{head}"], cwd=self.bare(name), capture_output=True).returncode:
                continue
            before, after = self.git(name, "rev-parse", base), self.git(name, "rev-parse", head)
            if self.git(name, "merge-base", before, after) == after:
                # It was merged before, and nobody has looked since.
                continue
            tree = self.git(name, "merge-tree", "--write-tree", before, after) if self.git(name, "merge-base", before, after) != before else self.git(name, "rev-parse", f"{after}^{{tree}}")
            commit = self.git(name, "commit-tree", tree, "-p", before, "-p", after, "-m", f"merge {head}")
            self.git(name, "update-ref", f"refs/heads/{base}", commit)
            merged.append((name, base, pull["title"]))
        return merged

    def files(self, name, branch):
        listed = self.git(name, "ls-tree", "-r", "--name-only", branch, ".tekton/").split()
        return {path: self.git(name, "show", f"{branch}:{path}") for path in listed}

    def branches(self, name):
        found = self.git(name, "for-each-ref", "--format=%(refname:short)", "refs/heads").split()
        return [branch for branch in found if not branch.startswith("lockstep/")]

    def component(self, metadata):
        """The component that a run is of, and its release."""
        name = metadata["labels"][COMPONENT[self.model]]
        version = metadata["annotations"].get(VERSION)
        return f"{name}-{version}" if version and name != "theirs" else name

    def built(self):
        """Where each component is built on each event: branches and files."""
        built = collections.defaultdict(list)
        for repo in REPOS:
            for branch in self.branches(f"openshift/{repo}"):
                for path, text in self.files(f"openshift/{repo}", branch).items():
                    for found in yaml.safe_load_all(text):
                        expression = found["metadata"]["annotations"][CEL]
                        for event in ["push", "pull_request"]:
                            if starts(expression, event, branch):
                                built[self.component(found["metadata"]), event].append((branch, path))
        return built


def starts(expression, event, branch):
    environment, text = celpy.Environment(), celpy.celtypes.StringType
    functions = {"pathChanged": lambda path: celpy.celtypes.BoolType(True)}
    program = environment.program(environment.compile(expression), functions=functions)
    return bool(program.evaluate({"event": text(event), "target_branch": text(branch), "builds_enabled": text("true")}))


def told(findings, path):
    return {finding["code"] for finding in findings if finding.get("place", {}).get("file") == path}


def main(lockstep, work, model):
    shutil.rmtree(work, ignore_errors=True)
    cut = Cut(lockstep, pathlib.Path(work), model)
    cut.run("reconcile")
    merged = cut.merge()
    runs = sorted(name for name, *_ in merged if name.split("/")[1] in REPOS)
    expect("repositories with a request, one each", runs, sorted(f"openshift/{repo}" for repo in REPOS))
    before = cut.built()
    ours = {f"okd-{image}-4-16" for images in REPOS.values() for image in images}
    expect("components that are built before the cut", {name for name, _ in before}, ours)
    # What people do: a digest is bumped, an expression is written by hand, others build here, too.
    push = ".tekton/okd-three-4-16-push.yaml"
    bumped = cut.files("openshift/single", "main")[push].replace("  timeouts:\n", "  # bumped\n  timeouts:\n")
    cut.commit("openshift/single", "main", {push: bumped + "\n"})
    hand = ".tekton/okd-four-4-16-push.yaml"
    text = cut.files("openshift/byhand", "main")[hand]
    by_hand = text.replace('target_branch == "main"', '(target_branch == "main" || target_branch == "release-4.16")')
    cut.commit("openshift/byhand", "main", {hand: by_hand + "\n"})
    theirs = cut.files("openshift/foreign", "main")[".tekton/okd-five-4-16-push.yaml"]
    theirs = theirs.replace("okd-five-4-16", "theirs").replace("okd-five", "theirs")
    theirs = theirs.replace("    app.kubernetes.io/managed-by: lockstep\n", "")
    cut.commit("openshift/foreign", "main", {".tekton/theirs-push.yaml": theirs + "\n"})
    # The cut: branches, CI's configs, build data.
    configs = {}
    for repo in REPOS:
        cut.git(f"openshift/{repo}", "branch", "release-4.16", "main")
        configs[path_of(repo, "main")] = ci_config(repo, "main", "4.17")
        configs[path_of(repo, "release-4.16")] = ci_config(repo, "release-4.16", "4.16")
    cut.commit("openshift/release", "master", configs)
    data = cut.bare("openshift-eng/ocp-build-data")
    corpus_tools.run("git", "branch", "openshift-4.17", "openshift-4.16", cwd=data)
    cut.configure(["4.16", "4.17"])
    steps, numbers, left_by_hand = [], [], 0
    for _ in range(20):
        view = json.loads(cut.run("cut", "--from", "4.16", "--to", "4.17", "--apply", "--format", "json"))
        expect("what is stuck", view["stuck"], [])
        if not view["steps"]:
            break
        step = view["steps"][0]
        left_by_hand += "tekton-branch-by-hand" in told(view["findings"], hand)
        merged = cut.merge()
        if not merged:
            fail(f"nothing was proposed for {step['title']}")
        steps.append(f"{step['release']} {step['kind']}")
        numbers.append({re.search(r"step (\d+) of (\d+)", title).groups() for *_, title in merged})
        for (component, event), places in cut.built().items():
            if component == "theirs":
                continue
            # What people wrote for two branches starts on both until the one lets go of it: on each of them once.
            two = component == "okd-four-4-16" and event == "push" and "4.17 konflux-runs" not in steps
            if len(places) > (2 if two else 1) or len({branch for branch, _ in places}) != len(places):
                fail(f"after {steps[-1]} {component} is built several times on {event}: {places}")
    else:
        fail(f"the cut does not end: {steps}")
    own = [step for step in steps if "konflux" in step]
    expect("Konflux's steps", own, ["4.17 konflux-resources", "4.17 konflux-runs", "4.16 konflux-resources", "4.16 konflux-runs"])
    if steps[-len(own):] != own:
        fail(f"Konflux's steps are not the last: {steps}")
    expect("the numbers of the steps", numbers, [{(str(at), str(len(steps)))} for at in range(1, len(steps) + 1)])
    built = cut.built()
    for images in REPOS.values():
        for image in images:
            for event in ["push", "pull_request"]:
                for release, branch in [("4-16", "release-4.16"), ("4-17", "main")]:
                    places = {place for place, _ in built[f"okd-{image}-{release}", event]}
                    expect(f"where {image} of {release} is built on {event}", places, {branch})
    kept = cut.files("openshift/single", "release-4.16")[push]
    if "  # bumped\n" not in kept:
        fail("what a bot bumped is lost")
    expect("the expression that people wrote", cut.files("openshift/byhand", "release-4.16")[hand], by_hand)
    plan = json.loads(cut.run("plan", "--format", "json"))
    expect("what is told of it", told(plan["findings"], hand), {"tekton-branch-by-hand"})
    expect("steps at which it is told", left_by_hand, len(steps))
    expect("files that are left to do", sum(len(request["files"]) for request in plan["pull_requests"]), 0)
    for branch in ["main", "release-4.16"]:
        expect("the file of others", cut.files("openshift/foreign", branch)[".tekton/theirs-push.yaml"], theirs)
    if model == "versions":
        for image in ours:
            name = image.removesuffix("-4-16")
            component = next(yaml.safe_load_all(cut.git("okd/config", "show", f"main:all/components/{name}.yaml")))
            versions = {version["name"]: version["revision"] for version in component["spec"]["source"]["versions"]}
            expect(f"versions of {name}", versions, {"4-16": "release-4.16", "4-17": "main"})
    print(f"a made-up cut of {len(REPOS)} repositories, model {model}: {len(steps)} steps, Konflux's the last {len(own)}; nothing starts twice after any of them")
