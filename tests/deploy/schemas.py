"""Kubernetes' own schemas, strictly; and for what it has none for, the shapes of `shapes.yaml`."""

import pathlib

import jsonschema
import kubernetes_validate
import yaml

from objects import name, pods

SHAPES = yaml.safe_load(pathlib.Path(__file__).with_name("shapes.yaml").read_text(encoding="utf-8"))
NEWEST = kubernetes_validate.latest_version()


def faults(document):
    """Yields what the API would not take, or would drop without a word."""
    shape = "periodics" if "periodics" in document else document.get("kind")
    if shape in SHAPES and shape != "definitions":
        schema = {**SHAPES[shape], "type": "object", "definitions": SHAPES["definitions"]}
        for error in jsonschema.Draft7Validator(schema).iter_errors(document):
            yield f"{name(document)}: {error.json_path}: {error.message}"
        # A pod within an object that Kubernetes knows nothing of is held against its schema of pods.
        for who, _, pod in pods(document):
            yield from core_faults(who, {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "pod"}, "spec": pod})
    else:
        yield from core_faults(name(document), document)


def core_faults(who, document):
    try:
        kubernetes_validate.validate(document, NEWEST, strict=True)
    except kubernetes_validate.ValidationError as error:
        yield f"{who}: {'.'.join(str(part) for part in error.path)}: {error.message}"
    except (kubernetes_validate.InvalidSchemaError, kubernetes_validate.SchemaNotFoundError) as error:
        yield f"{who}: Kubernetes {NEWEST} has no such kind {error}".rstrip()
