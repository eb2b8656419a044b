"""Checks rendered objects: schemas, restricted-v2, rights, references, names of alerts and of the image.

    check.py [--fixed-group] FILE...     each FILE: what is applied together
    check.py --self-test FILE...         plants faults in rendered files, each of which has to be found
"""

import pathlib
import re
import sys

import alerts
import configuration
import objects
import planted
import references
import restricted
import rights
import schemas

ROOT = pathlib.Path(__file__).resolve().parents[2]


def faults(documents, fixed_group=False):
    """Yields everything that is wrong with objects that are applied together."""
    malformed = [fault for document in documents for fault in schemas.faults(document)]
    if malformed:
        # Everything below takes objects to be what their schemas say.
        yield from malformed
        return
    for document in documents:
        yield from restricted.faults(document, fixed_group)
        yield from image_faults(document)
    yield from rights.faults(documents)
    # A task and a periodic stand alone: what they mount is somebody else's.
    if not any("periodics" in document or document.get("kind") == "Task" for document in documents):
        yield from references.faults(documents)
        yield from configuration.faults(documents)
    yield from alerts.faults(documents, (ROOT / "deploy/runbooks.md").read_text(encoding="utf-8"))


def image_faults(document):
    """Yields images of another version than the project's own."""
    version = re.search(r'^version = "(.+)"', (ROOT / "Cargo.toml").read_text(encoding="utf-8"), re.M).group(1)
    for found in re.findall(r"quay\.io/okd/lockstep[^\s'\"]*", str(document)):
        if found != f"quay.io/okd/lockstep:{version}":
            yield f"{objects.name(document)}: {found} is not version {version}"


def main(arguments):
    fixed_group = "--fixed-group" in arguments
    files = [argument for argument in arguments if not argument.startswith("--")]
    if not files:
        raise SystemExit(__doc__)
    if "--self-test" in arguments:
        found, missed = planted.check([objects.load(file) for file in files], faults)
        print(f"{found} planted faults found, {len(missed)} missed")
        raise SystemExit("\n".join(f"not found: {fault}" for fault in missed) or 0)
    wrong = 0
    for file in files:
        documents = objects.load(file)
        count = 0
        for fault in faults(documents, fixed_group):
            print(f"{file}: {fault}", file=sys.stderr)
            count += 1
        print(f"{file}: {len(documents)} objects, {count} faults")
        wrong += count + (not documents)
    raise SystemExit(1 if wrong else 0)


if __name__ == "__main__":
    main(sys.argv[1:])
