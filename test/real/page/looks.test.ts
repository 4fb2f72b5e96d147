/** What the page looks like: at the width of a phone and of a screen, light and dark, with motion and without. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { service, statusOf, toConsul } from '../../unit/status-page/sample-status.ts';
import type { Status } from '../../../src/status-page/status.ts';
import { startChromium, type Page } from '../harness/chromium.ts';
import { startScene } from '../harness/scene.ts';
import { fullStatus, largeStatus, quietStatus, withServices } from './full-status.ts';
import { servePage, type ServedPage } from './served-page.ts';

const scene = await startScene(['chromium']);
let page: Page;
before(async () => {
  const browser = await startChromium(scene.start, scene.folder);
  page = await browser.page();
});

const statuses: readonly (readonly [string, Status])[] = [
  ['nothing yet', statusOf([toConsul([], { lastSuccess: undefined, counts: undefined })])],
  ['all well', quietStatus],
  ['problems', fullStatus],
  ['a replica that waits', statusOf([toConsul([])], { leader: false })],
];
const WIDTHS = [320, 400, 768, 833, 1024, 1400];

async function open(served: ServedPage, width = 1400, scheme: 'light' | 'dark' = 'light'): Promise<void> {
  await page.resize(width, 900);
  await page.scheme(scheme);
  await page.go(served.url);
  await page.until(`document.getElementById('live').textContent === 'Live'`);
}

/** Texts, and the borders of controls, that stand out less than they have to (WCAG 2.2, 1.4.3 and 1.4.11), with their contrast. */
const FAINT = `(() => {
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = (text) => {
    const [r, g, b] = parse(text).map((value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (one, other) => {
    const [low, high] = [light(one), light(other)].toSorted((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const back = (each) => {
    const { backgroundColor } = getComputedStyle(each);
    const [, , , alpha = 1] = parse(backgroundColor);
    return alpha === 1 ? backgroundColor : back(each.parentElement);
  };
  const faint = [];
  let seen = 0;
  const check = (what, color, behind, least) => {
    seen += 1;
    const found = contrast(color, behind);
    if (found < least) faint.push(what.trim().slice(0, 60) + ' ' + color + ' on ' + behind + ': ' + found.toFixed(2));
  };
  for (const each of document.querySelectorAll('body *')) {
    if (!each.checkVisibility() || each.tagName === 'SCRIPT') continue;
    const text = [...each.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE).map((node) => node.data).join('');
    if (text.trim() !== '') check(text, getComputedStyle(each).color, back(each), 4.5);
    for (const part of ['::before', '::after', '::marker']) {
      const { content, color, display } = getComputedStyle(each, part);
      if (content === 'none' || content === 'normal' || display === 'none') continue;
      // A sign says again what the words beside it say.
      check(part + content, color, back(each), /[●○▲]/.test(content) ? 3 : 4.5);
    }
    if (each.matches('input[type=search], button, input[type=radio] + span'))
      check('border of ' + each.tagName, getComputedStyle(each).borderTopColor, back(each.parentElement), 3);
  }
  return { faint, seen };
})()`;

for (const scheme of ['light', 'dark'] as const)
  test(`${scheme}: every text stands out by 4.5 at least, and the border of every control by 3`, async () => {
    for (const [name, status] of statuses) {
      const served = await servePage(status);
      scene.atEnd(served.close);
      await open(served, 400, scheme);
      for (const width of [400, 1400]) {
        await page.resize(width, 900);
        const { faint, seen } = await page.look<{ faint: string[]; seen: number }>(FAINT);
        assert.deepEqual(faint, [], `${name} at ${width}`);
        assert.ok(seen > 20, 'the test sees the texts');
        const background = await page.look<string>('getComputedStyle(document.body).backgroundColor');
        assert.equal(/\d+/.exec(background)?.[0] === '16', scheme === 'dark', background);
      }
      await served.close();
      await page.until(`document.getElementById('live').classList.contains('lost')`);
      const { faint } = await page.look<{ faint: string[] }>(FAINT);
      assert.deepEqual(faint, [], `${name}, not live`);
    }
  });

test('nothing is wider than the window, from 320 pixels up', async () => {
  const all = statuses.map(([name, status]) => [name, status, WIDTHS] as const);
  // The rows are as those of few, and a browser needs seconds for them.
  for (const [name, status, widths] of [...all, ['2,000 Services', largeStatus, [320, 1400]] as const]) {
    const served = await servePage(status);
    scene.atEnd(served.close);
    await open(served);
    for (const width of widths) {
      await page.resize(width, 800);
      const wide = await page.look(`[...document.querySelectorAll('body *')]
        .filter((each) => each.checkVisibility() && !each.closest('.skip, .unseen, thead') && each.getBoundingClientRect().right > ${width})
        .map((each) => each.tagName + ' ' + each.className + ' ' + each.getBoundingClientRect().right)`);
      assert.deepEqual(wide, [], `${name} at ${width}`);
      assert.equal(await page.look('document.documentElement.scrollWidth'), width, `${name} at ${width}`);
      // What is cut off inside of its own box is lost, too.
      const cut = await page.look(`[...document.querySelectorAll('td, th, dd, p, li, h2')]
        .filter((each) => each.checkVisibility() && !each.closest('.unseen, thead') && each.scrollWidth > each.clientWidth + 1 && each.clientWidth > 0)
        .map((each) => each.tagName + ' ' + each.innerText.slice(0, 40))`);
      assert.deepEqual(cut, [], `${name} at ${width}`);
    }
  }
});

test('what a finger has to hit is 24 pixels high at least', async () => {
  const served = await servePage(fullStatus);
  scene.atEnd(served.close);
  await open(served, 400);
  // But for links in a sentence (WCAG 2.2, 2.5.8).
  const small =
    await page.look(`[...document.querySelectorAll('nav a, button, input[type=search], fieldset label')]
    .map((each) => [each.innerText, Math.round(each.getBoundingClientRect().height)]).filter(([, height]) => height < 24)`);
  assert.deepEqual(small, []);
});

test('a row that changes is lit for a moment, and not for who wants no motion', async () => {
  for (const isMotionReduced of [false, true]) {
    const served = await servePage(quietStatus);
    scene.atEnd(served.close);
    await open(served);
    await page.scheme('light', isMotionReduced);
    // It lasts until it is seen, however long the look takes.
    await page.look(`(() => {
      const { animate } = Element.prototype;
      Element.prototype.animate = function (...how) {
        const animation = animate.apply(this, how);
        animation.pause();
        return animation;
      };
    })()`);
    served.become(withServices(quietStatus, [service('web', { instances: 77 })]));
    await page.until(`document.querySelector('#services tbody').innerText.includes('77')`);
    assert.equal(await page.look('document.getAnimations().length > 0'), !isMotionReduced);
  }
});

test('a number that changes moves nothing', async () => {
  const served = await servePage(quietStatus);
  scene.atEnd(served.close);
  await open(served);
  const places = `JSON.stringify([...document.querySelectorAll('h2, th, td, dt, dd, label, .note')].map((each) => {
    const { left, top, width, height } = each.getBoundingClientRect();
    return [left, top, width, height].map(Math.round);
  }))`;
  const seen = await page.look(places);
  const sources = ['api', 'cart', 'web'].map((name) => service(name, { instances: 98_765 }));
  served.become(withServices(quietStatus, sources, { lastSuccess: '2026-01-02T03:09:59.000Z' }));
  await page.until(`document.querySelector('#services tbody').innerText.includes('98765')`);
  assert.equal(await page.look(places), seen);
  const columns = `JSON.stringify([...document.querySelectorAll('#services thead th')].map((each) => {
    const { left, width } = each.getBoundingClientRect();
    return [left, width];
  }))`;
  const wide = await page.look(columns);
  served.become(withServices(quietStatus, [service('w'.repeat(60), { reason: 'unknown' })]));
  await page.until(`document.querySelectorAll('#services tbody tr').length === 1`);
  assert.equal(await page.look(columns), wide, 'the columns stay where they are, whatever is in them');
});
