/** A reader at the page: searching, by keyboard alone, and while it changes. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { controllerOf } from '../../../src/status-page/status.ts';
import { service, statusOf, toConsul } from '../../unit/status-page/sample-status.ts';
import { startChromium, type Browser, type Page } from '../harness/chromium.ts';
import { startScene } from '../harness/scene.ts';
import { fullStatus, largeStatus, quietStatus, withServices } from './full-status.ts';
import { servePage, type ServedPage } from './served-page.ts';

const scene = await startScene(['chromium']);
let browser: Browser;
let page: Page;
before(async () => {
  browser = await startChromium(scene.start, scene.folder);
  page = await browser.page();
});

const LIVE = `document.getElementById('live').textContent === 'Live'`;
const NAMES = `[...document.querySelectorAll('#services tbody th')].map((each) => each.textContent)`;

async function open(served: ServedPage): Promise<void> {
  scene.atEnd(served.close);
  await page.go(served.url);
  await page.until(LIVE);
}

test('a search narrows the rows as it is typed, is in the address, and survives a reload', async () => {
  await open(await servePage(fullStatus));
  await page.look(`document.querySelector('[type=search]').focus()`);
  await page.type('HTPP web');
  await page.until(`${NAMES}.join() === 'default/web'`);
  assert.equal(await page.look('location.search'), '?q=HTPP+web');
  assert.match(await page.until(`document.getElementById('said').textContent`), /1 of 5 Services match/);
  assert.match(await page.look(`document.querySelector('#pods .note').innerText`), /None of 2 pods matches/);
  await page.reload();
  assert.deepEqual(await page.look(NAMES), ['default/web']);
  assert.equal(await page.look(`document.querySelector('[type=search]').value`), 'HTPP web');
  await page.look(`document.querySelector('[type=search]').focus()`);
  await page.press('Escape');
  await page.until(`${NAMES}.length === 5`);
  assert.equal(await page.look('location.search'), '');
});

test('a state narrows them too, and each choice says how many it would show', async () => {
  await open(await servePage(fullStatus));
  const choices = `[...document.querySelectorAll('fieldset label')].map((each) => each.innerText.replace(/\\s+/g, ' '))`;
  assert.deepEqual(await page.look(choices), ['All 14', 'In step 6', 'Left out 7', 'Problems 7']);
  await page.look(`document.querySelector('[name=state][value=""]').focus()`);
  for (const _ of ['in', 'out']) await page.press('ArrowRight');
  await page.until(`${NAMES}.join() === 'default/web,default/cron'`);
  assert.equal(await page.look('location.search'), '?state=out');
  await page.reload();
  assert.deepEqual(await page.look(NAMES), ['default/web', 'default/cron']);
  assert.equal(await page.look(`document.querySelector('[name=state]:checked').value`), 'out');
});

test('of many rows the first are shown, a search finds the others, and all can be had', async () => {
  await open(await servePage(largeStatus));
  assert.equal(await page.look(`${NAMES}.length`), 500);
  await page.look(`document.querySelector('[type=search]').focus()`);
  await page.type('service-1999');
  await page.until(`${NAMES}.join() === 'default/service-1999'`);
  await page.press('Escape');
  await page.until(`${NAMES}.length === 500`);
  await page.look(`[...document.links].find((each) => each.innerText === 'Show all 2,000').click()`);
  await page.until(`${NAMES}.length === 2000`);
});

/** What has the focus, as a screen reader would name it, and whether somebody sees that it has. */
const FOCUS = `(() => {
  const each = document.activeElement;
  if (each === document.body) return undefined;
  const ring = each.type === 'radio' ? each.nextElementSibling : each;
  const { outlineStyle, outlineWidth } = getComputedStyle(ring);
  const { left, right, top, bottom } = ring.getBoundingClientRect();
  return {
    name: (each.labels?.[0] ?? each).innerText.replace(/\\s+/g, ' ').trim(),
    isSeen: outlineStyle === 'solid' && parseFloat(outlineWidth) >= 2 && left >= 0 && top >= 0 && right <= innerWidth && bottom <= innerHeight,
  };
})()`;

type Focus = { readonly name: string; readonly isSeen: boolean };

test('by keyboard alone: every control in the order of the page, and the focus is seen', async () => {
  await open(await servePage(fullStatus));
  const order: string[] = [];
  for (;;) {
    await page.press('Tab');
    const focus = await page.look<Focus | undefined>(FOCUS);
    if (focus === undefined || focus.name === order[0]) break;
    assert.ok(focus.isSeen, `the focus on ${focus.name}`);
    order.push(focus.name);
  }
  assert.deepEqual(order, [
    'Skip to the search',
    ...Array.from({ length: 3 }, () => 'Each row says what to do'),
    'Kubernetes Services in Consul 5',
    'Consul services in Kubernetes 4',
    'Injected pods in Consul 2',
    'Newest admissions 3',
    'Search names, reasons and problems',
    'All 14',
    'Search',
    '/status',
    '/metrics',
    '/health/live',
    '/health/ready',
  ]);
});

test('the link at the top skips to the search, and Enter searches at once', async () => {
  await open(await servePage(fullStatus));
  await page.press('Tab');
  await page.press('Enter');
  await page.until(`location.hash === '#search'`);
  await page.press('Tab');
  assert.equal((await page.look<Focus>(FOCUS)).name, 'Search names, reasons and problems');
  await page.type('cron');
  await page.press('Enter');
  await page.until(`${NAMES}.join() === 'default/cron'`);
  assert.equal(await page.look('location.search + location.hash'), '?q=cron#search');
});

test('what changes leaves focus, selection and scroll where they are, and nothing else moves', async () => {
  const served = await servePage(largeStatus);
  await open(served);
  const row = (name: string): string =>
    `[...document.querySelectorAll('#services tbody tr')].find((each) => each.cells[0].innerText === 'default/${name}')`;
  await page.look(`(() => {
    document.querySelector('.jumps a').focus({ preventScroll: true });
    const row = ${row('service-0400')};
    row.scrollIntoView({ block: 'center' });
    getSelection().selectAllChildren(row.cells[0]);
  })()`);
  const place = `[document.activeElement.getAttribute('href'), String(getSelection()), Math.round(${row('service-0400')}.getBoundingClientRect().top), Math.round(${row('service-0400')}.getBoundingClientRect().height)]`;
  const seen = await page.look(place);
  const sources = controllerOf(largeStatus, 'to-consul')?.rows ?? [];
  const changed = sources.map((each, at) => ({ ...each, instances: at === 400 ? 1234 : each.instances }));
  served.become(withServices(largeStatus, [service('a-new-one'), ...changed]));
  await page.until(`${row('service-0400')}.innerText.includes('1234')`);
  assert.equal(await page.look(`${NAMES}[0]`), 'default/a-new-one', 'a row above, which moves those below');
  assert.deepEqual(await page.look(place), seen);
});

test('the verdict is said when it becomes another, a row that changes is not, and the tab has it', async () => {
  const served = await servePage(quietStatus);
  await open(served);
  await page.look(`(() => {
    window.told = [];
    const tell = () => told.push(...[...document.querySelectorAll('[role=status]')].map((each) => each.textContent).filter((text) => text !== '' && !told.includes(text)));
    new MutationObserver(tell).observe(document, { subtree: true, childList: true, characterData: true });
  })()`);
  const sources = controllerOf(quietStatus, 'to-consul')?.rows ?? [];
  const more = withServices(quietStatus, [...sources, service('more')]);
  served.become(more);
  await page.until(`${NAMES}.includes('default/more')`);
  served.become(fullStatus);
  await page.until(`document.title === 'Not in sync · Tandem sync'`);
  assert.deepEqual(await page.look('told'), ['Live', 'Not in sync']);
});

test('how long ago is by the clock of the server, and keeps up', async () => {
  const now = new Date();
  const sync = toConsul([], { lastSuccess: new Date(now.getTime() - 125_000).toISOString() });
  const served = await servePage(statusOf([sync]));
  scene.atEnd(served.close);
  const other = await browser.page();
  // A reader whose clock is a day fast.
  await other.send('Page.addScriptToEvaluateOnNewDocument', {
    source: `const real = Date.now; window.passed = 0; Date.now = () => real() + 86_400_000 + window.passed;`,
  });
  await other.go(served.url);
  const age = `document.querySelector('#verdict + p time').dataset.age`;
  await other.until(`${age} === '2m ago'`);
  await other.look('passed = 3_600_000');
  await other.until(`${age} === '1h ago'`);
});
