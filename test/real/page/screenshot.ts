/** `npm run screenshot`: makes docs/status-page.png, the page of a real `tandem dev` over the manifests beside this file. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startChromium } from '../harness/chromium.ts';
import { startProcess } from '../harness/processes.ts';
import { tandemDev } from '../harness/tandem-dev.ts';
import { ensureParts } from '../parts.ts';
import { podReview } from './pod-review.ts';

const TARGET = join(import.meta.dirname, '../../../docs/status-page.png');

// As wide as a README is shown, at twice its pixels on most screens.
const SIZE = { width: 1400, height: 1060 };

await ensureParts(['chromium']);
const folder = mkdtempSync(join(tmpdir(), 'tandem-screenshot-'));
const dev = await tandemDev({ start: startProcess, folder }, join(import.meta.dirname, 'shop.yaml'));
const [running, browser] = await Promise.all([dev.start(), startChromium(startProcess, folder)]);
try {
  const inject = { 'consul.hashicorp.com/connect-inject': 'true' };
  await dev.admit(podReview('cart-5d8f7c6b9-x2x9p', inject));
  await dev.admit(podReview('nightly-report', {}));
  await dev.admit(
    podReview('checkout-7d9f8b6c5-kq4wz', {
      ...inject,
      'consul.hashicorp.com/connect-service-upstreams': 'cart',
    }),
  );
  const page = await browser.page(SIZE);
  await page.go(dev.url);
  await page.until(
    `document.getElementById('live').textContent === 'Live' && document.querySelectorAll('tbody tr').length === 10`,
  );
  await page.picture(TARGET, true);
  process.stdout.write(`${TARGET}\n`);
} finally {
  await browser.close();
  await running.stop();
  rmSync(folder, { recursive: true, force: true });
}
