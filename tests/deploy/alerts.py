"""What an alert has to say: where the runbook for it stands, and that it stands there."""

import re

RUNBOOKS = "https://github.com/okd-project/lockstep/blob/main/deploy/runbooks.md#"


def rules(documents):
    """Yields the alerting rules of all objects."""
    for document in documents:
        if document.get("kind") == "PrometheusRule":
            for group in document["spec"]["groups"]:
                yield from group["rules"]


def faults(documents, runbooks):
    """Yields alerts without a runbook."""
    headings = set(re.findall(r"^## (\w+)$", runbooks, re.M))
    for rule in rules(documents):
        alert = rule.get("alert", "?")
        if alert not in headings:
            yield f"{alert}: deploy/runbooks.md has no such heading"
        if rule.get("annotations", {}).get("runbook_url") != RUNBOOKS + alert.lower():
            yield f"{alert}: its runbook_url is not that of its heading"


def metrics(documents):
    """Collects our own metrics that alerts ask for."""
    return {metric for rule in rules(documents) for metric in re.findall(r"\blockstep_\w+", rule["expr"])}
