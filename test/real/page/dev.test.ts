/**
 * The page of a real `tandem dev` in a real browser: what a folder of manifests shows, as it changes and as it is started
 * again. It is the page of the bundle: its script is made of the text of functions, which the bundler has rewritten.
 */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { startChromium, type Browser, type Page } from '../harness/chromium.ts';
import type { RunningProcess } from '../harness/processes.ts';
import { startScene } from '../harness/scene.ts';
import { tandemDev, type TandemDev } from '../harness/tandem-dev.ts';
import { HOSTILE, LONGEST } from './full-status.ts';
import { podReview } from './pod-review.ts';

const SECRET = 'b0f3a6e4-only-for-consul';

const scene = await startScene(['chromium']);
const folder = join(scene.folder, 'manifests');
mkdirSync(folder);
let browser: Browser;
let page: Page;
let dev: TandemDev;
let running: RunningProcess;

function write(file: string, ...objects: readonly object[]): void {
  writeFileSync(join(folder, file), JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
}

function service(name: string, annotations: Readonly<Record<string, string>> = {}): object {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'shop', annotations },
    spec: { selector: { app: name }, ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
  };
}

before(async () => {
  write(
    'services.json',
    service('api'),
    service('cron', { 'consul.hashicorp.com/service-sync': 'false' }),
    service('web', { 'consul.hashicorp.com/service-port': 'htpp' }),
    service('hostile', {
      'consul.hashicorp.com/service-port': HOSTILE,
      'consul.hashicorp.com/service-sync': `"><svg onload=alert(3)>${LONGEST}`,
    }),
  );
  dev = await tandemDev(scene, folder, { TANDEM_CONSUL_TOKEN: SECRET });
  [browser, running] = await Promise.all([startChromium(scene.start, scene.folder), dev.start()]);
  page = await browser.page();
  assert.equal(
    await dev.admit(podReview('cart', { 'consul.hashicorp.com/connect-inject': 'true' }, SECRET)),
    200,
  );
  assert.equal(await dev.admit(podReview(HOSTILE, { 'consul.hashicorp.com/connect-inject': HOSTILE })), 200);
});

const LIVE = `document.getElementById('live').textContent === 'Live'`;
const ROWS = `[...document.querySelectorAll('tbody tr')].map((row) => [...row.cells].map((cell) => cell.textContent.trim()))`;

function rowOf(name: string): string {
  return `[...document.querySelectorAll('tbody tr')].find((row) => row.cells[0].textContent === '${name}')?.innerText`;
}

async function open(): Promise<void> {
  await page.go(dev.url);
  await page.until(`${LIVE} && document.querySelectorAll('#services tbody tr').length >= 4`);
}

test('each Service and each admission has a row that says whether it is in, and why', async () => {
  await open();
  assert.match(await page.look(rowOf('shop/api')), /Synced\s+1\s+syncing is the default/);
  assert.match(await page.look(rowOf('shop/cron')), /Left out\s+0\s+service-sync is false/);
  assert.match(
    await page.look(rowOf('shop/web')),
    /Not registered[^]*Problem[^]*service-port[^]*"htpp"[^]*since \d{4}-/,
  );
  assert.match(await page.look(rowOf('shop/cart')), /Injected[^]*the sidecar was added/);
  assert.match(
    await page.look(`document.getElementById('verdict').innerText`),
    /In sync, with something to fix/,
  );
  const webhook = await page.look<string>(`document.getElementById('card-webhook').parentElement.innerText`);
  assert.match(webhook, /Certificate issued\s+\d{4}[^]*Certificate expires\s+\d{4}[^]*1 injected/);
});

test('a manifest that changes is there without a reload, and one that goes leaves', async () => {
  await open();
  await page.look('window.isTheSame = true');
  write('more.json', service('fresh'));
  await page.until(`/Synced/.test(${rowOf('shop/fresh')})`);
  write('more.json', service('fresh', { 'consul.hashicorp.com/service-sync': 'false' }));
  await page.until(`/Left out[^]*service-sync is false/.test(${rowOf('shop/fresh')})`);
  write('more.json');
  await page.until(`${rowOf('shop/fresh')} === undefined`);
  await dev.admit(podReview('late', {}));
  await page.until(`/Left out/.test(${rowOf('shop/late')})`);
  assert.equal(await page.look('window.isTheSame'), true);
});

test('times have their ages, and words that are typed narrow the rows', async () => {
  await open();
  await page.until(`document.querySelector('time[data-age]') !== null`);
  await page.look(`document.querySelector('[type=search]').focus()`);
  await page.type('nothing like that');
  await page.until(`document.querySelectorAll('#services tbody tr').length === 0`);
  assert.deepEqual(page.complaints(), []);
});

test('when the process is gone the page says so, and catches up by itself when it is back', async () => {
  await open();
  await page.look('window.isTheSame = true');
  await running.stop('SIGKILL');
  const said = await page.until<string>(
    `document.querySelector('#live.lost') && document.querySelector('#live.lost').innerText`,
  );
  assert.match(said, /Not live since \d\d:\d\d:\d\d UTC: the connection is lost[^]*out of date/);
  assert.ok(await page.look(rowOf('shop/api')), 'what was known stays');
  write('more.json', service('meanwhile'));
  running = await dev.start();
  await page.until(`${LIVE} && /Synced/.test(${rowOf('shop/meanwhile')})`);
  assert.equal(await page.look(`document.querySelector('#live.lost')`), null);
  assert.equal(await page.look('window.isTheSame'), true);
});

test('what somebody else wrote is text, nothing of it runs, and nothing is asked of anybody else', async () => {
  await open();
  await dev.admit(podReview(HOSTILE, { 'consul.hashicorp.com/connect-inject': HOSTILE }));
  write('more.json', service('web2', { 'consul.hashicorp.com/service-port': HOSTILE }));
  await page.until(`/<img src=x onerror/.test(${rowOf('shop/web2')})`);
  const row = await page.look<string>(rowOf('shop/hostile'));
  assert.match(row, /<img src=x onerror=alert\(1\)><script>/);
  assert.match(row, /<svg onload=alert\(3\)>/);
  const pod = await page.until<string>(`document.querySelector('#admissions tbody').innerText`);
  assert.match(pod, /shop\/<img src=x onerror=alert\(1\)><script>alert\(2\)<\/script>"'>\\u\{202e\}evil/);
  assert.deepEqual(
    await page.look(`[...document.querySelectorAll('main img, main script, main svg')].length`),
    0,
  );
  assert.deepEqual(page.complaints(), []);
  assert.ok(page.requests().length >= 2);
  for (const url of page.requests()) assert.ok(url.startsWith(dev.url), url);
});

test('no token and nothing of a pod but its name is on the page, in the stream, or in /status', async () => {
  for (const path of ['', 'status', 'metrics']) {
    const answer = await (await fetch(dev.url + path)).text();
    assert.ok(answer.length > 500);
    assert.ok(!answer.includes(SECRET), path);
  }
  const reader = (await fetch(`${dev.url}events`)).body?.getReader();
  let stream = '';
  while (!stream.includes('event: change'))
    stream += Buffer.from((await reader?.read())?.value ?? []).toString();
  await reader?.cancel();
  assert.ok(!stream.includes(SECRET));
});

test('without script it is a plain page with the same rows, and its form searches', async () => {
  await open();
  const rows = await page.look(ROWS);
  const plain = await browser.page({ isScriptOff: true });
  await plain.go(dev.url);
  assert.deepEqual(await plain.look(ROWS), rows);
  assert.match(
    await plain.look(`document.getElementById('live').innerText`),
    /As of \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC; reload for news/,
  );
  await plain.look(`document.querySelector('[type=search]').focus()`);
  await plain.type('cron');
  await plain.press('Enter');
  await plain.until(`location.search === '?q=cron&state='`);
  // The address is the new one before its rows have come.
  await plain.until(
    `[...document.querySelectorAll('#services tbody th')].map((each) => each.textContent).join() === 'shop/cron'`,
  );
});
