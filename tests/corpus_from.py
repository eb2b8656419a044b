#!/usr/bin/env python3
"""Counts the places of Dockerfiles in which CI's builder puts the image that the unified build config says.

usage: corpus_from.py BUILD_CONFIG_JSON RENDERED [LAID_UNDER]

BUILD_CONFIG_JSON is what `lockstep build-config --format json` printed for one release, RENDERED a folder with openshift/release
as `lockstep render` wrote it, LAID_UNDER the files that were there before (those that are not rendered are right as they are).
This is a second reading of openshift/builder, in another language than lockstep's own: texts are compared as they stand, inputs
come in the order of their keys, the later one wins, `from` replaces the last FROM, and a COPY from a stage that has begun stays.
"""
import json
import os
import re
import sys

import yaml


def simulate(stages, item):
    """The text of each FROM and of each COPY --from after the builder's replacements."""
    texts = {}
    for key in sorted(item.get('inputs') or {}):
        for text in (item['inputs'][key] or {}).get('as') or []:
            texts[text] = ('input', key)
    froms, copies, begun = [], [], set()
    for at, stage in enumerate(stages):
        if at == len(stages) - 1 and item.get('from'):
            froms.append(('input', item['from']))
        else:
            froms.append(texts.get(stage['from'], ('text', stage['from'])))
        begun.add(stage.get('name') or str(at))
        for text in stage.get('copies', []):
            copies.append(('text', text) if text in begun else texts.get(text, ('text', text)))
    return froms, copies


def pullspec(config, payload, became):
    """The image that a text stands for, as the unified build config writes images."""
    kind, text = became
    if kind == 'text':
        return text
    for step in config.get('raw_steps') or []:
        step = step.get('pipeline_image_cache_step') or {}
        if step.get('to') == text:
            return pullspec(config, payload, ('input', step['from']))
    base = (config.get('base_images') or {}).get(text)
    if base:
        return '%s/%s/%s:%s' % (payload['registry'], base['namespace'], base['name'], base['tag'])
    return '%s/%s/%s:%s' % (payload['registry'], payload['namespace'], payload['name'], text)


def wanted(image, registry):
    """By text of a FROM, in order, the image that should stand there; None where CI cannot put it there."""
    def one(given):
        served = given['pullspec'].startswith(registry) if isinstance(given['pullspec'], str) else given['pullspec']['value'].startswith(registry)
        spec = given['pullspec'] if isinstance(given['pullspec'], str) else given['pullspec']['value']
        return (spec if served else None) if given['replaced'] else given.get('token', given['written'])
    froms = [one(i) for i in image.get('builders', [])] + ([one(image['base'])] if image.get('base') else [])
    copies = {c.get('token', c['written']): (one(c) if c['replaced'] else None) for c in image.get('copies_from', []) if c['kind'] == 'copy'}
    return froms, copies


def built(document, rendered, under=None):
    """Each image of the build config with its item and the config that it stands in; a text in their place where it has none."""
    for key, image in document['images'].items():
        repo, branch = image['repository']['value'], image['branch']['value']
        variant = document['payload']['variant']['value']
        name = 'ci-operator/config/%s/%s-%s__%s.yaml' % (repo, repo.replace('/', '-'), branch, variant)
        paths = [os.path.join(folder, name) for folder in (rendered, under) if folder]
        path = next((p for p in paths if os.path.exists(p)), None)
        if path is None:
            yield key, image, 'no %s' % name
            continue
        config = yaml.safe_load(open(path))
        items = config['images'] if isinstance(config['images'], list) else config['images']['items']
        item = next((i for i in items if i.get('to') == image['tag']['value']), None)
        yield key, image, (config, item) if item else '%s has no image %s' % (name, image['tag']['value'])


def payload_of(document):
    return {k: document['payload'][k]['value'] for k in ('registry', 'namespace', 'name', 'variant')}


# A tag of OCP's payload, in the two spellings of CI's registry. OCP's builders (ocp/builder) are no part of it.
OCP_PAYLOAD = re.compile(r'/ocp/[0-9]+\.[0-9]+[:@]|:ocp_[0-9]+\.[0-9]+_')


def from_ocp(document, rendered, under=None):
    """How many places there are, and those in which an image of OCP's payload stands after the builder's replacements."""
    document = json.load(open(document))
    payload, places, found = payload_of(document), 0, []
    for key, image, there in built(document, rendered, under):
        if isinstance(there, str):
            continue
        config, item = there
        for place in sum(simulate(image['stages'], item), []):
            places += 1
            spec = pullspec(config, payload, place)
            if OCP_PAYLOAD.search(spec):
                found.append('%s: %s' % (key, spec))
    return places, found


def main(document, rendered, under=None):
    document = json.load(open(document))
    payload = payload_of(document)
    places = right = images = 0
    faults = []
    for key, image, there in built(document, rendered, under):
        if isinstance(there, str):
            faults.append('%s: %s' % (key, there))
            continue
        config, item = there
        images += 1
        stages = image['stages']
        froms, copies = simulate(stages, item)
        external, copied = wanted(image, payload['registry'] + '/')
        external = iter(external)
        checks = []
        for stage, became in zip(stages, froms):
            want = stage['from'] if 'continues' in stage else next(external)
            checks.append(('FROM ' + stage['from'], want, became))
        texts = [text for stage in stages for text in stage.get('copies', [])]
        for text, became in zip(texts, copies):
            checks.append(('COPY --from=' + text, copied.get(text, text), became))
        for what, want, became in checks:
            if want is None:
                continue
            places += 1
            got = pullspec(config, payload, became)
            same = got == want or (became[0] == 'text' and any(
                i['written'] == want for i in image.get('builders', []) + [image.get('base') or {'written': None}]
                if i.get('token', i['written']) == became[1]))
            right += same
            if not same:
                faults.append('%s: %s is %s, not %s' % (key, what, got, want))
    for fault in faults:
        print(fault)
    print('%d of %d places of %d images are what the build config says' % (right, places, images))
    return 1 if faults else 0


if __name__ == '__main__':
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
