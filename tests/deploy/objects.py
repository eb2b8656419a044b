"""What is in a rendered file: objects, and the pod templates within them."""

import yaml

WORKLOADS = {
    "StatefulSet": ("spec", "template"),
    "Deployment": ("spec", "template"),
    "Job": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
}
# What an object without a pod may be: a kind that is in neither list is refused, so that no pod goes unseen.
NO_POD = {
    "ConfigMap", "Ingress", "NetworkPolicy", "PersistentVolumeClaim", "PodDisruptionBudget", "PrometheusRule", "Role",
    "RoleBinding", "Service", "ServiceAccount", "ServiceMonitor",
}  # fmt: skip


def load(path):
    """Reads all documents of a file."""
    with open(path, encoding="utf-8") as file:
        return [document for document in yaml.safe_load_all(file) if document is not None]


def name(document):
    """Names an object as people do."""
    return f"{document.get('kind', 'no kind')} {document.get('metadata', {}).get('name', '?')}"


def dig(document, *keys, default=None):
    """Follows keys; a missing one gives `default`."""
    for key in keys:
        if not isinstance(document, dict) or key not in document:
            return default
        document = document[key]
    return document


def pods(document):
    """Yields `(name, labels, pod spec)` for every pod that an object makes."""
    kind = document.get("kind")
    if kind in WORKLOADS:
        template = dig(document, *WORKLOADS[kind], default={})
        yield name(document), dig(template, "metadata", "labels", default={}), template.get("spec", {})
    elif kind == "Task":
        yield name(document), {}, pod_of_task(document)
    elif "periodics" in document:
        for periodic in document["periodics"]:
            yield f"periodic {periodic.get('name')}", {}, periodic.get("spec", {})
    elif kind not in NO_POD:
        raise SystemExit(f"{name(document)}: a kind that tests/deploy/objects.py does not know")


def pod_of_task(task):
    """Gives the pod that a task's steps run in, as far as the task says; what only Tekton knows is left out."""
    spec = task.get("spec", {})
    containers = []
    for step in spec.get("steps", []):
        container = {key: value for key, value in step.items() if key not in {"timeout", "computeResources"}}
        container["resources"] = step.get("computeResources", {})
        containers.append(container)
    return {"containers": containers, "volumes": spec.get("volumes", [])}
