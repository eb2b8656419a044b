"""What OpenShift's restricted-v2 and Kubernetes' restricted pod security demand, and a read-only root besides."""

from objects import dig, pods

HOST = ("hostNetwork", "hostPID", "hostIPC")
IDS = ("runAsUser", "runAsGroup", "fsGroup", "supplementalGroups", "seLinuxOptions")
VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}


def faults(document, fixed_group=False):
    """Yields what restricted-v2 would refuse; with `fixed_group` a plain cluster's group for volumes is let through."""
    for name, _, pod in pods(document):
        for fault in pod_faults(pod, {"fsGroup"} if fixed_group else set()):
            yield f"{name}: {fault}"


def pod_faults(pod, allowed):
    context = pod.get("securityContext", {})
    containers = pod.get("containers", []) + pod.get("initContainers", [])
    if not containers:
        yield "no container"
    if "ephemeralContainers" in pod:
        yield "ephemeralContainers: none belongs into a template"
    yield from (f"{key}: the host is not ours" for key in HOST if pod.get(key))
    yield from (f"{key} is fixed; each namespace has its own range" for key in IDS if key in context and key not in allowed)
    for volume in pod.get("volumes", []):
        yield from (f"volume {volume['name']}: {kind}" for kind in volume if kind != "name" and kind not in VOLUMES)
    for container in containers:
        yield from (f"{container.get('name')}: {fault}" for fault in container_faults(container, context))
        yield from (f"{container.get('name')}: {fault}" for fault in write_faults(container, pod))


def container_faults(container, pod_context):
    own = container.get("securityContext", {})
    both = {**pod_context, **own}
    if both.get("runAsNonRoot") is not True:
        yield "runAsNonRoot is not true"
    if dig(both, "seccompProfile", "type") != "RuntimeDefault":
        yield "seccompProfile is not RuntimeDefault"
    if own.get("allowPrivilegeEscalation") is not False:
        yield "allowPrivilegeEscalation is not false"
    if own.get("readOnlyRootFilesystem") is not True:
        yield "readOnlyRootFilesystem is not true"
    if own.get("capabilities") != {"drop": ["ALL"]}:
        yield "capabilities are not `drop: [ALL]` alone"
    if own.get("privileged") or own.get("procMount"):
        yield "privileged or procMount"
    yield from (f"{key} is fixed; each namespace has its own range" for key in IDS if key in own)
    yield from (f"hostPort {port['hostPort']}" for port in container.get("ports", []) if "hostPort" in port)
    if not dig(container, "resources", "limits", "memory") or not dig(container, "resources", "requests", "cpu"):
        yield "no memory limit or no CPU request"


def write_faults(container, pod):
    """Yields places that the program writes to and that are no volume, and secrets that it could write to."""
    mounts = {mount["mountPath"]: mount for mount in container.get("volumeMounts", [])}
    if "/tmp" not in mounts:
        yield "/tmp is no volume"
    read_only = {volume["name"] for volume in pod.get("volumes", []) if "configMap" in volume or "secret" in volume}
    for mount in mounts.values():
        if mount["name"] in read_only and mount.get("readOnly") is not True:
            yield f"{mount['mountPath']} is not mounted read-only"
        if "subPath" in mount:
            yield f"{mount['mountPath']} is a subPath: what changes in it never reaches the pod"
