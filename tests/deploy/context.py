"""Lays out what the image's build gets to see: the files that git tracks, that Containerfile.dockerignore lets in and that the
first stage copies.

    context.py DIR
"""

import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def copied():
    """Yields the sources of the `COPY` lines of the stage that builds."""
    stage = (ROOT / "deploy/Containerfile").read_text(encoding="utf-8").split("\nFROM ")[1]
    for line in stage.splitlines():
        if line.startswith("COPY "):
            *sources, _ = line.split()[1:]
            yield from sources


def let_in():
    lines = (ROOT / "deploy/Containerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    if rules[0] != "*" or not all(rule.startswith("!") for rule in rules[1:]):
        raise SystemExit("Containerfile.dockerignore has to leave out everything, and then to let in by name")
    return {rule[1:] for rule in rules[1:]}


def main(target):
    sources = set(copied())
    if sources != let_in():
        raise SystemExit(f"Containerfile copies {sorted(sources)}, its ignore file lets in {sorted(let_in())}")
    tracked = subprocess.run(["git", "ls-files", "-z", "--", *sorted(sources)], cwd=ROOT, check=True, capture_output=True)
    for name in tracked.stdout.decode().split("\0"):
        if name:
            place = pathlib.Path(target, name)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, place)


if __name__ == "__main__":
    main(*sys.argv[1:])
