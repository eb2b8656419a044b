"""Takes one part out of rendered objects, for the programs that check it.

    part.py objects FILE          all objects, as a JSON list
    part.py rules FILE            the groups of its PrometheusRules, as Prometheus reads them
    part.py config FILE           the `lockstep.yaml` of its ConfigMap
    part.py served FILE METRICS   fails unless METRICS, as the service gave them, has all that the alerts of FILE ask for
    part.py tested FILE... TESTS  fails unless TESTS has, for every alert, a case in which it fires and one in which it does not
"""

import json
import pathlib
import re
import sys

import yaml

import alerts
from objects import load


def main(what, *files):
    rendered = files[:-1] if what in {"served", "tested"} else files
    documents = [document for file in rendered for document in load(file)]
    if what == "objects":
        json.dump(documents, sys.stdout)
    elif what == "rules":
        groups = [group for d in documents if d["kind"] == "PrometheusRule" for group in d["spec"]["groups"]]
        yaml.safe_dump({"groups": groups}, sys.stdout)
    elif what == "config":
        (config,) = [d["data"]["lockstep.yaml"] for d in documents if d["kind"] == "ConfigMap"]
        sys.stdout.write(config)
    elif what == "served":
        served(alerts.metrics(documents), pathlib.Path(files[-1]).read_text(encoding="utf-8"))
    elif what == "tested":
        tested({rule["alert"] for rule in alerts.rules(documents)}, load(files[-1])[0])
    else:
        raise SystemExit(__doc__)


def served(wanted, text):
    there = set(re.findall(r"^# TYPE (\S+) ", text, re.M))
    if not wanted or wanted - there:
        raise SystemExit(f"the alerts ask for what the service does not serve: {sorted(wanted - there) or 'for nothing'}")
    print(f"the service serves all {len(wanted)} metrics that the alerts ask for")


def tested(names, tests):
    cases = [case for test in tests["tests"] for case in test.get("alert_rule_test", [])]
    fires = {case["alertname"] for case in cases if case.get("exp_alerts")}
    quiet = {case["alertname"] for case in cases if not case.get("exp_alerts")}
    if missing := sorted((names - fires) | (names - quiet)):
        raise SystemExit(f"not both tried firing and tried quiet: {', '.join(missing)}")
    print(f"{len(names)} alerts, each seen to fire and to stay quiet")


if __name__ == "__main__":
    main(*sys.argv[1:])
