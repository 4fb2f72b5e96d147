/** The page as somebody gets it who runs no script. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { Script } from 'node:vm';
import { contentSecurityPolicy, pageOf } from '../../../src/status-page/page.ts';
import type { Status } from '../../../src/status-page/status.ts';
import { viewOf } from '../../../src/status-page/view.ts';
import {
  admission,
  everything,
  nothing,
  source,
  synced,
  syncStatus,
  webhookStatus,
} from './sample-status.ts';

const frame = { title: 'Tandem', version: '1.2.3', paths: ['/status'] };

function page(status: Status, query = everything, notReady?: string): string {
  return pageOf(viewOf(status, notReady, query), query, frame);
}

/** What a reader reads, one line a row. */
function rows(html: string): string[] {
  return [...html.matchAll(/<tr role="row" data-key[^]*?<\/tr>/g)].map(([row]) =>
    row
      .replaceAll(/<[^>]*>/g, ' ')
      .replaceAll(/\s+/g, ' ')
      .trim(),
  );
}

const left = source('api', { synced: false, reason: 'opted-out', instances: 0 });
const broken = source('web', { problems: ['spec.ports: no such port'], refused: 'no permission' });

test('each Service has a row: whether it is synced, why, and what is wrong', () => {
  assert.deepEqual(rows(page(synced([left, broken]))), [
    'default/api Left out service-sync is false 0 none',
    'default/web Synced Problem syncing is the default, and service-sync does not say otherwise 1 spec.ports: no such port Consul refused a change: no permission',
  ]);
});

test('each admission has one, and those of a bad request too', () => {
  const recent = [
    admission(3, {
      result: 'bad-request',
      reason: 'bad-request',
      detail: 'no JSON',
      namespace: undefined,
      name: undefined,
    }),
    admission(2, { result: 'allowed', reason: 'host-network', name: '' }),
    admission(1),
  ];
  assert.deepEqual(rows(page({ ...nothing, webhook: webhookStatus(recent) })), [
    '/(name not given yet) Bad request no admission review : no JSON 2026-01-02 03:04:05 UTC',
    'default/(name not given yet) Left out the pod shares the network of its node, where sidecars would collide 2026-01-02 03:04:05 UTC',
    'default/pod-1 Injected the sidecar was added 2026-01-02 03:04:05 UTC',
  ]);
});

test('a query filters on the server', () => {
  const status = synced([left, broken]);
  assert.match(page(status, { ...everything, text: 'PERMISSION' }), /1 of 2 Services match/);
  assert.deepEqual(rows(page(status, { ...everything, state: 'out' })).length, 1);
  const hostile = page(status, { ...everything, text: '"><script>x</script>' });
  assert.ok(hostile.includes('value="&quot;&gt;&lt;script&gt;x&lt;/script&gt;"'));
  assert.match(hostile, /0 of 2 Services match/);
});

test('the facts tell what is wrong now', () => {
  const failure = { at: '2026-01-02T03:04:06.000Z', error: 'Consul does not answer' };
  const sync = syncStatus([], {
    lastFailure: failure,
    heldRemovals: 7,
    watches: { services: { isSynced: false } },
  });
  const bad = [...page({ ...nothing, sync }, everything, 'stopping').matchAll(/class="bad"><dt>([^<]+)/g)];
  assert.deepEqual(
    bad.map(([, name]) => name),
    ['Ready', 'Last failure', 'Held removals', 'Watched'],
  );
  const later = { ...sync, lastSuccess: '2026-01-02T03:04:07.000Z' };
  assert.doesNotMatch(page({ ...nothing, sync: later }), /class="bad"><dt>Last failure/);
  const follower = syncStatus([], { leader: false, instances: undefined, lastSuccess: undefined });
  assert.match(page({ ...nothing, sync: follower }), /The replica that leads knows the Services/);
});

test('names, problems and errors of others are text', () => {
  const hostile = `<img src=x onerror=alert(1)>"'\u202E`;
  const everywhere = source(hostile, { reason: hostile, problems: [hostile], refused: hostile });
  const html = page({
    ...nothing,
    sync: syncStatus([everywhere], {
      owner: hostile,
      node: hostile,
      lastFailure: { at: '2026-01-02T03:04:06.000Z', error: hostile },
    }),
    webhook: webhookStatus([
      admission(1, { name: hostile, result: hostile, reason: hostile, detail: hostile }),
    ]),
  });
  assert.doesNotMatch(html, /<img|\u202E/);
  assert.equal(html.split('&lt;img src=x onerror=alert(1)&gt;&quot;&#39;\\u{202e}').length - 1 >= 8, true);
});

test('beyond the limit of a page a search still finds, and all can be had', () => {
  const status = synced(Array.from({ length: 10_000 }, (_, at) => source(`service-${at}`)));
  const first = page(status);
  assert.equal(rows(first).length, 500);
  assert.match(first, /The first 500 of 10,000 Services[^]*href="\?all=1">Show all 10,000/);
  assert.equal(rows(page(status, { ...everything, text: 'service-9999' })).length, 1);
  assert.equal(rows(page(status, { ...everything, isAll: true })).length, 10_000);
});

test('only the style and the script of the page may run, and the script is one', () => {
  const html = page(synced([]));
  for (const [element, directive] of [
    ['style', 'style-src'],
    ['script', 'script-src'],
  ] as const) {
    const all = [...html.matchAll(new RegExp(`<${element}>([^]*?)</${element}>`, 'g'))].map(
      ([, text]) => text ?? '',
    );
    assert.equal(all.length, 1);
    const hash = createHash('sha256')
      .update(all[0] ?? '')
      .digest('base64');
    assert.ok(contentSecurityPolicy.includes(`${directive} 'sha256-${hash}'`), element);
    if (element === 'script') assert.ok(new Script(all[0] ?? ''));
  }
  assert.doesNotMatch(html, /https?:|\sstyle=|\son\w+=/);
});
