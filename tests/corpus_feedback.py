#!/usr/bin/env python3
"""Runs `lockstep impact` on the corpus' merges; see corpus_feedback.sh. Usage: corpus_feedback.py REPLAY WORK REASONS

With LOCKSTEP_UPDATE=1 the rows of REASONS that are no longer so are rewritten, each new one without a reason, which fails."""
import concurrent.futures, csv, json, os, pathlib, resource, shutil, subprocess, sys, time

replay, work, reasons = map(pathlib.Path, sys.argv[1:4])
lockstep = os.environ["LOCKSTEP_BINARY"]
NAMES = {"warns": "changes", "notes": "nothing"}


def fail(text):
    print(text)
    sys.exit(1)


def rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def configuration(name, build_data, branch, components, releases):
    path = work / f"{name}.yaml"
    path.write_text(json.dumps({
        "sources": {
            "build-data": {"repo": str(build_data), "branch": branch},
            "components": components,
        },
        "releases": releases,
        "state": str(work / "state" / name),
    }))
    return path


def impact(config, repository, *options):
    command = [lockstep, "impact", repository, "--config", str(config), "--format", "json", *options]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        return {"verdict": "failed", "releases": [], "error": done.stderr.strip()[-400:], "sentence": "", "do": ""}
    return json.loads(done.stdout)


def component(row):
    name = f"day-{row['build_data']}"
    config = configuration(
        f"{row['repository'].replace('/', '-')}-{row['pull']}", work / "ocp-build-data.git", name,
        {"repo": str(work / "components/{org}/{repo}.git")}, [row["release"]])
    merges = f"refs/merges/{row['pull']}"
    return impact(config, row["repository"], "--branch", "main", "--base", f"{merges}/base", "--head", f"{merges}/head")


def build_data(row):
    config = configuration(
        f"build-data-{row['pull']}", work / "ocp-build-data-merges.git", "openshift-{release}",
        {"repo": str(work / "branched/{org}/{repo}.git")}, [row["release"]])
    merges = f"refs/merges/{row['pull']}"
    return impact(config, "openshift-eng/ocp-build-data", "--base", f"{merges}/base", "--head", f"{merges}/head")


def found(answer, which):
    """Findings as the tables have them: code and image, each once."""
    all = [one for release in answer["releases"] for one in release[which]]
    return sorted({f"{one['code']}:{one.get('image', '-')}" for one in all})


def told(answer):
    new, gone = found(answer, "new"), found(answer, "gone")
    return answer["verdict"], "; ".join(new), "; ".join(gone)


def wanted(row):
    split = lambda text: "; ".join(sorted(one for one in (row[text] or "").split("; ") if one))
    return NAMES.get(row["verdict"], row["verdict"]), split("new"), split("gone")


def stories(answers):
    """What a developer would have read, of the nine stories; the tenth was a false alarm."""
    new = lambda key: " ".join(one["message"] for of in answers[key]["releases"] for one in of["new"])
    sentence = lambda key: " ".join([answers[key]["sentence"], answers[key]["do"], new(key)])
    expected = [
        (("openshift/ironic-image", "679"), "changes", "COPY ironic-config/httpd-ironic-proxy.conf.j2"),
        (("openshift/ironic-image", "688"), "still", "`ironic`"),
        (("openshift/ironic-image", "729"), "mends", "COPY ironic-config/httpd-ironic-proxy.conf.j2"),
        (("openshift/machine-os-images", "67"), "breaks", "`machine-os-images`"),
        (("openshift/machine-os-images", "77"), "breaks", "in 4.21 fits already: take `from` over"),
        (("openshift/oc-mirror", "980"), "changes", "images/cli/Dockerfile.ci"),
        (("openshift/monitoring-plugin", "128"), "breaks", "`monitoring-plugin`"),
        (("openshift/monitoring-plugin", "160"), "changes", "`monitoring-plugin`"),
        (("openshift/monitoring-plugin", "202"), "changes", "COPY config/ /opt/app-root/config"),
        (("build-data", "8608"), "changes", "okd.dockerfile"),
        (("build-data", "8636"), "breaks", "base-stream9"),
        (("openshift/oc-mirror", "1294"), "nothing", ""),
    ]
    for key, verdict, text in expected:
        answer = answers[key]
        if answer["verdict"] != verdict or text not in sentence(key):
            fail(f"{key[0]}#{key[1]} reads: {answer['verdict']}: {sentence(key)!r}, not {verdict} with {text!r}")
    return len(expected)


def machine_os_images():
    """The backport to 4.20, with build data as it was on its day: the cure stood in 4.21."""
    repository = work / "history/openshift-eng/ocp-build-data.git"
    git = ["git", "-C", str(repository)]
    on_the_day = ["rev-list", "-1", "--first-parent", "--before=2026-01-10T00:00:00Z", "openshift-4.20"]
    commit = subprocess.run([*git, *on_the_day], capture_output=True, text=True, check=True).stdout.strip()
    subprocess.run([*git, "update-ref", "refs/heads/openshift-4.20", commit], check=True)
    config = configuration(
        "machine-os-images-77", repository, "openshift-{release}",
        {"repo": str(work / "history/{org}/{repo}.git")}, ["4.20"])
    # Its head stands on another branch there; what was merged is the last step of its own.
    return impact(config, "openshift/machine-os-images", "--branch", "release-4.20", "--base", "release-4.20~1", "--head", "release-4.20")


def pull_request(row):
    """A pull request of the histories, on the base that is there with it: no verdict, but no crash either."""
    repository, number = row["pull"].split("#")
    branch = "openshift-4.22" if repository.endswith("/etcd") else "release-4.22"
    config = configuration(
        f"{repository.replace('/', '-')}-pull-{number}", work / "history/openshift-eng/ocp-build-data.git", "openshift-{release}",
        {"repo": str(work / "history/{org}/{repo}.git")}, ["4.22"])
    started = time.monotonic()
    answer = impact(config, repository, "--branch", branch, "--base", f"refs/bases/{number}", "--pull", number)
    return answer, time.monotonic() - started


def history(repository, day, release):
    """A branch commit by commit: a finding is new where it first appears, and never a second time unless it went."""
    git = ["git", "-C", str(work / f"components/{repository}.git")]
    listed = subprocess.run([*git, "rev-list", "--first-parent", "--reverse", "main"], capture_output=True, text=True, check=True)
    commits = listed.stdout.split()[-40:]
    config = configuration(
        f"history-{repository.replace('/', '-')}", work / "ocp-build-data.git", f"day-{day}",
        {"repo": str(work / "components/{org}/{repo}.git")}, [release])
    known = lambda one: (one["code"], one.get("image"), json.dumps(one.get("subject") or one.get("place", {}).get("file")))
    there, first = set(), 0
    for base, head in zip(commits, commits[1:]):
        answer = impact(config, repository, "--branch", "main", "--base", base, "--head", head)
        if answer["verdict"] == "failed":
            return f"{repository} at {head}: {answer['error']}"
        for of in answer["releases"]:
            there -= {known(one) for one in of["gone"]}
            for one in of["new"]:
                if known(one) in there:
                    return f"{repository} at {head}: {known(one)} is new a second time"
                there.add(known(one))
                first += 1
    return len(commits) - 1, first


EDITS = [
    lambda lines: ["FROM golang:1.21 AS more", "RUN make more", *lines],
    lambda lines: [line for line in lines if not line.startswith("COPY")],
    lambda lines: ["FROM scratch" if line.startswith("FROM") else line for line in lines],
    lambda lines: [*lines, "RUN true"],
    lambda lines: [*lines, "COPY --from=registry.example.org/a/b:c /a /a"],
    lambda lines: ["no Dockerfile"],
]


def kept():
    """The same answer with what is remembered of 4.16 as without, for a change of each of many components."""
    world = work / "kept"
    corpus = replay.parent.parent
    made = [sys.executable, str(corpus / "materialize.py"), str(corpus / "4.16"), str(world)]
    subprocess.run(made, check=True, capture_output=True)
    rules = ["--rules", "builtin", "--rules", str(pathlib.Path("fixtures/okd-2024-06/rules.yaml").resolve())]

    def asked(state, repository, branch):
        path = world / f"{state}.yaml"
        path.write_text(json.dumps({
            "sources": {
                "build-data": {"repo": "openshift-eng/ocp-build-data.git"},
                "ci-config": {"repo": "openshift/release.git"},
                "components": {"repo": "{org}/{repo}.git"},
            },
            "releases": ["4.16"], "forge": {"kind": "local", "dir": "forge"}, "state": state,
        }))
        command = [lockstep, "impact", repository, "--head", "topic", "--branch", branch, "--format", "json"]
        log = {**os.environ, "RUST_LOG": "lockstep=debug"}
        done = subprocess.run([*command, "--config", str(path), *rules], capture_output=True, text=True, env=log)
        return done.stdout or done.stderr, "nothing has moved" in done.stderr

    changed = []
    for path in sorted(world.glob("openshift/*.git")):
        git = ["git", "-C", str(path)]
        said = lambda *args, **more: subprocess.run([*git, *args], capture_output=True, text=True, check=True, **more).stdout.strip()
        branch = said("for-each-ref", "--format=%(refname:short)", "refs/heads").split()[0]
        dockerfile = next((name for name in said("ls-tree", "--name-only", branch).split() if name.startswith("Dockerfile")), None)
        if dockerfile is None:
            continue
        lines = EDITS[len(changed) % len(EDITS)](said("cat-file", "blob", f"{branch}:{dockerfile}").splitlines())
        blob = said("hash-object", "-w", "--stdin", input="\n".join(lines) + "\n")
        index = {**os.environ, "GIT_INDEX_FILE": str(path / "topic-index")}
        said("read-tree", branch, env=index)
        said("update-index", "--cacheinfo", f"100644,{blob},{dockerfile}", env=index)
        who = {f"GIT_{role}_{part}": value for role in ["AUTHOR", "COMMITTER"]
               for part, value in [("NAME", "A"), ("EMAIL", "a@example.com"), ("DATE", "@1718366400 +0000")]}
        commit = said("commit-tree", said("write-tree", env=index), "-p", branch, "-m", "topic", env={**os.environ, **who})
        said("update-ref", "refs/heads/topic", commit)
        changed.append((f"openshift/{path.stem}", branch))
    changed, verdicts = changed[:24], {}
    asked("warm", *changed[0])
    for number, (repository, branch) in enumerate(changed):
        (warm, recalled), (anew, _) = asked("warm", repository, branch), asked(f"cold-{number}", repository, branch)
        if warm != anew or not recalled:
            return f"{repository}: what is remembered was {'' if recalled else 'not '}taken; it says {warm}, and anew {anew}"
        verdict = json.loads(warm)["verdict"]
        verdicts[verdict] = verdicts.get(verdict, 0) + 1
    return verdicts


# As many components as are here are read beside build data, so that what is only looked for beside them is.
shutil.copytree(work / "components", work / "branched")
for repository in (work / "branched").glob("*/*.git"):
    for release in ["4.21", "4.22"]:
        branch = f"refs/heads/release-{release}"
        subprocess.run(["git", "-C", str(repository), "update-ref", branch, "refs/heads/main"], check=True)

tasks = {}
with concurrent.futures.ThreadPoolExecutor(int(os.environ.get("JOBS", os.cpu_count() or 2))) as pool:
    for row in rows(replay / "merges.tsv"):
        if row["in_pack"] == "y":
            tasks[(row["repository"], row["pull"])] = (row, pool.submit(component, row))
    for row in rows(replay / "build-data-merges.tsv"):
        if row["in_pack"] == "y":
            tasks[("build-data", row["pull"])] = (row, pool.submit(build_data, row))
    pulls = {row["pull"]: pool.submit(pull_request, row) for row in rows(replay / "pull-requests.tsv")}
    histories = [
        pool.submit(history, repository, row["build_data"], row["release"])
        for repository in ["openshift/ironic-image", "openshift/cluster-samples-operator", "openshift/monitoring-plugin"]
        for row in [[row for row in rows(replay / "merges.tsv") if row["repository"] == repository and row["in_pack"] == "y"][-1]]
    ]
    remembered = pool.submit(kept)
    tasks[("openshift/machine-os-images", "77")] = (None, pool.submit(machine_os_images))
answers = {key: future.result() for key, (_, future) in tasks.items()}

known = {(row["repository"], row["pull"]): row for row in rows(reasons)} if reasons.exists() else {}
same, differ, update = 0, [], []
for key, (row, _) in tasks.items():
    if row is None:
        continue
    ours, theirs = told(answers[key]), wanted(row)
    if ours == theirs:
        same += 1
        if key in known:
            differ.append(f"{key[0]}#{key[1]} is as in the table now; take its reason out")
        continue
    reason = known.get(key)
    update.append((*key, *ours, reason["reason"] if reason else ""))
    said = (reason["verdict"], reason["new"], reason["gone"]) if reason else None
    if said != ours or not reason["reason"]:
        error = answers[key].get("error", "")
        differ.append(f"{key[0]}#{key[1]}: {ours} and not {theirs}{', said: ' + str(said) if said else ''} {error}")
if os.environ.get("LOCKSTEP_UPDATE"):
    with open(reasons, "w", newline="") as file:
        table = csv.writer(file, delimiter="\t", lineterminator="\n", quoting=csv.QUOTE_NONE, escapechar="\\")
        table.writerow(["repository", "pull", "verdict", "new", "gone", "reason"])
        table.writerows(update)
if differ:
    fail("\n".join(differ))
counts = {}
for key, (row, _) in tasks.items():
    if row is not None:
        part = "build data" if key[0] == "build-data" else "components"
        counts.setdefault(part, {}).setdefault(answers[key]["verdict"], 0)
        counts[part][answers[key]["verdict"]] += 1
read = stories(answers)
pulls = {name: future.result() for name, future in pulls.items()}
wrong = [f"{name}: {answer['error']}" for name, (answer, _) in pulls.items() if answer["verdict"] == "failed"]
if wrong:
    fail("pull requests that were not answered:\n" + "\n".join(wrong))
walked = [future.result() for future in histories]
twice = [one for one in walked if isinstance(one, str)]
if twice:
    fail("\n".join(twice))
remembered = remembered.result()
if isinstance(remembered, str):
    fail(remembered)
built = sum(bool(answer["releases"]) for answer, _ in pulls.values())
longest = max(seconds for _, seconds in pulls.values())
memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
print(f"ok, {len(tasks) - 1} merges ({same} as in the tables, {len(update)} with a reason), {read} stories read; "
      f"{len(pulls)} pull requests answered ({built} of a release that is built from them), {longest:.1f} s at most, {memory} MiB; "
      f"{sum(count for count, _ in walked)} steps of {len(walked)} branches, {sum(first for _, first in walked)} findings, none twice; "
      f"of {sum(remembered.values())} changes of 4.16 the same is said with what is remembered as without "
      f"({', '.join(f'{n} {v}' for v, n in sorted(remembered.items()))}); "
      + "; ".join(f"{part}: " + ", ".join(f"{n} {v}" for v, n in sorted(of.items())) for part, of in counts.items()))
