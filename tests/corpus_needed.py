#!/usr/bin/env python3
"""Checks that a build config accounts for every image that OKD needs; prints the counts, or what is missing.

usage: corpus_needed.py REPOSITORIES RELEASE BUILD_CONFIG

Which images are needed is worked out anew, from build data alone: those of the payload, what images are built with,
and the parents of both. An image is derived where its repository is in REPOSITORIES, else held; each held key
is named by a finding.
"""
import json, os, subprocess, sys
import yaml


def build_data(repo, release):
    def git(*args):
        return subprocess.run(['git', '-C', repo, *args], check=True, capture_output=True, text=True).stdout
    branch = f'openshift-{release}'
    for path in git('ls-tree', '--name-only', branch, 'images/').split():
        if path.endswith('.yml'):
            yield path[len('images/'):-len('.yml')], yaml.safe_load(git('show', f'{branch}:{path}'))


def inputs(image):
    okd = image.get('okd') or {}
    return okd.get('from') or image.get('from') or {}


def needed(images):
    wanted = {key for key, image in images.items() if image.get('for_payload')}
    wanted |= {b['member'] for image in images.values() for b in inputs(image).get('builder') or [] if 'member' in b}
    todo = list(wanted)
    while todo:
        parent = inputs(images.get(todo.pop(), {})).get('member')
        if parent and parent not in wanted:
            wanted.add(parent)
            todo.append(parent)
    return wanted


def main(repositories, release, build_config):
    images = dict(build_data(f'{repositories}/openshift-eng/ocp-build-data.git', release))
    with open(build_config) as file:
        document = json.load(file)
    derived, dropped, held = set(document['images']), set(document['dropped']), set(document['held'])
    wanted, faults = needed(images), []

    accounted = derived | dropped | held
    if len(accounted) != len(derived) + len(dropped) + len(held):
        faults.append('an image is in more than one of images, dropped and held')
    faults += [f'{key} is needed and not accounted for' for key in sorted(wanted - accounted)]
    faults += [f'{key} is accounted for and not needed' for key in sorted(accounted - wanted)]
    faults += [f'{key} is dropped without a reason' for key in sorted(dropped) if not document['dropped'][key]]

    # Held for one reason only here: its repository is not there. A finding says so and names the image.
    messages = [f['message'].split() for f in document['findings'] if f['code'] == 'unreadable-component']
    faults += [f'{key} is held, and no finding names it' for key in sorted(held) if not any(key in m for m in messages)]
    for key, image in document['images'].items():
        if not os.path.isdir(f'{repositories}/{image["repository"]["value"]}.git'):
            faults.append(f'{key} is derived from a repository that is not there')
    for finding in document['findings']:
        if finding['code'] == 'unreadable-component' and os.path.isdir(f'{repositories}/{finding["component"]}.git'):
            faults.append(f'{finding["image"]} is held although {finding["component"]} is there')
    if not derived:
        faults.append('nothing is derived')

    counts = f'{len(derived)} derived, {len(dropped)} dropped, {len(held)} held of {len(wanted)} needed'
    print('; '.join(faults + [counts]))
    return 1 if faults else 0


if __name__ == '__main__':
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
