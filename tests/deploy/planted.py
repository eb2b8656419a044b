"""Plants faults in objects that have none, and tells which of them the checks do not see."""

import copy

POD = "spec.template.spec"
CONTAINER = f"{POD}.containers.0"
# Kind of the object, path, the value that is put there (`None` takes away what is there), and what is said of it.
FAULTS = [
    ("StatefulSet", "spec.template.spec.containerz", [], "containerz"),
    ("StatefulSet", "spec.replicas", "two", "two"),
    ("StatefulSet", "spec.selector.matchLabels", {"app": "other"}, "no pod has the labels"),
    ("StatefulSet", f"{POD}.securityContext.runAsNonRoot", None, "runAsNonRoot is not true"),
    ("StatefulSet", f"{POD}.securityContext.seccompProfile", None, "seccompProfile is not"),
    ("StatefulSet", f"{POD}.securityContext.runAsUser", 1000, "runAsUser is fixed"),
    ("StatefulSet", f"{POD}.securityContext.fsGroup", 1000, "fsGroup is fixed"),
    ("StatefulSet", f"{POD}.hostNetwork", True, "the host is not ours"),
    ("StatefulSet", f"{POD}.serviceAccountName", "other", "there is no ServiceAccount"),
    ("StatefulSet", f"{POD}.automountServiceAccountToken", True, "no use for it"),
    ("StatefulSet", f"{POD}.initContainers", [{"name": "init", "image": "quay.io/okd/lockstep:0.1.0"}], "init: readOnlyRootFilesystem"),
    ("StatefulSet", f"{POD}.volumes.0", {"name": "config", "hostPath": {"path": "/etc"}}, "hostPath"),
    ("StatefulSet", f"{POD}.volumes.0.configMap.name", "other", "there is no ConfigMap"),
    ("StatefulSet", f"{POD}.volumes.1.secret.secretName", "other", "there is no Secret"),
    ("StatefulSet", f"{CONTAINER}.image", "quay.io/okd/lockstep:latest", "is not version"),
    ("StatefulSet", f"{CONTAINER}.securityContext", None, "allowPrivilegeEscalation is not false"),
    ("StatefulSet", f"{CONTAINER}.securityContext.readOnlyRootFilesystem", False, "readOnlyRootFilesystem is not true"),
    ("StatefulSet", f"{CONTAINER}.securityContext.allowPrivilegeEscalation", True, "allowPrivilegeEscalation is not false"),
    ("StatefulSet", f"{CONTAINER}.securityContext.capabilities", {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}, "capabilities are not"),
    ("StatefulSet", f"{CONTAINER}.securityContext.runAsNonRoot", False, "runAsNonRoot is not true"),
    ("StatefulSet", f"{CONTAINER}.ports.0.hostPort", 8080, "hostPort 8080"),
    ("StatefulSet", f"{CONTAINER}.ports.0.name", "web", "there is no port http"),
    ("StatefulSet", f"{CONTAINER}.readinessProbe.httpGet.port", "web", "there is no port web"),
    ("StatefulSet", f"{CONTAINER}.resources.limits", None, "no memory limit"),
    ("StatefulSet", f"{CONTAINER}.volumeMounts.1.readOnly", None, "is not mounted read-only"),
    ("StatefulSet", f"{CONTAINER}.volumeMounts.0.subPath", "lockstep.yaml", "is a subPath"),
    ("StatefulSet", f"{CONTAINER}.volumeMounts.3.mountPath", "/cache", "/tmp is no volume"),
    ("StatefulSet", "spec.volumeClaimTemplates", None, "volume state is not there"),
    ("StatefulSet", "spec.replicas", 2, "several replicas and no lease"),
    ("StatefulSet", f"{CONTAINER}.ports.0.containerPort", 8081, "is not the container's port"),
    ("StatefulSet", f"{CONTAINER}.volumeMounts.2.mountPath", "/state", "is no volume"),
    ("ServiceMonitor", "spec.endpoints.0.authorization", None, "the server wants"),
    ("Role", "rules.1.resourceNames", ["other"], "in the Role"),
    ("Role", "rules.1.verbs", ["get", "update", "delete"], "no need to delete"),
    ("RoleBinding", "subjects.0.name", "other", "there is no ServiceAccount"),
    ("PodDisruptionBudget", "spec.selector.matchLabels", {"app": "other"}, "no pod has the labels"),
    ("Service", "spec.selector", {"app": "other"}, "no pod has the labels"),
    ("Service", "spec.ports.0.targetPort", "web", "no pod has the port"),
    ("Service", "spec.ports.0.protocl", "TCP", "protocl"),
    ("NetworkPolicy", "spec.podSelector", {}, "it selects everything"),
    ("NetworkPolicy", "spec.egress.0.ports.0.protocol", 53, "53"),
    ("ServiceMonitor", "spec.endpoints.0.intervall", "30s", "intervall"),
    ("ServiceMonitor", "spec.endpoints.0.interval", "30 s", "30 s"),
    ("PrometheusRule", "spec.groups.0.rules.0.alert", "LockstepNoSuchRunbook", "has no such heading"),
    ("PrometheusRule", "spec.groups.0.rules.0.forr", "5m", "forr"),
    ("PrometheusRule", "spec.groups.0.rules.0.annotations.runbook_url", "https://example.org", "its runbook_url"),
    ("ConfigMap", "data", {"lockstep.yaml": 7}, "7"),
    ("ConfigMap", "kind", "ConfigMapp", "has no such kind"),
    ("ConfigMap", "metadata.name", "other", "there is no ConfigMap"),
]
ADDED = [
    ({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "lockstep"}}, "is there twice"),
    (
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "Role",
            "metadata": {"name": "all"},
            "rules": [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}],
        },
        "are no leases",
    ),
    (
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "Role",
            "metadata": {"name": "leases"},
            "rules": [{"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["get", "update"]}],
        },
        "are not held to one name",
    ),
    (
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "Role",
            "metadata": {"name": "builds"},
            "rules": [{"apiGroups": ["build.openshift.io"], "resources": ["builds"], "verbs": ["list", "delete"]}],
        },
        "it has no need to delete",
    ),
]


def check(files, faults):
    """Counts the planted faults that `faults` finds and names, and lists the others. `files`: the objects of each file."""
    found, missed = 0, []
    if any(True for documents in files for _ in faults(documents)):
        missed.append("the objects have faults before any is planted")
    for what, expected, changed in plants(files):
        try:
            said = "\n".join(faults(changed))
        except SystemExit as end:
            said = str(end)
        if expected in said:
            found += 1
        else:
            missed.append(f"{what}: no \"{expected}\" in \"{said}\"")
    return found, missed


def plants(files):
    """Yields `(what, what has to be said, objects with that one fault)`."""
    for kind, path, value, expected in FAULTS:
        # The first file with such an object; one that is nowhere is an error.
        changed = copy.deepcopy(next(documents for documents in files if any(d["kind"] == kind for d in documents)))
        put(next(document for document in changed if document["kind"] == kind), path.split("."), value)
        yield f"{kind} {path} = {value}", expected, changed
    for added, expected in ADDED:
        yield f"{added['kind']} {added['metadata']['name']}", expected, [*copy.deepcopy(files[0]), added]


def put(value, path, wanted):
    *way, last = path
    for key in way:
        value = value[int(key)] if isinstance(value, list) else value[key]
    if isinstance(value, list):
        value[int(last)] = wanted
    elif wanted is None:
        del value[last]
    else:
        value[last] = wanted
