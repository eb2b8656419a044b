"""Holds what lockstep says of the cases against what the reports ask for: reports.py LOCKSTEP FOLDER [NUMBER]...

A check is a function named after its case. It gets the case's world and fails by `need`; the number of the section that the
case belongs to stands beside it, so that a red line says whose it is.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import yaml

CHECKS = {}


class Failed(Exception):
    """What a case asks for is not there."""


def need(there, what):
    if not there:
        raise Failed(what)


def case(number, section):
    def take(check):
        CHECKS[number] = (section, check)
        return check

    return take


class World:
    """A case's folder, and lockstep run in it."""

    def __init__(self, lockstep, folder):
        self.lockstep, self.folder, self.said = lockstep, folder, []

    def run(self, *args, config="lockstep.yaml", code=0):
        done = subprocess.run(
            [self.lockstep, *args, "--config", config], cwd=self.folder, capture_output=True, text=True, timeout=300
        )
        self.said.append(f"$ lockstep {' '.join(args)} --config {config}\n{done.stdout}{done.stderr}")
        need(done.returncode == code, f"exit code {done.returncode} of {args[0]}, not {code}")
        return done.stdout + done.stderr

    def audit(self, *args):
        """The findings of an audit."""
        done = subprocess.run(
            [self.lockstep, "audit", "--format", "json", "--config", "lockstep.yaml", *args],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=300,
        )
        self.said.append(f"$ lockstep audit {' '.join(args)}\n{done.stdout}{done.stderr}")
        return json.loads(done.stdout)["findings"]

    def rendered(self):
        self.run("render", "--out", "rendered")
        return self.folder / "rendered"

    def config(self, path):
        """A rendered config."""
        file = self.rendered() / "openshift/release/ci-operator/config" / path
        need(file.is_file(), f"{path} is not rendered")
        return yaml.safe_load(file.read_text())


    def story(self):
        """What the case's own script says: it makes repositories with a history, and runs lockstep on them."""
        done = subprocess.run(
            ["sh", "story.sh"],
            cwd=self.folder,
            env={**os.environ, "LOCKSTEP": self.lockstep},
            capture_output=True,
            text=True,
            timeout=300,
        )
        self.said.append(done.stdout + done.stderr)
        need(done.returncode == 0, f"the story ends with {done.returncode}")
        return done.stdout


def items(config):
    images = config["images"]
    return images["items"] if isinstance(images, dict) else images


def text_of(finding):
    return " ".join(str(finding.get(key) or "") for key in ("message", "help"))


def found(findings, code, *words):
    """The findings of a code that have all the words in message and help."""
    return [one for one in findings if one["code"] == code and all(word in text_of(one) for word in words)]


def removed(plan):
    """The lines that a plan by file takes away."""
    return [line for line in plan.splitlines() if re.match(r"^-(?!--)", line)]


@case("01", 2)
def arg_from_literal(world):
    [image] = items(world.config("openshift/coastline/openshift-coastline-release-4.16__okd-scos.yaml"))
    names = [name for entry in image["inputs"].values() for name in entry["as"]]
    need("${IMAGE_FROM}" in names, f"`as` has {names}")


@case("03", 2)
def stage_continued(world):
    [image] = items(world.config("openshift/keel/openshift-keel-release-4.16__okd-scos.yaml"))
    names = sorted(name for entry in image["inputs"].values() for name in entry["as"])
    need(all(name.startswith("registry.ci.openshift.org/") for name in names) and len(names) == 2, f"`as` has {names}")


@case("06", 2)
def copy_from_image(world):
    pullspec = "registry.ci.openshift.org/ocp/4.16:cli"
    config = world.config("openshift/dinghy/openshift-dinghy-release-4.16__okd-scos.yaml")
    [image] = items(config)
    names = image.get("inputs", {}).get("origin_scos-4.16_cli", {}).get("as", [])
    told = [one for one in world.audit() if pullspec in text_of(one)]
    need(pullspec in names or told, "neither an input nor a finding")


@case("09", 3)
def promotion_second_target(world):
    plan = world.run("plan", "--by", "file")
    lost = any("scos-4.16-art" in line for line in removed(plan))
    told = [one for one in world.audit() if "scos-4.16-art" in text_of(one)]
    need(not lost or told, "the second target goes without a word")


@case("15", 4)
def member_by_name_no_base(world):
    findings = world.audit()
    need(found(findings, "dangling-member", "tern"), "no hint to tern")
    need(any("images/tern.yml" in text_of(one) for one in findings), "whose `name` it is, is not said")
    need(any("no base" in text_of(one) for one in findings), "no word of the missing base")


@case("16", 1)
def jobs_secrets_store(world):
    plan = world.run("plan", "--by", "file")
    need(not removed(plan), f"takes away {removed(plan)[:3]}")
    jobs = world.rendered() / "openshift/release/ci-operator/jobs/openshift/knot"
    names = [
        job["name"]
        for file in sorted(jobs.iterdir())
        for kind in ("presubmits", "postsubmits")
        for job in (yaml.safe_load(file.read_text()).get(kind) or {}).get("openshift/knot", [])
    ]
    images = [name for name in names if name.endswith("-okd-scos-images")]
    need(len(images) == 2, f"images jobs: {images}")


@case("17", 4)
def konflux_stanza(world):
    findings = world.audit()
    need(found(findings, "stanzas-disagree", "Dockerfile.konflux", "konflux.content.source.dockerfile"), "not named")
    need(not found(findings, "stanzas-disagree", "Konflux Dockerfile.art"), "the wrong file is named")


@case("22", 4)
def gomod_forms(world):
    findings = world.audit()
    need(found(findings, "go-refused", "gw", "1.23.0"), "gw is not reported")
    need(found(findings, "go-refused", "gw", "go.work"), "go.work is not named")
    for image in ("ga", "gb", "gc", "ge", "gf", "gh"):
        modules = [one for one in findings if one.get("image") == image and one["code"].startswith("go-")]
        need(all("go.work" not in text_of(one) for one in modules), f"{image} has no go.work")


@case("38", 3)
def repos_injected_by_hand(world):
    plan = world.run("plan", "--by", "file")
    undone = any("pre-repo-base-stream9" in line for line in removed(plan))
    need(not undone, "half of what a person made is undone")


@case("39", 1)
def jobs_of_today(world):
    plan = world.run("plan", "--by", "file")
    need("In sync" in plan, "there is drift")


@case("42", 4)
def builder_nobody_publishes(world):
    pullspec = "rhel-9-golang-1.25-openshift-4.20"
    told = found(world.audit(), "unpublished-image", pullspec, "rhel-9-golang-1.25", "disabled")
    need(told, "no finding about the builder")
    need(any("ci-golang-builder-extra.rhel9" in text_of(one) for one in told), "the image is not named")


@case("43", 4)
def okd_not_switched_on(world):
    said = world.run("render", "--out", "rendered")
    need(re.search(r"note\[.*5\.1.*okd\.enabled", said), "no note")
    there = [path for path in (world.folder / "rendered").rglob("*okd-scos*")] if (world.folder / "rendered").is_dir() else []
    need(not there, f"renders {there[:2]}")
    rule = world.folder / "rule.yaml"
    rule.write_text(
        "rules:\n- id: always\n  because: It is tried.\n  on: payload\n  when: has(group.okd.enabled) && !group.okd.enabled\n"
        "  set: {waits: ''}\n  overrides: [not-switched-on]\n"
    )
    said = world.run("render", "--out", "other", "--rules", "builtin", "--rules", "rule.yaml")
    need(list((world.folder / "other").rglob("*okd-scos*")), "a rule does not see `group.okd`")


@case("45", 4)
def image_moved_repository(world):
    plan = world.run("plan", "--by", "file")
    old = "disk-driver-operator/openshift-disk-driver-operator-release-5.0__okd-scos.yaml"
    need("old home" in plan, "no word of the old home")
    gone = re.search(rf"(removed|deleted).*{re.escape(old)}|{re.escape(old)}.*removed", plan) or f"--- a/ci-operator/config/openshift/{old}\n+++ /dev/null" in plan
    waits = "waits" in plan
    need(gone or waits, "the old config neither goes nor is waited for")


@case("46", 4)
def promotion_left_disabled(world):
    said = world.run("render", "--out", "rendered")
    need(re.search(r"no-promotion\].*release-5\.0.*disabled", said), "does not say that it is there, disabled")
    plug = world.folder / "rendered/openshift/release/ci-operator/config/openshift/plug"
    for file in plug.glob("*okd-scos.yaml") if plug.is_dir() else []:
        before = world.folder / "repos/openshift/release/ci-operator/config/openshift/plug" / file.name
        need(file.read_bytes() == before.read_bytes(), "plug is not held")


@case("47", 3)
def mirror_mapping_of_new_tag(world):
    line = "quay.io/openshift/ci:origin_scos-5.0_vip quay.io/openshift/origin-vip:5.0 quay.io/openshift/origin-vip:5.0.0"
    plan = world.run("plan", "--by", "file")
    told = [one for one in world.audit() if "origin-vip" in text_of(one)]
    need(line in plan or told, "no line in the mapping, and no finding")


@case("48", 4)
def ci_repository_on_main(world):
    plan = world.run("plan")
    need("openshift-spar" in plan or "openshift/spar" in plan, "nothing is planned")
    said = world.run("reconcile")
    need("to main" in said or "main" in said, "the request does not go to main")
    world.run("plan", config="lockstep-master.yaml", code=1)


@case("51", 4)
def machine_os_el10_tags(world):
    told = found(world.audit(), "unresolved-tag")
    need(not told, f"unresolved: {[text_of(one) for one in told][:2]}")
    world.run("audit", "--exit-code")


@case("52", 15)
def merged_with_a_persons_commit(world):
    before, after = world.story().split("== 3 squash merge")
    need("left alone, the branch has commits of somebody else" in before, "a person's commit is not left alone")
    need("left alone" not in after, "a merged branch still holds back")
    need("new pull request" in after or "The pull request is recorded" in after, "the next drift opens nothing")


@case("53", 4)
def release_branch_promotes_next(world):
    both = world.audit()
    for release, findings in (("5.0", world.audit("--release", "5.0")), ("all", both)):
        need(found(findings, "two-branches-promote", "main", "release-4.22", "openshift/rudder"), f"not told for {release}")
    need(found(both, "no-promotion", "the config of release-4.22 is there and promotes to ocp/5.0"), "no-promotion is silent")


@case("54", 4)
def okd_payload_name(world):
    said = world.run("explain", "node-os", "--field", "tag")
    need("stream-node-os" in said.splitlines()[2] if len(said.splitlines()) > 2 else False, "the tag is not stream-node-os")
    plan = world.run("plan", "--by", "file")
    need("+" not in [line.strip()[:1] for line in plan.splitlines() if "to: rhel-node-os" in line], "rhel-node-os is added")
    told = [one for one in world.audit() if "stream-node-os" in text_of(one) and "rhel-node-os" in text_of(one)]
    need(told, "no finding that the two differ")


@case("55", 18)
def modification_of_the_okd_stanza(world):
    told = found(world.audit(), "modifications-not-applied", "okd.content.source.modifications", "build_args")
    need(told, "nothing says that CI does not apply the modification")


@case("56", 17)
def a_release_that_is_another(world):
    auto, rest = world.story().split("== releases: 4.22 and 5.0")
    audit, cut = rest.split("== cut")
    need("note[release-passed-over]" in auto and "__okd-scos-4.23" not in auto, "a config of 4.23 is planned with `auto`")
    need("0 errors, 0 warnings" in audit, "the audit is not quiet")
    need("branch cut 4.22 → 5.0 (4.23 is left out)" in cut, "the cut does not leave out 4.23")
    steps = re.findall(r"^\d+[.] (\S+):", cut, re.M)
    need(steps and set(steps) <= {"4.22", "5.0"}, f"steps of {steps}")


def main():
    lockstep, folder, asked = sys.argv[1], Path(sys.argv[2]), sys.argv[3:]
    passed, failed = 0, []
    for number in sorted(asked or CHECKS):
        section, check = CHECKS[number]
        [place] = folder.glob(f"{number}-*")
        world = World(lockstep, place)
        try:
            check(world)
            passed += 1
            print(f"ok      {place.name}")
        except (Failed, KeyError, ValueError, TypeError, subprocess.TimeoutExpired) as why:
            failed.append(number)
            print(f"FAILED  {place.name} (section {section}): {why!r}")
        if asked:
            print("\n".join(world.said))
    print(f"{passed} of {passed + len(failed)} cases as reported" + (f"; not {', '.join(failed)}" if failed else ""))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
