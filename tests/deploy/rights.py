"""What may be done with the cluster's API: one Lease of the own namespace, builds that are looked at, and nothing where none of both is."""

from objects import dig, name, pods

VERBS = {"get", "create", "update"}
# What may be looked at, and no more than that.
LOOKED_AT = {("build.openshift.io", "builds"), ("tekton.dev", "pipelineruns")}


def faults(documents):
    """Yields rights beyond those, and tokens that nobody needs."""
    roles = [document for document in documents if document.get("kind") == "Role"]
    for document in documents:
        if document.get("kind") in {"ClusterRole", "ClusterRoleBinding"}:
            yield f"{name(document)}: rights beyond the own namespace"
    for role in roles:
        for rule in role.get("rules", []):
            yield from (f"{name(role)}: {fault}" for fault in rule_faults(rule))
    for who, _, pod in (pod for document in documents for pod in pods(document)):
        account = next((d for d in documents if d.get("kind") == "ServiceAccount" and name(d).endswith(pod.get("serviceAccountName", "?"))), {})
        token = pod.get("automountServiceAccountToken", account.get("automountServiceAccountToken", True))
        if token and not roles and documents[0].get("kind") != "Task":
            yield f"{who}: it has a token for the cluster's API and no use for it"
        if roles and not token:
            yield f"{who}: it has rights and no token to use them"


def rule_faults(rule):
    groups, resources = rule.get("apiGroups") or [], rule.get("resources") or []
    if groups and resources and {(group, resource) for group in groups for resource in resources} <= LOOKED_AT:
        extra = set(rule.get("verbs", [])) - {"get", "list"}
        if extra:
            yield f"builds are only looked at, it has no need to {', '.join(sorted(extra))}"
        return
    if (rule.get("apiGroups"), rule.get("resources")) != (["coordination.k8s.io"], ["leases"]):
        yield f"{rule.get('resources')} are no leases"
    extra = set(rule.get("verbs", [])) - VERBS
    if extra:
        yield f"it has no need to {', '.join(sorted(extra))}"
    if rule.get("verbs") != ["create"] and not dig(rule, "resourceNames"):
        yield "get and update are not held to one name"
