/** Pods that would lose Consul in the stage `require` hold it back, each by its name. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cutOff, readPodAccess } from '../../../src/secure/plain-pods.ts';
import type { SecureObserved } from '../../../src/secure/observed.ts';
import { nextSecureStep } from '../../../src/secure/secure-plan.ts';
import { nextGate, podsToRestart, type GateFacts } from '../../../src/secure/secure-report.ts';
import { newWorld, observe, settle, SETTINGS, startAgents } from './secure-world.ts';

const pod = (spec: object, phase = 'Running'): object => ({
  metadata: { namespace: 'shop', name: 'web' },
  spec,
  status: { phase },
});
const init = (...variables: readonly (readonly [string, string])[]): object => ({
  initContainers: [
    { name: 'consul-connect-inject-init', env: variables.map(([name, value]) => ({ name, value })) },
  ],
});
const sidecar = (...args: readonly string[]): object => ({
  containers: [{ name: 'consul-dataplane-web', args }],
});

test('what a pod uses is read from its containers, which cannot change', () => {
  for (const [raw, tls, login] of [
    [pod(init(['TANDEM_SCHEME', 'http://'])), false, false],
    [pod(init(['TANDEM_SCHEME', 'https://'], ['TANDEM_AUTH_METHOD', 'pods'])), true, true],
    [pod(sidecar('-tls-disabled')), false, false],
    [pod(sidecar('-tls-disabled', '-credential-type=login')), false, true],
    [pod(sidecar('-ca-certs=/consul/tls/ca.pem', '-credential-type=login')), true, true],
  ] as const)
    assert.deepEqual(readPodAccess(raw), { pod: 'shop/web', tls, login, isInitialized: false, cas: [] });
  const conditions = [{ type: 'Initialized', status: 'True' }];
  const up = { ...pod(sidecar('-tls-disabled')), status: { phase: 'Running', conditions } };
  assert.equal(readPodAccess(up)?.isInitialized, true);
  for (const raw of [
    undefined,
    {},
    pod({}),
    pod({ containers: 'none' }),
    pod(sidecar('-tls-disabled'), 'Failed'),
  ])
    assert.equal(readPodAccess(raw), undefined);
});

test('only parts that are on cut pods off', () => {
  const pods = [
    { pod: 'a/plain', tls: false, login: false, isInitialized: true, cas: [] },
    { pod: 'a/login', tls: false, login: true, isInitialized: true, cas: [] },
    { pod: 'a/both', tls: true, login: true, isInitialized: true, cas: [] },
  ];
  const names = (tls: boolean, acls: boolean) => cutOff({ tls, acls }, pods).map((each) => each.pod);
  assert.deepEqual(names(true, true), ['a/plain', 'a/login']);
  assert.deepEqual(names(false, true), ['a/plain']);
  assert.deepEqual(names(false, false), []);
});

const SYNC = new Set(['tandem-mesh-sync']);

test('the gate to require is closed by a plain pod, and by pods that cannot be listed; that to prefer is not', () => {
  const world = newWorld();
  settle(world);
  startAgents(world);
  settle(world);
  const run = { acls: true, defaultPolicy: 'allow', isGossipEncrypted: true };
  const gate = (stage: 'accept' | 'prefer', pods: GateFacts['pods'], logins: GateFacts['logins']) => {
    const settings = { ...SETTINGS, stage };
    const seen = observe(world, settings);
    const agents = seen.agents.map((agent) =>
      agent.state.kind === 'answers'
        ? { ...agent, state: { ...agent.state, run: { ...run, verifiesOutgoing: stage === 'prefer' } } }
        : agent,
    );
    const observed = { ...seen, agents };
    return nextGate(settings, observed, nextSecureStep(settings, observed), { pods, logins });
  };
  const plain = { pod: 'shop/web', tls: false, login: false, isInitialized: true, cas: [] };
  assert.deepEqual(gate('prefer', [plain], SYNC), {
    kind: 'closed',
    to: 'require',
    because: ['shop/web would lose Consul, because it was injected before prefer: restart it'],
  });
  assert.equal(gate('prefer', undefined, SYNC).kind, 'closed');
  assert.deepEqual(gate('prefer', [{ ...plain, tls: true, login: true }], SYNC), {
    kind: 'open',
    to: 'require',
  });
  const starting = gate('prefer', [{ ...plain, tls: true, login: true, isInitialized: false }], SYNC);
  assert.ok(starting.kind === 'closed');
  assert.match(starting.because.join(), /^shop\/web has not come up: see its events/);
  assert.deepEqual(gate('accept', [plain], undefined), { kind: 'open', to: 'prefer' });
  for (const [logins, why] of [
    [new Set(['tandem-mesh-test']), /^the sync, with the registrar, has not logged in/],
    [undefined, /^whether the sync has logged in cannot be read$/],
  ] as const) {
    const closed = gate('prefer', [], logins);
    assert.ok(closed.kind === 'closed');
    assert.match(closed.because.join(), why);
  }
});

test('while the servers restart, the gate says that they could not be asked, and no more than that', () => {
  const world = newWorld();
  settle(world);
  startAgents(world, 1, 0);
  settle(world);
  const because = (observed: SecureObserved): string => {
    const settings = { ...SETTINGS, stage: 'prefer' as const };
    const step = nextSecureStep(settings, observed);
    const gate = nextGate(settings, observed, step, { pods: [], logins: SYNC });
    return gate.kind === 'closed' ? gate.because.join('\n') : gate.kind;
  };
  const [server] = world.agents;
  assert.ok(server !== undefined);
  server.isSilent = true;
  const silent = because({ ...observe(world), acl: { kind: 'unasked' } });
  assert.match(silent, /^server-0 cannot be asked: it is away$/m);
  assert.match(silent, /^the ACLs are not known: no Consul server answers$/m);
  assert.doesNotMatch(silent, /bootstrapped|does not run|has not loaded/);
  // Without it nobody is asked.
  assert.match(
    because({ ...observe(world), acl: { kind: 'unasked' }, state: undefined }),
    /^the ACLs are not known: the state of tandem secure does not exist yet$/m,
  );
  const tlsOnly = { ...SETTINGS, stage: 'accept' as const, gossip: false, acls: false };
  const none = nextGate(
    tlsOnly,
    { ...observe(world), agents: [] },
    { kind: 'keep', reason: 'nothing-due', until: 0 },
    { pods: [], logins: SYNC },
  );
  assert.deepEqual(none, { kind: 'closed', to: 'prefer', because: ['no pod of a Consul server runs'] });
  server.isSilent = false;
  const why = 'no leader within 3 s';
  assert.match(
    because({ ...observe(world), acl: { kind: 'failed', why } }),
    /^the ACLs are not known: no leader within 3 s$/m,
  );
  for (const [acl, text] of [
    [{ kind: 'off' }, /^Consul runs without ACLs$/m],
    [
      { kind: 'token-unknown' },
      /^Consul does not know the token with all rights: its ACLs are not bootstrapped, or were by somebody else$/m,
    ],
  ] as const)
    assert.match(because({ ...observe(world), acl }), text);
  assert.match(
    because({
      ...observe(world),
      acl: { kind: 'unasked' },
      bootstrap: {
        token: undefined,
        next: undefined,
        former: undefined,
        lack: 'the Secret a/b is not there',
      },
    }),
    /^the ACLs are not known: the Secret a\/b is not there$/m,
  );
});

test('in require, what was injected before prefer is named, and in no other stage', () => {
  const plain = { pod: 'shop/web', tls: false, login: false, isInitialized: true, cas: [] };
  const said = (stage: 'prefer' | 'require') =>
    podsToRestart({ ...SETTINGS, stage }, { state: undefined }, [
      plain,
      { ...plain, tls: true, login: true },
    ]);
  assert.deepEqual(said('require'), ['restart shop/web: it was injected before prefer, and has lost Consul']);
  assert.deepEqual(said('prefer'), []);
});
