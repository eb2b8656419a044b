"""What objects say of each other: names, labels and ports that have to meet."""

from objects import dig, name, pods

# What people make by hand; deploy/README.md says how.
BY_HAND = {("Secret", "lockstep")}


def faults(documents):
    """Yields what points nowhere."""
    there = {(document.get("kind"), dig(document, "metadata", "name")) for document in documents}
    templates = [pod for document in documents for pod in pods(document)]
    for who, _, pod in templates:
        for wanted in sorted(wants(pod)):
            if wanted not in there | BY_HAND:
                yield f"{who}: there is no {wanted[0]} {wanted[1]}"
        yield from (f"{who}: {fault}" for fault in mount_faults(pod, documents))
    for document in documents:
        yield from (f"{name(document)}: {fault}" for fault in object_faults(document, there, templates))
    yield from twice(documents)


def twice(documents):
    seen = set()
    for document in documents:
        if name(document) in seen:
            yield f"{name(document)} is there twice"
        seen.add(name(document))


def wants(pod):
    """Collects the objects that a pod cannot start without."""
    wanted = set()
    if "serviceAccountName" in pod:
        wanted.add(("ServiceAccount", pod["serviceAccountName"]))
    for volume in pod.get("volumes", []):
        if "configMap" in volume:
            wanted.add(("ConfigMap", volume["configMap"]["name"]))
        if "secret" in volume:
            wanted.add(("Secret", volume["secret"]["secretName"]))
        if "persistentVolumeClaim" in volume:
            wanted.add(("PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"]))
    return wanted


def mount_faults(pod, documents):
    volumes = {volume["name"] for volume in pod.get("volumes", [])}
    for document in documents:
        if document.get("kind") == "StatefulSet":
            volumes |= {claim["metadata"]["name"] for claim in dig(document, "spec", "volumeClaimTemplates", default=[])}
    for container in pod.get("containers", []):
        mounted = {mount["name"] for mount in container.get("volumeMounts", [])}
        yield from (f"volume {volume} is not there" for volume in sorted(mounted - volumes))
        yield from (f"volume {volume['name']} is not mounted" for volume in pod.get("volumes", []) if volume["name"] not in mounted)
        ports = {port["name"] for port in container.get("ports", [])}
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            port = dig(container, probe, "httpGet", "port")
            if port is not None and port not in ports:
                yield f"{probe}: there is no port {port}"


def object_faults(document, there, templates):
    kind, spec = document.get("kind"), document.get("spec", {})
    if kind == "Service":
        yield from selector_faults(spec.get("selector"), templates)
        ports = {port["name"] for _, _, pod in templates for c in pod["containers"] for port in c.get("ports", [])}
        yield from (f"no pod has the port {p['targetPort']}" for p in spec["ports"] if p.get("targetPort") not in ports)
    if kind in {"PodDisruptionBudget", "StatefulSet"}:
        yield from selector_faults(dig(spec, "selector", "matchLabels"), templates)
    if kind == "NetworkPolicy":
        yield from selector_faults(dig(spec, "podSelector", "matchLabels"), templates)
    if kind == "ServiceMonitor" and ("Service", "lockstep") not in there:
        yield "there is no service to ask"
    if kind == "RoleBinding":
        wanted = [(document["roleRef"]["kind"], document["roleRef"]["name"])]
        wanted += [(subject["kind"], subject["name"]) for subject in document["subjects"]]
        yield from (f"there is no {kind} {name}" for kind, name in wanted if (kind, name) not in there)
    if kind == "Ingress":
        backends = [path["backend"]["service"]["name"] for rule in spec["rules"] for path in rule["http"]["paths"]]
        yield from (f"there is no service {backend}" for backend in backends if ("Service", backend) not in there)


def selector_faults(labels, templates):
    if not labels:
        yield "it selects everything"
    elif not any(labels.items() <= has.items() for _, has, _ in templates):
        yield f"no pod has the labels {labels}"
