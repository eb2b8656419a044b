// Looks at the pages of a running service in a real browser: `node check.mjs PATH/TO/lockstep FOLDER/FOR/SCREENSHOTS`.
// The service is the built program on a copy of the demo.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { appendFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const program = resolve(process.argv[2]);
const shots = resolve(process.argv[3]);
const project = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const browserPath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
assert(browserPath, 'no Chromium is installed');
mkdirSync(shots, { recursive: true });

const folder = mkdtempSync(join(tmpdir(), 'lockstep-browser-'));
const demo = join(folder, 'demo');
const notOfRuns = (path) => !/\/demo\/(out|state)$/.test(path);
cpSync(join(project, 'fixtures/demo'), demo, { recursive: true, filter: notOfRuns });
appendFileSync(join(demo, 'lockstep.yaml'), '\nlisten: 127.0.0.1:0\n');

// What deck, the artifacts' bucket and the release controller have, as folders of the same form: base-stream9 does not build.
function results(to) {
  const put = (path, text) => {
    mkdirSync(dirname(join(to, path)), { recursive: true });
    writeFileSync(join(to, path), typeof text === 'string' ? text : JSON.stringify(text));
  };
  const job = (repo, variant) => `branch-ci-openshift-${repo}-release-4.16-${variant}images`;
  const run = (name, id, commit, state, day) => ({
    spec: { type: 'postsubmit', job: name, refs: { base_sha: commit.repeat(40) } },
    status: { state, build_id: id, startTime: `2026-01-0${day}T00:00:00Z` },
  });
  put('prowjobs.js', { items: [
    run(job('foundation', 'okd-scos-'), '1', 'a', 'success', 1), run(job('foundation', 'okd-scos-'), '2', 'b', 'failure', 2),
    run(job('foundation', ''), '2', 'b', 'success', 2), run(job('compass-driver', 'okd-scos-'), '3', 'c', 'success', 3),
    run(job('beacon', 'okd-scos-'), '4', 'd', 'success', 3), run(job('lantern', 'okd-scos-'), '5', 'e', 'aborted', 3),
  ] });
  const said = 'go: go.mod requires go &gt;= 1.26.0 (running go 1.25.9; GOTOOLCHAIN=local)';
  put(`logs/${job('foundation', 'okd-scos-')}/2/artifacts/junit_operator.xml`, '<testsuites><testsuite name="step graph">'
    + `<testcase name="Build image base-stream9 from the repository"><failure>${said}</failure></testcase></testsuite></testsuites>`);
  const stream = 'api/v1/releasestream/4.16.0-0.okd-scos';
  const tag = (day) => `4.16.0-0.okd-scos-2026-01-0${day}-110045`;
  put(`${stream}/tags`, { name: 's', tags: [{ name: tag(3), phase: 'Rejected' }, { name: tag(1), phase: 'Accepted' }] });
  const compare = `https://github.com/openshift/beacon/compare/${'1'.repeat(40)}...${'2'.repeat(40)}`;
  put(`${stream}/release/${tag(3)}`, { phase: 'Rejected', results: { blockingJobs: { aws: { state: 'Failed' } } }, changeLogJson: {
    from: { name: tag(1) }, updatedImages: [{ name: 'beacon, beacon-tools', path: 'https://github.com/openshift/beacon/tree/2', fullChangeLog: compare,
      commits: [{ subject: 'Blink twice', pullID: 12 }] }] } });
}
results(join(demo, 'ci'));
const configured = readFileSync(join(demo, 'lockstep.yaml'), 'utf8').replace(/^sources:$/m, `sources:
  results:
    prow: {deck: ci, artifacts: ci}
    release-controller: {url: ci, streams: ["{release}.0-0.okd-scos", 4-scos-gone]}`);
assert.match(configured, /release-controller/);
writeFileSync(join(demo, 'lockstep.yaml'), configured);

// A running service: what it has logged, and where it listens.
class Service {
  constructor(config) {
    this.log = '';
    this.process = spawn(program, ['serve', '--config', config], {
      env: { RUST_LOG: 'lockstep=info', PATH: process.env.PATH },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.process.stderr.on('data', (data) => { this.log += data; });
  }

  async until(what, happened) {
    for (let tries = 0; tries < 600; tries += 1) {
      const result = await happened();
      if (result) return result;
      assert.equal(this.process.exitCode, null, `the service has ended: ${this.log}`);
      await new Promise((done) => setTimeout(done, 200));
    }
    throw new Error(`${what} did not happen: ${this.log}`);
  }

  async ready() {
    const base = await this.until('listening', () => /listening on (http:\/\/[\d.:]+)/.exec(this.log)?.[1]);
    await this.until('readiness', async () => (await fetch(`${base}/readyz`)).status === 200);
    return base;
  }

  async end() {
    this.process.kill('SIGTERM');
    await new Promise((done) => (this.process.exitCode === null ? this.process.once('exit', done) : done()));
  }
}

// The made-up cut of fixtures/cut as git repositories, a branch for each folder of files.
function cutWorld(to) {
  const from = join(project, 'fixtures/cut');
  const git = (repo, ...args) => execFileSync('git', ['-C', repo, '-c', 'user.name=ann', '-c', 'user.email=ann@example.com', ...args], {
    env: { PATH: process.env.PATH, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null' }, stdio: 'ignore',
  });
  const branch = (repo, name, files) => {
    if (!existsSync(repo)) {
      mkdirSync(repo, { recursive: true });
      git(repo, 'init');
    }
    git(repo, 'checkout', '--orphan', name);
    for (const old of readdirSync(repo)) if (old !== '.git') rmSync(join(repo, old), { recursive: true });
    cpSync(files, repo, { recursive: true });
    git(repo, 'add', '--all');
    git(repo, 'commit', '-m', 'A change');
  };
  for (const release of readdirSync(join(from, 'build-data'))) {
    branch(join(to, 'build-data'), `openshift-${release}`, join(from, 'build-data', release));
  }
  for (const org of readdirSync(join(from, 'components'))) {
    for (const repo of readdirSync(join(from, 'components', org))) {
      for (const name of readdirSync(join(from, 'components', org, repo))) {
        branch(join(to, 'components', org, repo), name, join(from, 'components', org, repo, name));
      }
    }
  }
  branch(join(to, 'openshift/release'), 'master', join(from, 'release'));
  const config = join(to, 'lockstep.yaml');
  writeFileSync(config, `sources:
  build-data: {repo: build-data, branch: "openshift-{release}"}
  ci-config: {repo: openshift/release, branch: master}
  components: {repo: "components/{org}/{repo}"}
releases: ["4.16", "4.17"]
targets: [prow-config, prow-jobs, release-controller]
forge: {kind: local, dir: forge}
listen: 127.0.0.1:0
`);
  return config;
}

const service = new Service(join(demo, 'lockstep.yaml'));

const checks = [];
const check = (name, run) => checks.push([name, run]);
let base;
let browser;

// A page on which every complaint of the browser and every request to somebody else is noted.
async function open(path, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, ...options });
  const page = await context.newPage();
  page.complaints = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) page.complaints.push(message.text());
  });
  page.on('pageerror', (error) => page.complaints.push(String(error)));
  page.on('requestfailed', (request) => page.complaints.push(`${request.url()} failed`));
  page.on('response', (response) => {
    if (response.status() >= 400) page.complaints.push(`${response.url()}: ${response.status()}`);
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(base)) page.complaints.push(`asked somebody else: ${request.url()}`);
  });
  await page.goto(base + path);
  return page;
}

const PAGES = ['/', '/images/compass-driver/4.16', '/drift', '/pull-requests', '/runs', '/findings', '/graph', '/cut', '/verify', '/verify/4.16',
  '/results', '/payloads', '/images/harbor-base.rhel9/4.16', '/impact'];

check('every page is whole, in light and dark, narrow and wide, and nothing complains', async () => {
  for (const colorScheme of ['light', 'dark']) {
    for (const width of [1280, 400]) {
      for (const path of PAGES) {
        const page = await open(path, { colorScheme, viewport: { width, height: 860 } });
        assert.equal(await page.locator('h1').count(), 1, `${path} has one heading`);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        assert(wide <= 0, `${path} is ${wide} pixels too wide at ${width}`);
        assert.deepEqual(page.complaints, [], path);
        const name = path === '/' ? 'matrix' : path.slice(1).replaceAll('/', '-');
        await page.screenshot({ path: join(shots, `${name}-${colorScheme}-${width}.png`), fullPage: true });
        await page.context().close();
      }
    }
  }
});

const luminance = (rgb) => {
  const [r, g, b] = rgb.match(/[\d.]+/g).slice(0, 3).map((part) => {
    const value = part / 255;
    return value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const contrast = (one, other) => {
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
};

// The texts of a page, each with its colour and what is behind it.
const texts = (page) => page.evaluate(() => {
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = getComputedStyle(at).backgroundColor;
      if (!/, 0\)$/.test(color) && color !== 'transparent') return color;
    }
    return 'rgb(255, 255, 255)';
  };
  const texts = [...document.querySelectorAll('h1, h2, p, a, td, th, code, summary, dt, dd, del, ins, .tag')];
  return texts.filter((text) => text.innerText?.trim() && text.getClientRects().length)
    .map((text) => [text.innerText.trim().slice(0, 40), getComputedStyle(text).color, behind(text)]);
});

check('dark mode is dark, and text can be read in both', async () => {
  const ground = {};
  for (const colorScheme of ['light', 'dark']) {
    const page = await open('/images/compass-driver/4.16', { colorScheme });
    const found = await texts(page);
    assert(found.length > 40, 'there is text');
    for (const [text, front, back] of found) {
      const ratio = contrast(front, back);
      assert(ratio >= 4.5, `${colorScheme}: "${text}" has ${ratio.toFixed(2)}`);
    }
    ground[colorScheme] = luminance(await page.evaluate(() => getComputedStyle(document.body).backgroundColor));
    await page.context().close();
  }
  assert(ground.dark < 0.05 && ground.light > 0.8, JSON.stringify(ground));
});

check('the matrix filters by name and state, and shows all again', async () => {
  const page = await open('/');
  const rows = () => page.locator('tbody tr').count();
  const all = await rows();
  assert(all >= 10, `${all} images`);
  await page.getByLabel('Image or repository').fill('lantern');
  await page.getByRole('button', { name: 'Filter' }).click();
  assert.equal(await rows(), 2);
  assert.equal(await page.getByLabel('Image or repository').inputValue(), 'lantern');
  await page.getByRole('link', { name: 'Show all' }).click();
  await page.getByLabel('State').selectOption({ label: 'in sync' });
  await page.getByRole('button', { name: 'Filter' }).click();
  const inSync = await page.locator('tbody th a').allInnerTexts();
  assert(inSync.includes('tidewatch') && inSync.length < all, inSync.join());
  await page.getByRole('link', { name: /pull request open/ }).first().click();
  assert((await page.locator('tbody td.pr').count()) > 0);
  assert.deepEqual(page.complaints, []);
});

check('from the matrix to an image, why its values are so, and what differs', async () => {
  const page = await open('/');
  await page.getByRole('link', { name: 'compass-driver', exact: true }).click();
  assert.equal(await page.locator('h1').innerText(), 'compass-driver');
  const builder = page.getByRole('row').filter({ has: page.getByRole('rowheader', { name: 'builders[0]' }) });
  assert.match(await builder.innerText(), /rhel-9-golang-1\.21[\s\S]*stream-upstream[\s\S]*streams\.yml:\d+/);
  const changed = page.locator('table.diff tr.change');
  assert((await changed.count()) >= 1, 'lines stand side by side');
  assert.equal(await changed.first().locator('td').count(), 4);
  assert((await page.locator('table.diff del').count()) >= 1, 'the words that differ are marked');
  const old = await page.locator('table.diff td.l').first().boundingBox();
  const next = await page.locator('table.diff td.r').first().boundingBox();
  assert(Math.abs(old.y - next.y) < 2 && next.x > old.x + old.width / 2, 'both sides stand beside each other');
  assert.deepEqual(page.complaints, []);
});

check('the keyboard reaches everything, and one sees where it is', async () => {
  const page = await open('/');
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Skip to the content');
  const skip = await page.locator('.skip').boundingBox();
  assert(skip.x >= 0, 'the skip link is seen when it has the focus');
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'main');
  await page.keyboard.press('Tab');
  const ring = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  assert.notEqual(ring, 'none', 'the focus is seen');
  const reached = new Set();
  for (let tries = 0; tries < 60; tries += 1) {
    reached.add(await page.evaluate(() => document.activeElement.textContent.trim()));
    if (reached.has('compass-driver')) break;
    await page.keyboard.press('Tab');
  }
  assert(reached.has('compass-driver'), [...reached].join(' | '));
  await page.keyboard.press('Enter');
  await page.waitForURL('**/images/compass-driver/4.16');
  assert.deepEqual(page.complaints, []);
});

check('tables and pictures have names and headers for those who hear them', async () => {
  for (const path of PAGES) {
    const page = await open(path);
    const faults = await page.evaluate(() => {
      const faults = [];
      const unnamed = (element) => !(element.getAttribute('aria-label') || element.textContent.trim());
      for (const link of document.querySelectorAll('a, button')) if (unnamed(link)) faults.push(`unnamed ${link.outerHTML}`);
      for (const header of document.querySelectorAll('th')) if (!header.scope) faults.push(`no scope: ${header.outerHTML}`);
      for (const picture of document.querySelectorAll('svg')) {
        if (picture.getAttribute('aria-hidden') !== 'true' && !picture.getAttribute('aria-label')) faults.push('a picture without a name');
      }
      for (const field of document.querySelectorAll('input, select')) if (!field.labels.length) faults.push(`unlabelled ${field.name}`);
      for (const landmark of ['header', 'nav', 'main', 'footer']) if (!document.querySelector(landmark)) faults.push(`no ${landmark}`);
      const ids = [...document.querySelectorAll('[id]')].map((element) => element.id);
      if (new Set(ids).size !== ids.length) faults.push('an id twice');
      if (document.documentElement.lang !== 'en') faults.push('no language');
      return faults;
    });
    assert.deepEqual(faults, [], path);
    await page.context().close();
  }
});

check('what does not build leads to its image, and tells what was said and who it was', async () => {
  const page = await open('/');
  await page.getByRole('link', { name: 'Builds', exact: true }).click();
  await page.waitForURL('**/results');
  const cause = page.locator('.groups > li').first();
  assert.match(await cause.innerText(), /base-stream9[\s\S]*go\.mod asks for a newer Go[\s\S]*OKD alone fails/);
  assert.match(await cause.locator('pre').innerText(), /go\.mod requires go >= 1\.26\.0/);
  assert((await cause.locator('.chips a').count()) >= 1, 'what follows from it');
  await cause.getByRole('link', { name: '4.16' }).first().click();
  await page.waitForURL('**/images/harbor-base.rhel9/4.16#builds');
  assert.equal(await page.locator('.spells li').count(), 2);
  await page.goto(`${base}/`);
  await page.getByLabel('Builds').selectOption({ label: 'broken' });
  await page.getByRole('button', { name: 'Filter' }).click();
  assert.deepEqual(await page.locator('tbody th a').allInnerTexts(), ['base-stream9']);
  assert.deepEqual(page.complaints, []);
});

check('the keyboard reaches causes and payloads, and text there can be read in the dark', async () => {
  for (const path of ['/results', '/payloads']) {
    const page = await open(path, { colorScheme: 'dark', viewport: { width: 400, height: 860 } });
    const wanted = path === '/results' ? '4.16' : '#12';
    const reached = new Set();
    for (let tries = 0; tries < 60 && !reached.has(wanted); tries += 1) {
      await page.keyboard.press('Tab');
      reached.add(await page.evaluate(() => document.activeElement.textContent.trim()));
    }
    assert(reached.has(wanted), [...reached].join(' | '));
    const ring = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
    assert.notEqual(ring, 'none', 'the focus is seen');
    const found = await texts(page);
    assert(found.length > 20, 'there is text');
    for (const [text, front, back] of found) {
      const ratio = contrast(front, back);
      assert(ratio >= 4.5, `${path}: "${text}" has ${ratio.toFixed(2)}`);
    }
    await page.context().close();
  }
});

// Pages on which pull requests of others stand, which the demo has not got: those of the tests of the server.
class Shown {
  constructor() {
    this.said = '';
    this.process = spawn('cargo', ['test', '--locked', '--test', 'it', '--', '--ignored', '--exact', '--nocapture', 'server_pages::look'], {
      cwd: project, env: { ...process.env, LOCKSTEP_SHOW: '127.0.0.1:0', LOCKSTEP_SHOW_DEMO: '1' }, stdio: ['ignore', 'pipe', 'pipe'], detached: true,
    });
    for (const stream of [this.process.stdout, this.process.stderr]) stream.on('data', (data) => { this.said += data; });
  }

  async ready() {
    for (let tries = 0; tries < 6000; tries += 1) {
      const address = /^http:\/\/[\d.:]+$/m.exec(this.said)?.[0];
      if (address) return address;
      assert.equal(this.process.exitCode, null, this.said);
      await new Promise((done) => setTimeout(done, 100));
    }
    throw new Error(`nothing is shown: ${this.said}`);
  }

  end() {
    // What cargo has started goes with it.
    process.kill(-this.process.pid, 'SIGTERM');
  }
}

// What the keyboard comes to, one after the other, each with whether it is seen, and how its ring stands out.
async function tabs(page) {
  const found = [];
  for (let tries = 0; tries < 80; tries += 1) {
    await page.keyboard.press('Tab');
    const at = await page.evaluate(() => {
      const element = document.activeElement;
      if (element === document.body) return null;
      const order = [...document.querySelectorAll('*')].indexOf(element);
      const style = getComputedStyle(element);
      const box = element.getBoundingClientRect();
      const seen = box.width > 0 && box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
      // A ring with room around it stands on what is behind the element.
      let ground = parseFloat(style.outlineOffset) > 0 ? element.parentElement : element;
      const clear = (color) => /, 0\)$/.test(color) || color === 'transparent';
      while (ground && clear(getComputedStyle(ground).backgroundColor)) ground = ground.parentElement;
      return {
        order, seen, name: element.getAttribute('aria-label') ?? element.labels?.[0]?.innerText.trim() ?? element.textContent.trim(),
        ring: style.outlineStyle === 'none' || style.outlineWidth === '0px' ? null : style.outlineColor,
        ground: ground ? getComputedStyle(ground).backgroundColor : 'rgb(255, 255, 255)',
      };
    });
    if (!at || found.some((before) => before.order === at.order)) return found;
    found.push(at);
  }
  throw new Error('the keyboard never comes to an end');
}

// Everything that can be used on a page is reached in the order of the page, is seen then, and shows that it has the focus.
async function walked(page, wanted, where) {
  const found = await tabs(page);
  const names = found.map(({ name }) => name.split('\n')[0]);
  let from = 0;
  for (const name of wanted) {
    const at = names.indexOf(name, from);
    assert(at >= 0, `${where}: "${name}" is not reached, or too early: ${names.join(' | ')}`);
    from = at + 1;
  }
  for (const [at, { order, seen, name, ring, ground }] of found.entries()) {
    assert(at === 0 || order > found[at - 1].order, `${where}: "${name}" comes too late`);
    assert(seen, `${where}: "${name}" has the focus and is not seen`);
    assert(ring, `${where}: "${name}" has the focus without a ring`);
    const ratio = contrast(ring, ground);
    assert(ratio >= 3, `${where}: the ring of "${name}" has ${ratio.toFixed(2)}`);
  }
  const usable = await page.locator('a[href], button, select, input, summary, [tabindex="0"]').evaluateAll((all) => (
    all.filter((one) => one.getClientRects().length).length));
  assert.equal(found.length, usable, `${where}: everything is reached: ${names.join(' | ')}`);
}

check('the keyboard reaches pull requests of others and their tables, wide and narrow, in light and dark', async () => {
  const shown = new Shown();
  const demoBase = base;
  try {
    base = await shown.ready();
    for (const colorScheme of ['light', 'dark']) {
      for (const width of [1280, 400]) {
        const where = `${colorScheme}, ${width}`;
        const page = await open('/impact', { colorScheme, viewport: { width, height: 860 } });
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        assert(wide <= 0, `${where}: ${wide} pixels too wide`);
        await walked(page, ['Skip to the content', 'Repository', 'Verdict', 'Filter', 'Not answered yet', 'Pull requests', 'openshift/etcd#7'], where);
        for (const [text, front, back] of await texts(page)) {
          const ratio = contrast(front, back);
          assert(ratio >= 4.5, `${where}: "${text}" has ${ratio.toFixed(2)}`);
        }
        await page.screenshot({ path: join(shots, `impact-full-${colorScheme}-${width}.png`), fullPage: true });
        // A table that is wider than the page is moved with the arrows.
        const region = page.getByRole('region', { name: 'Pull requests' });
        await region.focus();
        const hidden = await region.evaluate((it) => it.scrollWidth - it.clientWidth);
        if (width === 400) assert(hidden > 0, 'the table is wider than the page');
        if (hidden > 0) {
          await page.keyboard.press('ArrowRight');
          await page.waitForFunction(() => document.activeElement.scrollLeft > 0);
        }
        // And back again.
        await page.keyboard.press('Tab');
        assert.equal(await page.evaluate(() => document.activeElement.textContent), 'openshift/etcd#7');
        await page.keyboard.press('Shift+Tab');
        assert.equal(await page.evaluate(() => document.activeElement.getAttribute('aria-label')), 'Pull requests');
        await page.keyboard.press('Tab');
        await page.keyboard.press('Enter');
        await page.waitForURL('**/impact/openshift/etcd/7');
        await walked(page, ['Skip to the content', 'at GitHub', 'Values that change in 4.16', 'JSON'], `${where}, one`);
        await page.screenshot({ path: join(shots, `impact-one-${colorScheme}-${width}.png`), fullPage: true });
        // Chosen without a mouse.
        await page.goto(`${base}/impact`);
        await page.getByLabel('Verdict').focus();
        await page.keyboard.type('changes');
        await page.keyboard.press('Tab');
        await page.keyboard.press('Enter');
        await page.waitForURL(/verdict=changes/);
        const rows = await page.locator('tbody tr th').allInnerTexts();
        assert(rows.length === 1 && rows[0].startsWith('openshift/etcd#8'), rows.join(' | '));
        assert.deepEqual(page.complaints, [], where);
        await page.context().close();
      }
    }
  } finally {
    base = demoBase;
    shown.end();
  }
});

check('the graph leads to images', async () => {
  const page = await open('/graph?image=harbor-toolbox');
  assert.equal(await page.locator('svg a.node').count(), 2);
  await page.locator('svg a.node.about').click();
  await page.waitForURL('**/images/harbor-toolbox/4.16');
  assert.deepEqual(page.complaints, []);
});

check('a branch cut shows its train, step by step', async () => {
  const cut = new Service(cutWorld(join(folder, 'cut')));
  const demoBase = base;
  try {
    base = await cut.ready();
    await cut.until('a train', async () => (await (await fetch(`${base}/api/v1/cuts`)).json()).length > 0);
    for (const colorScheme of ['light', 'dark']) {
      const page = await open('/cut', { colorScheme });
      assert.equal(await page.locator('h2').first().innerText(), '4.16 → 4.17');
      assert.equal(await page.locator('.train > li').count(), 4);
      assert.match(await page.locator('.notice').innerText(), /Waits for the merge of lockstep\/ci\/4\.17/);
      await page.locator('.train summary').first().click();
      assert((await page.locator('.train .paths li').first().isVisible()));
      assert.deepEqual(page.complaints, []);
      await page.screenshot({ path: join(shots, `cut-under-way-${colorScheme}.png`), fullPage: true });
      await page.context().close();
    }
  } finally {
    base = demoBase;
    await cut.end();
  }
});

check('the graph tells states by shape', async () => {
  const page = await open('/graph');
  const shapes = await page.locator('svg .node use').evaluateAll((uses) => uses.map((use) => use.getAttribute('href')));
  assert(shapes.includes('#mark-ok') && new Set(shapes).size > 1, shapes.join());
  const drawn = await page.locator('svg .node use').first().boundingBox();
  assert(drawn.width > 8 && drawn.height > 8, 'the shape is seen');
  assert.deepEqual(page.complaints, []);
});

check('pages work without scripts, and say what is not there', async () => {
  const page = await open('/', { javaScriptEnabled: false });
  await page.getByLabel('Image or repository').fill('beacon');
  await page.getByRole('button', { name: 'Filter' }).click();
  assert.equal(await page.locator('tbody tr').count(), 2);
  const missing = await page.goto(`${base}/images/nobody/4.16`);
  assert.equal(missing.status(), 404);
  assert.equal(await page.locator('h1').innerText(), 'Nothing is here');
});

let failed = 0;
try {
  base = await service.ready();
  browser = await chromium.launch({ executablePath: browserPath, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
  for (const [name, run] of checks) {
    try {
      await run();
      console.log(`ok      ${name}`);
    } catch (error) {
      failed += 1;
      console.log(`FAILED  ${name}\n${error.stack ?? error}`);
    }
  }
} finally {
  await browser?.close();
  await service.end();
  rmSync(folder, { recursive: true, force: true });
}
console.log(`${checks.length - failed} of ${checks.length} checks passed; screenshots in ${shots}`);
process.exit(failed ? 1 : 0);
