/** The page as somebody gets it who runs no script. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { Script } from 'node:vm';
import { contentSecurityPolicy } from '../../../src/status-page/page.ts';
import { page, pieceText, rows } from './read-page.ts';
import {
  admission,
  configEntries,
  configEntry,
  consulService,
  everything,
  failure,
  nothing,
  pod,
  registrar,
  service,
  statusOf,
  synced,
  toConsul,
  toKubernetes,
  webhookStatus,
} from './sample-status.ts';

const left = service('api', { synced: false, reason: 'opted-out', instances: 0 });
const broken = service('web', {
  problems: ['spec.ports: no such port'],
  refused: 'no permission',
  since: '2026-01-02T03:00:00.000Z',
});

test('each Service has a row: whether it is synced, why, and what is wrong since when; problems first', () => {
  assert.deepEqual(rows(page(synced([left, broken]))), [
    'default/web Synced Problem 1 syncing is the default, and service-sync does not say otherwise default-on spec.ports: no such port Consul refused a change: no permission since 2026-01-02 03:00:00 UTC',
    'default/api Left out 0 service-sync is false opted-out',
  ]);
});

test('a Service of which a problem leaves nothing is not said to be synced', () => {
  const lost = service('web', { instances: 0, problems: ['no such port'] });
  assert.match(rows(page(synced([lost])))[0] ?? '', /Not registered Problem 0/);
  assert.match(rows(page(synced([service('web', { instances: 0 })])))[0] ?? '', /Waiting 0/);
});

test('a Service that is synced and has no instance yet says what it waits for', () => {
  const waiting = service('web', { instances: 0, leftOut: ['no-load-balancer-address'] });
  const [row] = rows(page(synced([waiting])));
  const all = page(
    synced([waiting, service('api'), left, service('lost', { instances: 0, problems: ['none'] })]),
  );
  assert.match(
    pieceText(all, 'to-consul.Services') ?? '',
    /1 in Consul, 1 waiting, 2 left out, 1 with problems/,
  );
  assert.match(row ?? '', /^default\/web Waiting 0 .*No instance: the load balancer has no address yet\.$/);
});

test('a Service that keeps its instances until more is known waits, too', () => {
  const kept = service('web', { instances: 2, leftOut: ['nodes-unknown'] });
  assert.match(
    rows(page(synced([kept])))[0] ?? '',
    /^default\/web Waiting 2 .*Not updated: the nodes are not listed yet, and until then what Consul has of the Service stays as it is\.$/,
  );
});

test('each service of Consul has one, those that are left out too', () => {
  const status = toKubernetes([
    consulService('billing', { reason: 'none', problems: ['name is taken'] }),
    consulService('mainframe', { object: 'mainframe-1', endpoints: 3 }),
    consulService('search', { object: 'search', reason: 'unknown' }),
    consulService('consul', { selected: false, reason: 'consul-itself' }),
  ]);
  assert.deepEqual(rows(page(statusOf([toConsul([]), status]))), [
    'billing Left out Problem none 0 name is taken',
    'consul Left out none 0 Consul itself; name it in --to-k8s-services without a wildcard to include it consul-itself',
    'mainframe Synced made/mainframe-1 3 its healthy instances are endpoints',
    'search Not read yet made/search 0 its instances are not read yet; existing objects stay',
  ]);
});

test('each injected pod has one: whether it is in Consul, and why', () => {
  const there = {
    service: { name: 'web', reason: 'kubernetes-service' },
    instances: [
      { id: 'a.b.web', status: 'critical' },
      { id: 'a.b.web-sidecar-proxy', status: 'missing' },
    ],
  };
  const pods = [
    pod('Pod/a/b', there),
    pod('Pod/a/c', { ...there, reason: 'agent-mode', refused: 'no' }),
    pod('Pod/a/d', { reason: 'finished' }),
  ];
  assert.deepEqual(rows(page(statusOf([toConsul([]), registrar(pods)]))), [
    'a/c Registers itself Problem web , after the Kubernetes Service that selects the pod critical a.b.web missing a.b.web-sidecar-proxy agent mode: the pod registers itself, and the registrar removes what outlives it agent-mode Consul refused a change: no',
    'a/b Registered web , after the Kubernetes Service that selects the pod critical a.b.web missing a.b.web-sidecar-proxy dataplane mode: the registrar keeps the pod in the catalog registered',
    'a/d Left out none the pod has ended: completed, failed or evicted finished',
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
    '/(name not given yet) Bad request not an AdmissionReview bad-request no JSON 2026-01-02 03:04:05 UTC',
    'default/(name not given yet) Left out the pod shares the network of its node, where sidecars would collide host-network 2026-01-02 03:04:05 UTC',
    'default/pod-1 Injected the sidecar was added injected 2026-01-02 03:04:05 UTC',
  ]);
});

test('an admission shows what its author was warned of, and a search finds it', () => {
  const recent = [admission(2, { warnings: ['first', 'second'] }), admission(1)];
  const html = page({ ...nothing, webhook: webhookStatus(recent) }, { ...everything, text: 'second' });
  assert.deepEqual(rows(html), [
    'default/pod-2 Injected the sidecar was added injected first second 2026-01-02 03:04:05 UTC',
  ]);
});

test('a query filters on the server', () => {
  const status = synced([left, broken]);
  assert.match(page(status, { ...everything, text: 'PERMISSION' }), /1 of 2 Services match/);
  assert.deepEqual(rows(page(status, { ...everything, state: 'out' })).length, 1);
  const hostile = page(status, { ...everything, text: '"><script>x</script>' });
  assert.ok(hostile.includes('value="&quot;&gt;&lt;script&gt;x&lt;/script&gt;"'));
  assert.match(hostile, /None of 2 Services matches/);
});

test('the choices say how many rows they would show', () => {
  const html = page(synced([left, broken]), { ...everything, text: 'web' });
  assert.deepEqual(
    ['', 'in', 'out', 'problem'].map((state) => pieceText(html, `count.${state}`)?.split(' ')[0]),
    ['1', '1', '0', '1'],
  );
});

test('the facts tell what is wrong now', () => {
  const sync = toConsul([], {
    lastFailure: failure('Consul does not answer'),
    heldRemovals: 7,
    watches: { services: { isSynced: false } },
  });
  const bad = [
    ...page(statusOf([sync]), everything, 'stopping').matchAll(/<dt>([^<]+)<\/dt><dd class="bad"/g),
  ];
  assert.deepEqual(
    bad.map(([, name]) => name),
    ['Ready', 'Last failure', 'Held removals'],
  );
  const later = { ...sync, lastSuccess: '2026-01-02T03:04:07.000Z' };
  assert.match(page(statusOf([later])), /<dt>Last failure<\/dt><dd><time[^]*Consul does not answer/);
});

test('what waits to be written is a fact, and bad when it has waited for long', () => {
  const backlogOf = (keys: number, seconds: number): string | undefined =>
    /<dt>Backlog<\/dt><dd[^]*?<\/dd>/.exec(
      page(statusOf([toConsul([], { backlog: { keys, seconds } })])),
    )?.[0];
  assert.match(backlogOf(0, 0) ?? '', />none</);
  assert.match(backlogOf(1200, 3.4) ?? '', />1,200, the oldest for 3 s</);
  assert.doesNotMatch(backlogOf(1200, 3.4) ?? '', /"bad"/);
  assert.match(backlogOf(1, 30) ?? '', /"bad"/);
});

test('CRDs that are missing and entries without an object are named', () => {
  const fine = page(statusOf([configEntries([configEntry('shop/web')])]));
  assert.match(pieceText(fine, 'config-entries.Without an object') ?? '', /none/);
  const why = 'service-defaults old: its object was removed with an earlier CRD';
  const told = page(statusOf([configEntries([], { missing: ['meshes.consul.hashicorp.com'], kept: [why] })]));
  assert.match(pieceText(told, 'config-entries.Missing CRDs') ?? '', /meshes\.consul\.hashicorp\.com/);
  assert.match(pieceText(told, 'config-entries.Without an object') ?? '', new RegExp(why));
});

test('a table without rows says why, and what to do', () => {
  const idle = toConsul([], { counts: undefined, lastSuccess: undefined });
  const follower = statusOf([idle], { leader: false });
  assert.match(
    pieceText(page(follower), 'note.services') ?? '',
    /Another replica is the leader.*kubectl get lease/,
  );
  assert.match(pieceText(page(synced([])), 'note.services') ?? '', /There is no Service.*kubectl apply/);
  const none = page({
    ...statusOf([toConsul([]), toKubernetes(), registrar([])]),
    webhook: webhookStatus([]),
  });
  assert.match(pieceText(none, 'note.from-consul') ?? '', /tandem check/);
  assert.match(pieceText(none, 'note.pods') ?? '', /connect-inject/);
  assert.match(pieceText(none, 'note.admissions') ?? '', /Create one/);
  const noMatch = page(synced([left]), { ...everything, text: 'nowhere' });
  assert.match(noMatch, /None of 1 Service matches. <a href="\?">Show everything/);
});

test('names, problems and errors of others are text', () => {
  const hostile = `<img src=x onerror=alert(1)>"'\u202E`;
  const wrong = { reason: hostile, problems: [hostile], refused: hostile };
  const everywhere = service(hostile, wrong);
  const html = page({
    ...statusOf(
      [
        toConsul([everywhere], { lastFailure: failure(hostile) }),
        toKubernetes(
          [
            consulService(hostile, { ...wrong, object: hostile }),
            consulService(`2${hostile}`, { selected: false, reason: hostile }),
          ],
          { namespace: hostile, mode: hostile, conflicts: [hostile] },
        ),
        registrar([
          pod(hostile, {
            ...wrong,
            service: { name: hostile, reason: hostile },
            instances: [{ id: hostile, status: hostile }],
          }),
        ]),
      ],
      { owner: hostile, node: hostile },
    ),
    webhook: webhookStatus(
      [
        admission(1, {
          name: hostile,
          result: hostile,
          reason: hostile,
          detail: hostile,
          warnings: [hostile],
        }),
      ],
      hostile,
    ),
  });
  assert.doesNotMatch(html, /<img|\u202E/);
  assert.equal(html.split('&lt;img src=x onerror=alert(1)&gt;&quot;&#39;\\u{202e}').length - 1 >= 30, true);
});

test('beyond the limit of a page a search still finds, and all can be had', () => {
  const status = synced(Array.from({ length: 10_000 }, (_, at) => service(`service-${at}`)));
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
