"""What was never meant is never written, on real data: the stories of tests/it/owners.rs with 168 repositories.

    corpus_meant.py LOCKSTEP WORK     WORK/repos: the corpus of 4.16, materialised

Makes the cut of 4.17 up from the corpus of 4.16: metadata of 4.17 is that of 4.16 with another number, components have the branch
that OCP's configs promote from, and OKD's configs stand on these branches already, promoting to 4.16.
"""

import json
import os
import random
import re
import subprocess
import sys

LOCKSTEP, WORK = sys.argv[1:3]
ENV = dict(os.environ, GIT_CONFIG_GLOBAL="/dev/null", GIT_CONFIG_SYSTEM="/dev/null", GIT_AUTHOR_NAME="ann",
           GIT_AUTHOR_EMAIL="ann@example.com", GIT_COMMITTER_NAME="ann", GIT_COMMITTER_EMAIL="ann@example.com")
CI = "repos/openshift/release.git"
TARGETS = ["prow-config", "prow-jobs", "release-controller"]


def fail(text):
    sys.exit(f"FAILED: {text}")


def git(repo, *args, text=None):
    done = subprocess.run(["git", "-C", os.path.join(WORK, repo), *args], env=ENV, input=text, capture_output=True, check=False)
    if done.returncode:
        fail(f"git {' '.join(args)} in {repo}: {done.stderr.decode()}")
    return done.stdout.decode()


def lockstep(*args, codes=(0,)):
    done = subprocess.run([LOCKSTEP, *args], cwd=WORK, env=ENV, capture_output=True, check=False)
    out, err = done.stdout.decode(), done.stderr.decode()
    if done.returncode not in codes:
        fail(f"lockstep {' '.join(args)} ended with {done.returncode}\n{out[-2000:]}\n{err[-2000:]}")
    return out, err


def commit(repo, branch, changes, base=None):
    """Commits contents by path on top of a branch; `None` removes."""
    tip = git(repo, "rev-parse", base or branch).strip()
    index = os.path.join(WORK, "index")
    env = dict(ENV, GIT_INDEX_FILE=index)
    run = lambda *args, text=None: subprocess.run(["git", "-C", os.path.join(WORK, repo), *args], env=env, input=text, capture_output=True, check=True).stdout
    run("read-tree", tip)
    lines = []
    for path, content in changes.items():
        if content is None:
            lines.append(f"0 {'0' * 40}\t{path}\n")
        else:
            blob = run("hash-object", "-w", "--stdin", text=content).decode().strip()
            lines.append(f"100644 {blob}\t{path}\n")
    run("update-index", "--index-info", text="".join(lines).encode())
    tree = run("write-tree").decode().strip()
    made = run("commit-tree", tree, "-p", tip, "-m", "A change").decode().strip()
    git(repo, "update-ref", f"refs/heads/{branch}", made)
    os.remove(index)
    return made


def config(name, releases, more="", components="repos/{org}/{repo}.git", state=None, forge="forge"):
    text = f"""sources:
  build-data: {{repo: repos/openshift-eng/ocp-build-data.git, branch: "openshift-{{release}}"}}
  ci-config: {{repo: {CI}, branch: master}}
  components: {{repo: "{components}"}}
releases: [{', '.join(f'"{release}"' for release in releases)}]
rules: [builtin]
targets: [{', '.join(TARGETS)}]
forge: {{kind: local, dir: {forge}}}
state: {state or 'state-' + name}
{more}"""
    with open(os.path.join(WORK, f"{name}.yaml"), "w") as file:
        file.write(text)
    return ["--config", f"{name}.yaml"]


def heads():
    out = git(CI, "for-each-ref", "--format=%(refname:short) %(objectname)", "refs/heads/lockstep")
    return dict(line.split() for line in out.splitlines())


def proposed(branch):
    """Paths and blobs that a branch proposes."""
    out = git(CI, "diff-tree", "-r", "--no-renames", "master", branch)
    return {line.split("\t")[1]: line.split()[3] for line in out.splitlines()}


def records():
    folder = os.path.join(WORK, "forge")
    names = [name for name in os.listdir(folder) if name.endswith(".json")] if os.path.isdir(folder) else []
    return {name: json.load(open(os.path.join(folder, name))) for name in names}


def component(path):
    parts = path.split("/")
    return "/".join(parts[2:4]) if parts[0] == "ci-operator" else ""


def target(path):
    return {"config": "prow-config", "jobs": "prow-jobs"}.get(path.split("/")[1], "release-controller")


def parts():
    """2 and 3: random parts of targets, components and sources; names that nothing has."""
    both = config("whole", ["4.16"])
    lockstep("reconcile", *both)
    before, tip = proposed("lockstep/ci/4.16"), heads()
    components = sorted({component(path) for path in before} - {""})
    chance = random.Random(15)
    count = 0
    for turn in range(8):
        targets = chance.sample(TARGETS, chance.randint(1, 3))
        adopted = chance.sample(components, chance.choice([0, 1, 5]))
        broken = chance.choice([None, *chance.sample(components, 2)])
        more = f"adopt: {{components: [{', '.join(adopted)}]}}\n" if adopted else ""
        own = config("part", ["4.16"], more)
        there = os.path.join(WORK, f"repos/{broken}.git")
        if broken and os.path.isdir(there):
            os.rename(there, there + ".away")
        out, _ = lockstep("reconcile", *own, *[word for name in targets for word in ("--target", name)], codes=(0, 1))
        if broken and os.path.isdir(there + ".away"):
            os.rename(there + ".away", there)
        after = proposed("lockstep/ci/4.16")
        for path, blob in before.items():
            if after.get(path) != blob:
                fail(f"{path} has other bytes after a part: {targets}, {adopted}, {broken}")
            count += 1
        if any(record["state"] != "open" for record in records().values()):
            fail(f"a request was closed by a part: {targets}, {adopted}, {broken}\n{out}")
    for more, nearest in [
        ("adopt: {components: [openshift/etdc]}\n", "openshift/etcd"),
        ("adopt: {causes: [presubmit-jobb]}\n", "presubmit-job"),
        ("accept: [{cause: needed-payloda, reason: r, author: ann}]\n", "needed-payload"),
    ]:
        out, err = lockstep("reconcile", *config("typo", ["4.16"], more), codes=(0, 1))
        if "In sync" in out or f"did you mean `{nearest}`?" not in out + err:
            fail(f"{more}: {out[-500:]}{err[-500:]}")
        if proposed("lockstep/ci/4.16") != before:
            fail(f"{more} changed what is proposed")
    out, _ = lockstep("plan", "--exit-code", *config("nowhere", ["4.16"], components="nowhere/{org}/{repo}.git"), codes=(1,))
    if "In sync" in out:
        fail("a wrong path of the components is in sync")
    lockstep("reconcile", *config("nowhere", ["4.16"], components="nowhere/{org}/{repo}.git"), codes=(0, 1))
    if proposed("lockstep/ci/4.16") != before:
        fail("a wrong path of the components changed what is proposed")
    lockstep("reconcile", *both)
    if heads() != tip:
        fail("a whole run after the parts is not where it was")
    return len(before), count


def make_cut():
    """Branches of 4.17, and OKD's configs on them as they are before the cut."""
    group = git("repos/openshift-eng/ocp-build-data.git", "show", "openshift-4.16:group.yml")
    changed = re.sub(r"MINOR: 16\b", "MINOR: 17", group, count=1).encode()
    commit("repos/openshift-eng/ocp-build-data.git", "openshift-4.17", {"group.yml": changed}, base="openshift-4.16")
    for org in os.listdir(os.path.join(WORK, "repos")):
        for repo in os.listdir(os.path.join(WORK, "repos", org)):
            path = f"repos/{org}/{repo}"
            if org == "openshift-eng" or path == CI:
                continue
            name = repo[: -len(".git")]
            folder = f"ci-operator/config/{org}/{name}/"
            listed = git(CI, "ls-tree", "--name-only", "master", folder).split()
            for file in listed:
                branch = file[len(folder) + len(f"{org}-{name}-"): -len(".yaml")]
                if "__" in branch:
                    continue
                text = git(CI, "show", f"master:{file}")
                if re.search(r'name: "4\.17"\n\s+namespace: ocp\n', text) and "disabled: true" not in text:
                    own = git(path, "for-each-ref", "--format=%(refname:short)", "refs/heads").split()[0]
                    if branch != own:
                        git(path, "update-ref", f"refs/heads/{branch}", own)
    lockstep("reconcile", *config("make", ["4.17"], forge="made"))
    changes = {}
    for path in proposed("lockstep/ci/4.17"):
        text = git(CI, "show", f"lockstep/ci/4.17:{path}")
        changes[path] = text.replace("scos-4.17", "scos-4.16").encode()
    commit(CI, "master", {path: text for path, text in changes.items() if "__okd-scos" in path or "/jobs/" in path})
    git(CI, "update-ref", "-d", "refs/heads/lockstep/ci/4.17")


def only_owner(when):
    ours = set(heads())
    if "lockstep/cut" in ours and len(ours) > 1:
        fail(f"two owners {when}: {sorted(ours)}")


def merge(branch):
    tree = git(CI, "merge-tree", "--write-tree", "master", branch).split()[0]
    made = git(CI, "commit-tree", tree, "-p", "master", "-p", branch, "-m", "Merge").strip()
    git(CI, "update-ref", "refs/heads/master", made)


def story(order):
    """1: a cut with others before, between and after its steps; returns the tree that it ends with."""
    start = git(CI, "rev-parse", "master").strip()
    both, replica = config("service", ["4.16", "4.17"]), config("replica", ["4.16", "4.17"], state="state-replica")
    cut = ["cut", *config("cutter", ["4.16", "4.17"]), "--from", "4.16", "--to", "4.17", "--apply", "--format", "json"]
    steps, person, begun = 0, False, False
    while True:
        for who in order:
            before = heads()
            if who == "cut":
                view = json.loads(lockstep(*cut)[0])
                begun = True
            elif who == "person" and begun and not person and "lockstep/cut" in before:
                commit(CI, "lockstep/cut", {"by-ann.md": b"by ann\n"})
                person = True
            elif who == "reconcile":
                lockstep("reconcile", *both)
            elif who == "replica":
                lockstep("reconcile", *replica)
            only_owner(f"after {who} in {order}")
            if begun and who in ("reconcile", "replica") and heads() != before:
                fail(f"{who} moved {before} to {heads()} while the cut has it ({order})")
        if not view["steps"]:
            break
        steps += 1
        if steps > 12:
            fail(f"the cut does not arrive in {order}")
        merge("lockstep/cut")
    lockstep("reconcile", *both)
    tree = git(CI, "ls-tree", "-r", "master")
    tree = "\n".join(line for line in tree.splitlines() if not line.endswith("\tby-ann.md"))
    for name in heads():
        git(CI, "update-ref", "-d", f"refs/heads/{name}")
    git(CI, "update-ref", "refs/heads/master", start)
    for name in os.listdir(os.path.join(WORK, "forge")):
        if name.endswith(".json"):
            os.remove(os.path.join(WORK, "forge", name))
    return steps, tree


def main():
    files, held = parts()
    git(CI, "update-ref", "-d", "refs/heads/lockstep/ci/4.16")
    subprocess.run(["rm", "-rf", os.path.join(WORK, "forge")], check=True)
    make_cut()
    ends = [story(order) for order in (["cut"], ["reconcile", "cut", "person", "replica"], ["cut", "reconcile", "replica", "person"])]
    if len({tree for _, tree in ends}) != 1:
        fail("the cut ends in different places")
    print(f"{files} files of one request kept their bytes through 8 parts ({held} comparisons), 3 wrong names and a wrong path; "
          f"a cut of {ends[0][0]} steps has one owner and one end in {len(ends)} orders")


main()
