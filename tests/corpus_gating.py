"""Compares what verifies OKD's payloads with what people and CI's generator have; tests/corpus_gating.sh says what is needed."""
import json, os, re, subprocess, sys
import yaml

LOCKSTEP, DIR, TABLE = sys.argv[1:4]
UPDATE = '--update' in sys.argv[4:]
JOBS = 'ci-operator/jobs/openshift/release/openshift-release-main-periodics.yaml'
CONFIGS = 'ci-operator/config/openshift/release'
CONTROLLERS = 'core-services/release-controller/_releases'
NEW = ['4.19', '4.20', '4.21', '4.22', '5.0']
OLD = ['4.12', '4.13', '4.14', '4.15', '4.16', '4.17']
# What people do between two releases, and no program can know. Anything else is a fault.
KINDS = {'bounds', 'test', 'interval', 'profile', 'verify', 'top-level', 'prowgen', 'base-image', 'branch'}
# No differences, but what was not compared: the first file of its kind, and a file that is made and that the corpus lacks.
NOT_COMPARED = {'first', 'not-in-corpus'}


def git(repo, *words, data=None):
    run = subprocess.run(['git', '-C', repo, *words], input=data, capture_output=True, check=True)
    return run.stdout


def settings(world, name, release_repo, releases):
    path = f'{DIR}/{world}/{name}.yaml'
    with open(path, 'w') as out:
        out.write(f'''sources:
  build-data: {{repo: openshift-eng/ocp-build-data.git, branch: "openshift-{{release}}"}}
  ci-config: {{repo: {release_repo}}}
  components: {{repo: "{{org}}/{{repo}}.git"}}
releases: {json.dumps(releases)}
rules: [builtin]
targets: [payload-jobs, release-controller]
forge: {{kind: local, dir: forge-{name}}}
state: state-{name}
''')
    return path


def run(*words):
    return subprocess.run([LOCKSTEP, *words], capture_output=True)


def render(config, out):
    done = run('render', '--config', config, '--out', out)
    if done.returncode not in (0, 1):
        sys.exit(done.stderr.decode())
    return f'{out}/openshift/release'


def periodics():
    """All releases at once: the file of CI's generator."""
    out = render(settings('new', 'all', 'openshift/release.git', NEW), f'{DIR}/out-all')
    with open(f'{out}/{JOBS}', 'rb') as ours, open(f'{DIR}/expected/{JOBS}', 'rb') as theirs:
        ours, theirs = ours.read(), theirs.read()
    return ours == theirs, ours.count(b'\n  name: periodic-ci-')


def each_release_by_itself():
    """With the generator's file in place nothing is left to do for any release; of a changed one only its own jobs change."""
    repo = f'{DIR}/new/openshift/release.git'
    with open(f'{DIR}/expected/{JOBS}', 'rb') as theirs:
        text = theirs.read()
    changed = text.replace(b'interval: 168h', b'interval: 167h')
    commit(repo, 'in-sync', 'main', {JOBS: changed})
    for release in NEW:
        config = settings('new', f'one-{release}', 'openshift/release.git', [release])
        with open(config) as file:
            named = file.read().replace('ci-config: {repo: openshift/release.git}', 'ci-config: {repo: openshift/release.git, branch: in-sync}')
        with open(config, 'w') as file:
            file.write(named)
        out = render(config, f'{DIR}/out-one-{release}')
        with open(f'{out}/{JOBS}', 'rb') as ours:
            jobs = ours.read().split(b'\n- agent')
        for job, there, before in list(zip(jobs, text.split(b'\n- agent'), changed.split(b'\n- agent')))[1:]:
            own = f'-main-okd-scos-{release}-'.encode() in re.findall(rb'\n  name: (\S+)', job)[-1]
            if job != (there if own else before):
                return False
    return True


def commit(repo, branch, base, files):
    """A branch of `base` with files laid over it, or taken away (None)."""
    index = {**os.environ, 'GIT_INDEX_FILE': f'{DIR}/index'}
    def own(*words, data=None):
        return subprocess.run(['git', '-C', repo, *words], input=data, capture_output=True, check=True, env=index).stdout
    own('read-tree', base)
    lines = []
    for path, data in files.items():
        blob = '0' * 40 if data is None else own('hash-object', '-w', '--stdin', data=data).decode().strip()
        lines.append(f'{"0" if data is None else "100644"} {blob}\t{path}\n')
    own('update-index', '--index-info', data=''.join(lines).encode())
    tree = own('write-tree').decode().strip()
    who = ['-c', 'user.name=corpus', '-c', 'user.email=corpus@example.invalid']
    made = own(*who, 'commit-tree', '-m', branch, tree).decode().strip()
    own('update-ref', f'refs/heads/{branch}', made)


def paths(repo, branch, folder):
    listed = git(repo, 'ls-tree', '-r', '--name-only', branch, folder).decode().split()
    return [path for path in listed if 'okd-scos-' in path]


def release_of(path):
    found = re.search(r'okd-scos-(\d+\.\d+)', path)
    return found and tuple(int(part) for part in found.group(1).split('.'))


def settings_of_branch(world, name, branch, releases):
    """Settings that read another branch of openshift/release."""
    config = settings(world, name, 'openshift/release.git', releases)
    with open(config) as file:
        named = file.read().replace('repo: openshift/release.git}', f'repo: openshift/release.git, branch: {branch}}}')
    with open(config, 'w') as file:
        file.write(named)
    return config


def kind(path):
    return re.sub(r'\d+\.\d+', 'N', path)


def replay(world, branch, release):
    """What is made for a release where nothing of it and of later ones is there: pairs of people's text and ours, by path, and
    what of it cannot be compared."""
    repo = f'{DIR}/{world}/openshift/release.git'
    number = tuple(int(part) for part in release.split('.'))
    all_paths = paths(repo, branch, CONFIGS) + paths(repo, branch, CONTROLLERS)
    later = {path: None for path in all_paths if (release_of(path) or (0,)) >= number}
    commit(repo, f'before-{release}', branch, later)
    config = settings_of_branch(world, f'replay-{release}', f'before-{release}', [release])
    out = render(config, f'{DIR}/replay-{world}-{release}')
    there = {kind(path) for path in all_paths if path not in later}
    pairs, rows = {}, []
    for path in later:
        if release_of(path) != number:
            continue
        ours = open(f'{out}/{path}').read() if os.path.exists(f'{out}/{path}') else None
        if kind(path) in there:
            pairs[path] = (git(repo, 'show', f'{branch}:{path}').decode(), ours)
        else:
            # Nothing older says what it is to be, so nothing is made.
            rows.append((release, path.rsplit('/', 1)[1], 'other' if ours else 'first', 'file', 'there', ours and 'there'))
    for folder in (CONFIGS, CONTROLLERS):
        made = sorted(os.listdir(f'{out}/{folder}')) if os.path.isdir(f'{out}/{folder}') else []
        new = [name for name in made if 'okd-scos-' in name and f'{folder}/{name}' not in all_paths]
        rows += [(release, name, 'not-in-corpus', 'file', '', 'there') for name in new]
    return pairs, rows


def pairs_of_newer():
    """The first config of an upgrade cannot be made of an older one: taken away, it is what `audit --fix` makes of the oldest newer
    one. Pairs of people's text and ours, by release and path."""
    repo = f'{DIR}/new/openshift/release.git'
    upgrades = [path for path in paths(repo, 'main', CONFIGS) if '-upgrade-from-' in path]
    first = min(upgrades, key=release_of)
    release = '.'.join(str(part) for part in release_of(first))
    commit(repo, 'without-first', 'main', {first: None})
    config = settings_of_branch('new', 'first', 'without-first', NEW)
    run('audit', '--config', config, '--fix', '--apply')
    made = subprocess.run(['git', '-C', repo, 'show', f'lockstep/fixes/{release}:{first}'], capture_output=True)
    ours = made.stdout.decode() if made.returncode == 0 else None
    return release, {first: (git(repo, 'show', f'main:{first}').decode(), ours)}


def build_data_of_old_releases():
    """Branches of build data for the releases of 2024: that of 4.16 under other numbers."""
    repo = f'{DIR}/old/openshift-eng/ocp-build-data.git'
    group = git(repo, 'show', 'openshift-4.16:group.yml').decode()
    for release in OLD:
        minor = release.split('.')[1]
        text = re.sub(r'(?m)^(\s*MINOR:).*$', rf'\1 {minor}', group)
        commit(repo, f'openshift-{release}', 'openshift-4.16', {'group.yml': text.encode()})


def configs_differ(theirs, ours):
    """Kinds and places in which two gating configs differ."""
    found, people, made = [], yaml.safe_load(theirs), yaml.safe_load(ours)
    def bounds(config):
        return config.get('releases', {}).get('initial', {}).get('prerelease', {}).pop('version_bounds', {})
    mine, own = bounds(people), bounds(made)
    found += [('bounds', key, mine.get(key), own.get(key)) for key in sorted(set(mine) | set(own)) if mine.get(key) != own.get(key)]
    tests = [{test['as']: dict(test) for test in config.pop('tests', [])} for config in (people, made)]
    for name in sorted(set(tests[0]) | set(tests[1])):
        mine, own = tests[0].get(name), tests[1].get(name)
        if mine is None or own is None:
            found.append(('test', name, mine and 'there', own and 'there'))
            continue
        for key in ('interval', 'cron'):
            if mine.pop(key, None) != own.pop(key, None) and ('interval', name) not in [item[:2] for item in found]:
                found.append(('interval', name, '', ''))
        profiles = [test['steps'].pop('cluster_profile', None) for test in (mine, own)]
        if profiles[0] != profiles[1]:
            found.append(('profile', name, *profiles))
        if mine != own:
            found.append(('other', f'test {name}', json.dumps(mine), json.dumps(own)))
    changed = any(item[0] == 'test' for item in found)
    images = [config.pop('base_images', {}) for config in (people, made)]
    for key in sorted(set(images[0]) | set(images[1])):
        if images[0].get(key) != images[1].get(key):
            one_lacks = (key in images[0]) != (key in images[1])
            found.append(('base-image' if changed and one_lacks else 'other', key, images[0].get(key), images[1].get(key)))
    if people.pop('prowgen', None) != made.pop('prowgen', None):
        found.append(('prowgen', 'prowgen', '', ''))
    branches = [config['zz_generated_metadata'].pop('branch') for config in (people, made)]
    if branches[0] != branches[1]:
        found.append(('branch', 'branch', *branches))
    if people != made:
        found.append(('other', 'config', json.dumps(people), json.dumps(made)))
    return found


def controllers_differ(theirs, ours):
    """Kinds and places in which two of the release controller's files differ."""
    found, people, made = [], json.loads(theirs), json.loads(ours)
    entries = [file.pop('verify') for file in (people, made)]
    for key in sorted(set(entries[0]) | set(entries[1])):
        mine, own = entries[0].get(key), entries[1].get(key)
        if mine is None or own is None:
            found.append(('verify', key, mine and 'there', own and 'there'))
            continue
        for switch in ('optional', 'maxRetries'):
            if mine.pop(switch, None) != own.pop(switch, None):
                found.append(('verify', f'{key}.{switch}', '', ''))
        if mine == json.loads(json.dumps(own).replace('-release-master-', '-release-main-')) != own:
            found.append(('branch', key, 'main', 'master'))
        elif mine != own:
            found.append(('other', key, json.dumps(mine), json.dumps(own)))
    for key in sorted(set(people) | set(made)):
        if people.get(key) != made.get(key):
            found.append(('top-level', key, '', ''))
    return found


def compare(release, pairs):
    rows, same = [], 0
    for path, (theirs, ours) in sorted(pairs.items()):
        name = path.rsplit('/', 1)[1]
        if ours is None:
            rows.append((release, name, 'missing', '', '', ''))
            continue
        differ = controllers_differ if name.endswith('.json') else configs_differ
        found = differ(theirs, ours)
        same += not found
        rows += [(release, name, kind, place, people, made) for kind, place, people, made in found]
        if not found and ours != theirs:
            rows.append((release, name, 'other', 'bytes', '', ''))
    return rows, same


def audit():
    """The findings about what verifies payloads, as the corpus' own table has them."""
    done = run('audit', '--config', settings('new', 'audit', 'openshift/release.git', NEW), '--format', 'json')
    report = json.loads(done.stdout)
    expected = {'verify-without-job': 8, 'nothing-to-upgrade-from': 1, 'bound-is-no-version': 5, 'upgrade-not-tested': 1}
    codes = {'job-without-verify', 'stream-not-mirrored', 'gating-behind', *expected}
    counts, names = {}, set()
    for finding in report['findings']:
        if finding['code'] in codes or finding['code'].startswith(('gating-', 'verify-', 'upgrade-')):
            counts[finding['code']] = counts.get(finding['code'], 0) + 1
            names.update(re.findall(r'waits for (\S+),', finding['message']))
    return counts == expected and len(names) == 6, counts


def main():
    failed = []
    same, jobs = periodics()
    if not same:
        failed.append('the periodics are not those of CI\'s generator')
    if not each_release_by_itself():
        failed.append('a release by itself changes the jobs of others, or not its own')
    build_data_of_old_releases()
    rows, equal, compared = [], 0, 0
    for world, branch, line in (('new', 'main', NEW), ('old', 'master', OLD)):
        for release in line[1:]:
            pairs, beside = replay(world, branch, release)
            more, same_now = compare(release, pairs)
            rows, equal, compared = rows + more + beside, equal + same_now, compared + len(pairs)
    release, pairs = pairs_of_newer()
    more, same_now = compare(release, pairs)
    rows, equal, compared = rows + more, equal + same_now, compared + len(pairs)
    text = ''.join('\t'.join('' if cell is None else str(cell) for cell in row) + '\n' for row in rows)
    head = '# What people have that the release before does not tell: release, file, kind, place, people\'s value, the one made.\n'
    if UPDATE:
        open(TABLE, 'w').write(head + text)
    known = open(TABLE).read() if os.path.exists(TABLE) else ''
    if known != head + text:
        failed.append('the differences are not those of the table:')
        failed += [f'  + {line}' for line in text.splitlines() if line not in known.splitlines()]
        failed += [f'  - {line}' for line in known.splitlines()[1:] if line not in text.splitlines()]
    beside = [row for row in rows if row[2] in NOT_COMPARED]
    unknown = [row for row in rows if row[2] not in KINDS | NOT_COMPARED]
    failed += ['a difference of no known kind: ' + '\t'.join(map(str, row)) for row in unknown]
    right, counts = audit()
    if not right:
        failed.append(f'the audit\'s findings are others: {counts}')
    for line in failed:
        print(line, file=sys.stderr)
    print(f'{jobs} periodics {"byte for byte" if same else "that differ"}; of {compared} files of {len(NEW) + len(OLD) - 2} '
          f'releases made from their neighbours, {equal} equal and {len(rows) - len(beside)} differences, {len(unknown)} of no known kind, {len(beside)} files not compared; '
          f'audit: {sum(counts.values())} findings{"" if right else ", not the expected ones"}')
    sys.exit(bool(failed))


main()
