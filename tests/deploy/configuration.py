"""What the configuration in the ConfigMap and the objects around it have to agree on."""

import yaml

from objects import dig, name, pods

SECRETS = "/run/secrets/lockstep/"


def faults(documents):
    """Yields disagreements between `lockstep.yaml` and the objects that are applied with it."""
    text = next((d["data"]["lockstep.yaml"] for d in documents if d.get("kind") == "ConfigMap" and "lockstep.yaml" in d["data"]), None)
    if text is None:
        return
    config = yaml.safe_load(text)
    for who, _, pod in (pod for document in documents for pod in pods(document)):
        yield from (f"{who}: {fault}" for fault in pod_faults(config, pod))
    yield from lease_faults(config, documents)
    yield from monitor_faults(config, documents)


def pod_faults(config, pod):
    for container in pod["containers"]:
        mounts = [mount["mountPath"] for mount in container.get("volumeMounts", [])]
        if config["state"] not in mounts:
            yield f"state: {config['state']} is no volume"
        for file in files(config):
            if not file.startswith(SECRETS):
                yield f"{file} is not where the Secret is mounted"
        if "serve" in container.get("args", []):
            host, _, port = config["listen"].rpartition(":")
            if [int(port)] != [port["containerPort"] for port in container.get("ports", [])]:
                yield f"listen: {config['listen']} is not the container's port"
            if host != "0.0.0.0":
                yield f"listen: nobody outside the pod reaches {host}"


def files(value):
    """Yields every file of a secret that the configuration names."""
    for key, inner in value.items() if isinstance(value, dict) else ():
        if isinstance(inner, dict):
            yield from files(inner)
        elif key in {"token-file", "secret-file", "key-file"}:
            yield inner


def lease_faults(config, documents):
    lease = config.get("lease", {}).get("name")
    named = [rule["resourceNames"] for d in documents if d.get("kind") == "Role" for rule in d["rules"] if "resourceNames" in rule]
    if named != ([[lease]] if lease else []):
        yield f"lease: {lease} in lockstep.yaml, {named} in the Role"
    for document in documents:
        if dig(document, "spec", "replicas", default=1) not in (0, 1) and not lease:
            yield f"{name(document)}: several replicas and no lease"


def monitor_faults(config, documents):
    token = dig(config, "server", "token-file")
    for document in documents:
        if document["kind"] == "ServiceMonitor":
            for endpoint in document["spec"]["endpoints"]:
                key = dig(endpoint, "authorization", "credentials", "key")
                if (SECRETS + key if key else None) != token:
                    yield f"{name(document)}: it shows {key}, and the server wants {token}"
