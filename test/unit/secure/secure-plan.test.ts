/** The order of the steps, and that each of them leads to an end. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readAgentSecret, writeAgentSecret } from '../../../src/secure/agent-secret.ts';
import { certificatesIn, isSignedBy } from '../../../src/support/known-certificate.ts';
import { describeStep, stepKinds } from '../../../src/secure/describe-step.ts';
import { rotations, type SecureObserved } from '../../../src/secure/observed.ts';
import { REVIEWER_RIGHTS } from '../../../src/secure/reviewer.ts';
import { nextSecureStep } from '../../../src/secure/secure-plan.ts';
import { problemsOf } from '../../../src/secure/secure-report.ts';
import type { SecureStep } from '../../../src/secure/secure-step.ts';
import { apply, newWorld, NOW, observe, settle, SETTINGS, startAgents, type World } from './secure-world.ts';

const kinds = (steps: readonly SecureStep[]): readonly string[] => steps.map(({ kind }) => kind);
const last = (world: World): SecureStep => nextSecureStep(SETTINGS, observe(world));

function settled(): World {
  const world = newWorld();
  settle(world);
  startAgents(world);
  settle(world);
  return world;
}

test('keys are in Kubernetes before any agent starts, and in Consul after the bootstrap in the order of their needs', () => {
  const world = newWorld();
  assert.deepEqual(kinds(settle(world)), [
    'new-ca',
    'make',
    'write-bootstrap',
    'publish-ca',
    'write-secret',
    'write-secret',
    'write-token-secret',
    'write-token-secret',
  ]);
  assert.deepEqual(describeStep(last(world)), {
    step: 'wait',
    reason: 'no-agent',
    object: 'no Consul server answers',
  });
  startAgents(world);
  const order = kinds(settle(world)).filter((kind, at, all) => kind !== all[at - 1]);
  assert.deepEqual(order, ['bootstrap', 'put', 'put-auth-method', 'put-rule']);
  assert.equal(last(world).kind, 'keep');
});

test('each rotation comes to an end, and the new one of each is in use', () => {
  for (const rotation of rotations) {
    const world = settled();
    const before = structuredClone({
      state: world.state,
      secrets: world.agentSecrets,
      bootstrap: world.bootstrap,
    });
    world.requests = { [rotation]: 'now' };
    const steps = settle(world);
    assert.ok(steps.length > 0, rotation);
    assert.notEqual(last(world).kind, 'wait', rotation);
    const { server } = world.agentSecrets;
    const isNew = {
      gossip: server.gossip !== before.secrets.server.gossip && world.keys.primary === server.gossip,
      ca:
        world.state?.ca?.certificate !== before.state?.ca?.certificate &&
        isSignedBy(server.certificate, world.state?.ca?.certificate ?? ''),
      'server-certificate': server.certificate !== before.secrets.server.certificate,
      'agent-tokens':
        server.tokens.agent !== before.secrets.server.tokens.agent &&
        world.objects.has(`token/${world.state?.tokens.agent?.accessor}`),
      'bootstrap-token': world.bootstrap.token !== before.bootstrap.token && world.management?.length === 1,
    }[rotation];
    assert.ok(isNew, rotation);
    assert.equal(settle(world).length, 0, rotation);
  }
});

test('a leaf of a new CA waits until every agent trusts that CA, and has the cross certificate behind it', () => {
  const world = settled();
  const away = world.agents[1];
  assert.ok(away);
  world.requests = { ca: 'now' };
  away.isSilent = true;
  settle(world);
  const [old] = world.state?.older ?? [];
  assert.ok(old);
  assert.ok(isSignedBy(world.agentSecrets.server.certificate, old.certificate));
  away.isSilent = false;
  settle(world);
  const [leaf, cross] = certificatesIn(world.agentSecrets.server.certificate);
  assert.ok(leaf && cross);
  assert.ok(isSignedBy(leaf.pem, cross.pem));
  assert.ok(isSignedBy(cross.pem, old.certificate));
});

test('an older gossip key leaves ten minutes after all use the new one, and not while an agent is away', () => {
  const world = settled();
  const before = world.keys.primary;
  world.requests = { gossip: 'now' };
  settle(world);
  assert.ok(world.keys.installed.has(before));
  world.primarySince = world.now;
  world.now += 10 * 60_000 - 1;
  assert.deepEqual(kinds(settle(world)), []);
  world.now += 1;
  assert.deepEqual(kinds(settle(world)), ['keyring']);
  assert.ok(!world.keys.installed.has(before));
});

test('certificates are renewed with a third of their life left, and an older CA leaves when nothing that it signed lasts', () => {
  const world = settled();
  const seen = new Set<string>();
  const DAY = 86_400_000;
  const looks = (from: number, days: number): readonly number[] =>
    Array.from({ length: days / 3 }, (_, at) => NOW + (from + at * 3) * DAY);
  // A third of five years is left after 1216 days.
  for (const moment of [...looks(0, 42), ...looks(1215, 45)]) {
    world.now = moment;
    for (const { reason } of settle(world)) seen.add(reason);
    const leaves = Object.values(world.agentSecrets).flatMap(
      (each) => certificatesIn(each.certificate)[0] ?? [],
    );
    assert.ok(leaves.every(({ expires }) => expires > world.now));
    assert.ok(world.agents.every(({ serial }) => leaves.some((leaf) => leaf.serial === serial)));
  }
  for (const reason of ['leaf-due', 'ca-due', 'ca-differs', 'other-ca', 'ca-gone', 'reviewer-token-due'])
    assert.ok(seen.has(reason), reason);
});

test('whatever is lost, it comes back, and a management token or the key in use never goes', () => {
  const losses: readonly [string, (world: World) => void][] = [
    ['the Secret of the loop', (world) => (world.state = undefined)],
    ['the ConfigMap', (world) => (world.publishedCa = undefined)],
    ['policies', (world) => world.objects.clear()],
    ['rules', (world) => (world.rules = [])],
    [
      'a rule twice',
      (world) =>
        (world.rules = [...world.rules, ...world.rules.map((rule) => ({ ...rule, id: `${rule.id}x` }))]),
    ],
    [
      'the volumes',
      (world) => {
        world.management = undefined;
        world.objects.clear();
        world.rules = [];
      },
    ],
  ];
  for (const [what, lose] of losses) {
    const world = settled();
    lose(world);
    const key = world.keys.primary;
    settle(world, SETTINGS, () => {
      assert.ok(world.keys.installed.has(world.keys.primary), what);
      assert.ok(world.management?.length !== 0, what);
    });
    assert.equal(last(world).kind, 'keep', what);
    assert.equal(world.keys.primary, key, what);
    assert.equal(world.rules.length, 3, what);
  }
});

test('without a leader, leaves that have expired are renewed and loaded, and nothing else is done', () => {
  const world = settled();
  world.now += 31 * 86_400_000;
  const withoutLeader = (): SecureObserved => ({
    ...observe(world),
    acl: { kind: 'failed', why: 'No cluster leader' },
    keyring: { kind: 'unknown', why: 'No cluster leader' },
  });
  const seen: string[] = [];
  for (;;) {
    const step = nextSecureStep(SETTINGS, withoutLeader());
    if (step.kind === 'wait') break;
    seen.push(step.kind);
    apply(world, step);
  }
  assert.deepEqual([...new Set(seen)], ['write-secret', 'reload']);
  assert.deepEqual(describeStep(nextSecureStep(SETTINGS, withoutLeader())), {
    step: 'wait',
    reason: 'consul-unavailable',
    object: 'No cluster leader',
  });
});

test('a token of the reviewer that the API server refuses is asked for anew, once a minute at most', () => {
  const world = settled();
  const methods = ['tandem-mesh-k8s-component-auth-method', 'tandem-mesh-k8s-auth-method'];
  // The account was deleted and made anew within a minute of the tokens.
  world.now += 59_999;
  world.reviewerSince = world.now;
  assert.deepEqual(observe(world).reviewers.refused.toSorted(), methods.toSorted());
  assert.deepEqual(settle(world), []);
  world.now += 1;
  assert.deepEqual(
    settle(world).map((step) => describeStep(step)),
    methods.map((name) => ({
      step: 'put-auth-method',
      reason: 'reviewer-token-refused',
      object: `auth-method/${name}`,
    })),
  );
  assert.deepEqual(observe(world).reviewers.refused, []);
  assert.equal(last(world).kind, 'keep');
});

test('what the account of the reviewer may not do is named, with the account', () => {
  const world = settled();
  const observed = { ...observe(world), reviewers: { refused: [], lacks: REVIEWER_RIGHTS } };
  const step = nextSecureStep(SETTINGS, observed);
  assert.equal(step.kind, 'keep');
  const [first, second, ...more] = problemsOf(SETTINGS, observed, step);
  assert.deepEqual(more, []);
  assert.equal(first?.source, 'ServiceAccount/consul/mesh-auth-method');
  assert.match(first.message, /may not create tokenreviews.* apiGroups \["authentication\.k8s\.io"\]/);
  assert.match(second?.message ?? '', /may not get serviceaccounts/);
});

test('whom a method of somebody else has as a reviewer is asked about nobody, and stays', () => {
  const world = settled();
  const key = 'auth-method/tandem-mesh-k8s-auth-method';
  const seen = world.objects.get(key);
  assert.ok(seen);
  world.objects.set(key, { ...seen, description: 'mine' });
  world.now += 60_000;
  world.reviewerSince = world.now;
  assert.deepEqual(observe(world).reviewers.refused, ['tandem-mesh-k8s-component-auth-method']);
  settle(world);
  assert.deepEqual(world.objects.get(key)?.body, seen.body);
});

test('a lost bootstrap token is never reset by itself', () => {
  const world = settled();
  world.bootstrap = { ...world.bootstrap, token: 'another' };
  const observed = observe(world);
  const closed = {
    ...observed,
    memory: { ...observed.memory, bootstrapClosed: { index: '21', at: world.now } },
  };
  assert.deepEqual(describeStep(nextSecureStep(SETTINGS, closed)), {
    step: 'wait',
    reason: 'bootstrapped-by-others',
    object: 'reset index 21',
  });
});

test('what has our name and not our description is left alone, and the rest goes on', () => {
  const world = settled();
  const seen = world.objects.get('policy/tandem-mesh-dns');
  assert.ok(seen);
  const body = { ...seen.body, Description: 'mine', Rules: '' };
  world.objects.set('policy/tandem-mesh-dns', { ...seen, description: 'mine', body });
  world.rules = [];
  assert.deepEqual(kinds(settle(world)), ['put-rule', 'put-rule', 'put-rule']);
  assert.equal(world.objects.get('policy/tandem-mesh-dns')?.body['Rules'], '');
});

test('accounts of an auth method of somebody else get no rights of ours', () => {
  const world = settled();
  for (const method of ['k8s-auth-method', 'k8s-component-auth-method']) {
    const key = `auth-method/tandem-mesh-${method}`;
    const seen = world.objects.get(key);
    assert.ok(seen);
    world.objects.set(key, { ...seen, description: 'mine', body: { ...seen.body, Description: 'mine' } });
  }
  world.rules = [];
  assert.deepEqual(kinds(settle(world)), []);
});

test('the words of a step have no secret in them, and every kind is counted', () => {
  const world = newWorld();
  const seen = new Set<string>();
  const check = (step: SecureStep): void => {
    seen.add(step.kind);
    const text = JSON.stringify(describeStep(step));
    const { state, bootstrap } = world;
    const tokens = [...Object.values(state?.tokens ?? {}), ...Object.values(state?.nextTokens ?? {})];
    const secrets = [
      state?.gossip,
      state?.nextGossip,
      bootstrap.token,
      bootstrap.next,
      ...tokens.map(({ secret }) => secret),
    ];
    for (const each of secrets) assert.ok(each === undefined || !text.includes(each), step.kind);
    assert.ok(!text.includes('PRIVATE'));
  };
  settle(world, SETTINGS, check);
  startAgents(world);
  settle(world, SETTINGS, check);
  for (const rotation of rotations) {
    world.requests = { ...world.requests, [rotation]: 'now' };
    settle(world, SETTINGS, check);
  }
  world.rules = [...world.rules, ...world.rules.map((rule) => ({ ...rule, id: `${rule.id}x` }))];
  settle(world, SETTINGS, check);
  assert.deepEqual(
    stepKinds.filter((kind) => !seen.has(kind)),
    [],
  );
});

test('ended after any step and begun again, it comes to the same end', () => {
  for (let after = 0; after < 30; after += 1) {
    const world = newWorld();
    for (let at = 0; at < after; at += 1) {
      const step = last(world);
      if (step.kind === 'wait') startAgents(world);
      apply(world, step);
      // The answer was lost: what can be done twice is done twice.
      if (step.kind === 'put' || step.kind === 'put-rule' || step.kind === 'reload') apply(world, step);
    }
    settle(world);
    if (world.agents.length === 0) startAgents(world);
    settle(world);
    assert.equal(last(world).kind, 'keep');
    assert.equal(world.rules.length, 3);
    assert.equal(world.management?.length, 1);
  }
});

test('a name that is there by itself may be given again', () => {
  const settings = {
    ...SETTINGS,
    serverNames: ['localhost', '127.0.0.1', '0:0:0:0:0:0:0:1', 'consul.example.com'],
  };
  const world = newWorld();
  settle(world, settings);
  startAgents(world);
  settle(world, settings);
  assert.equal(nextSecureStep(settings, observe(world)).kind, 'keep');
});

test('a leaf with a damaged key is replaced, though agents still serve it', () => {
  for (const key of ['', 'garbage', settled().agentSecrets.server.key]) {
    const world = settled();
    world.agentSecrets.server = { ...world.agentSecrets.server, key };
    assert.equal(last(world).reason, 'leaf-unusable');
    settle(world);
    assert.equal(last(world).kind, 'keep');
  }
});

test('a token that is in no Secret any more stays as long as an agent may use it', () => {
  const world = settled();
  world.state = undefined;
  const away = world.agents[3];
  assert.ok(away);
  away.isSilent = true;
  assert.ok(!kinds(settle(world)).includes('delete-token'));
  away.isSilent = false;
  assert.ok(kinds(settle(world)).includes('delete-token'));
  assert.equal(last(world).kind, 'keep');
});

test('a CA of a clock that was ahead is replaced, because agents refuse what is not valid yet', () => {
  const world = newWorld();
  world.now += 6 * 365 * 86_400_000;
  settle(world);
  startAgents(world);
  settle(world);
  world.now = NOW;
  assert.equal(last(world).reason, 'ca-not-yet-valid');
  settle(world);
  const [ca] = certificatesIn(world.state?.ca?.certificate ?? '');
  assert.ok(ca && ca.issued <= world.now);
  assert.equal(last(world).kind, 'keep');
});

test('a Secret that was made anew has a version that no agent runs', () => {
  const settings = { ...SETTINGS, tls: false };
  const world = newWorld();
  settle(world, settings);
  startAgents(world);
  settle(world, settings);
  world.state = undefined;
  world.agentSecrets.server = readAgentSecret(undefined);
  world.agentSecrets.client = readAgentSecret(undefined);
  assert.equal(kinds(settle(world, settings)).filter((kind) => kind === 'reload').length, 4);
  for (const agent of world.agents) agent.stamp = Number.MAX_SAFE_INTEGER;
  world.requests = { 'agent-tokens': 'now' };
  settle(world, settings);
  assert.equal(world.agentSecrets.server.stamp, 3);
});

test('while an agent is away, a leaf of the CA before is exchanged when it is due, and does not expire', () => {
  const world = settled();
  const away = world.agents[3];
  assert.ok(away);
  world.requests = { ca: 'now' };
  away.isSilent = true;
  settle(world);
  const [before] = certificatesIn(world.agentSecrets.server.certificate);
  assert.ok(before);
  world.now += 19 * 86_400_000;
  settle(world);
  assert.equal(certificatesIn(world.agentSecrets.server.certificate)[0]?.id, before.id);
  world.now += 2 * 86_400_000;
  settle(world);
  const [leaf, cross] = certificatesIn(world.agentSecrets.server.certificate);
  assert.ok(leaf && cross && leaf.expires > before.expires);
  assert.ok(isSignedBy(leaf.pem, world.state?.ca?.certificate ?? ''));
});

test('a token that is not asked for any more is deleted', () => {
  const world = settled();
  const settings = { ...SETTINGS, uiToken: false };
  const accessor = world.state?.tokens.ui?.accessor ?? '';
  const [step] = settle(world, settings);
  assert.ok(step?.kind === 'delete-token' && step.accessor === accessor);
  assert.equal(nextSecureStep(settings, observe(world)).kind, 'keep');
  settle(world);
  assert.ok(world.objects.has(`token/${accessor}`));
});

test('what somebody adds to the configuration of the agents, or takes from their certificate, is put back', () => {
  const world = settled();
  world.requests = { ca: 'now' };
  settle(world);
  const texts = writeAgentSecret(world.agentSecrets.server);
  const configuration = JSON.parse(texts['tandem.json'] ?? '') as object;
  const edits = [
    { 'tandem.json': JSON.stringify({ ...configuration, acl: { default_policy: 'allow' } }) },
    { 'tandem.json': JSON.stringify({ ...configuration, datacenter: 'other' }) },
    { 'tandem.json': 'garbage' },
    { 'tls.crt': certificatesIn(texts['tls.crt'] ?? '')[0]?.pem ?? '' },
  ];
  for (const edit of edits) {
    world.agentSecrets.server = readAgentSecret({ ...texts, ...edit });
    const steps = settle(world);
    assert.deepEqual([...new Set(kinds(steps))], ['write-secret', 'reload']);
    assert.ok(certificatesIn(world.agentSecrets.server.certificate).length === 2);
    const written = writeAgentSecret(world.agentSecrets.server);
    assert.deepEqual(
      Object.keys(JSON.parse(written['tandem.json'] ?? '') as object),
      Object.keys(configuration),
    );
  }
});
