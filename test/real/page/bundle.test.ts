/** The page as the image serves it: its script is made of the text of functions, which the bundler has rewritten. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { bundle } from '../../../deploy/image/bundle.ts';
import { startChromium } from '../harness/chromium.ts';
import { startScene } from '../harness/scene.ts';
import { tandemDev } from '../harness/tandem-dev.ts';

const scene = await startScene(['chromium']);

test('the page of the bundle is live, tells ages, changes its rows and searches', async () => {
  const folder = join(scene.folder, 'manifests');
  const program = join(scene.folder, 'bundle');
  mkdirSync(folder);
  write(folder, 'web');
  await bundle(program);
  const dev = await tandemDev(scene, folder, {}, join(program, 'tandem.js'));
  const [browser] = await Promise.all([startChromium(scene.start, scene.folder), dev.start()]);
  const page = await browser.page();
  await page.go(dev.url);
  await page.until(`document.getElementById('live').textContent === 'Live' && ${hasRow('shop/web')}`);
  await page.until(`document.querySelector('time[data-age]') !== null`);
  write(folder, 'api');
  await page.until(hasRow('shop/api'));
  await page.look(`document.querySelector('[type=search]').focus()`);
  await page.type('nothing like that');
  await page.until(`document.querySelectorAll('#services tbody tr').length === 0`);
  assert.deepEqual(page.complaints(), []);
});

function write(folder: string, name: string): void {
  const service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'shop' },
    spec: { selector: { app: name }, ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
  };
  writeFileSync(join(folder, `${name}.json`), JSON.stringify(service));
}

function hasRow(name: string): string {
  return `[...document.querySelectorAll('tbody tr')].some((row) => row.cells[0].textContent === '${name}')`;
}
