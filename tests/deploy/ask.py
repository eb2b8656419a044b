"""Asks a service that has just been started: waits until it is ready, sees that metrics take the token, and prints them.

    ask.py URL TOKEN-FILE
"""

import pathlib
import sys
import time
import urllib.error
import urllib.request

# A bound for a machine with much else to do; it is ready within a second where there is nothing else.
PATIENCE = 120


def ask(url, token=None):
    """Gives `(status, body)`; the status is 0 where nobody answers."""
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"} if token else {})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError as error:
        return 0, str(error)


def main(url, token_file):
    token = pathlib.Path(token_file).read_text(encoding="utf-8").strip()
    end = time.monotonic() + PATIENCE
    while (ready := ask(f"{url}/readyz"))[0] != 200:
        if time.monotonic() > end:
            raise SystemExit(f"it does not get ready: {ready}")
        time.sleep(0.1)
    for path, shown, expected in [("/healthz", None, 200), ("/metrics", None, 401), ("/metrics", "another", 401)]:
        status, body = ask(url + path, shown)
        if status != expected:
            raise SystemExit(f"{path} with token {shown}: {status} instead of {expected}: {body}")
    status, body = ask(f"{url}/metrics", token)
    if status != 200:
        raise SystemExit(f"/metrics with the token: {status}: {body}")
    print(body, end="")


if __name__ == "__main__":
    main(*sys.argv[1:])
