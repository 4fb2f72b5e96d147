/** A management token that the operator brings, and servers that run elsewhere. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeStep } from '../../../src/secure/describe-step.ts';
import { nextSecureStep } from '../../../src/secure/secure-plan.ts';
import { problemsOf } from '../../../src/secure/secure-report.ts';
import { isPlainText, type SecureSettings } from '../../../src/secure/secure-settings.ts';
import { newWorld, observe, settle, SETTINGS, startAgents, type World } from './secure-world.ts';

const BROUGHT: SecureSettings = { ...SETTINGS, bootstrapToken: { secret: 'mine', key: 'secret' } };
const ELSEWHERE: SecureSettings = {
  ...BROUGHT,
  external: { addresses: ['https://consul.example.com:8501'], serverName: undefined, cluster: 'ea57-0' },
  gossip: false,
  tls: false,
  clients: false,
};
const LACK = 'the Secret consul/mine has no token under the key secret';

function without(token: string | undefined): World {
  const world = newWorld();
  world.bootstrap = { ...world.bootstrap, token, lack: token === undefined ? LACK : undefined };
  return world;
}

const problems = (settings: SecureSettings, world: World): readonly string[] => {
  const observed = observe(world, settings);
  return problemsOf(settings, observed, nextSecureStep(settings, observed)).map(({ message }) => message);
};

test('a Secret of the operator without a token is waited for and never written; the rest goes on meanwhile', () => {
  const world = without(undefined);
  settle(world, BROUGHT);
  startAgents(world);
  settle(world, BROUGHT, ({ kind }) => assert.notEqual(kind, 'write-bootstrap'));
  assert.deepEqual(describeStep(nextSecureStep(BROUGHT, observe(world))), {
    step: 'wait',
    reason: 'no-token',
    object: LACK,
  });
  assert.ok(world.agents.every(({ kind, stamp }) => stamp === world.agentSecrets[kind].stamp));
  assert.deepEqual(problems(BROUGHT, world), [`${LACK}; put the token with all rights there`]);
  world.bootstrap = { ...world.bootstrap, token: 'brought', lack: undefined };
  settle(world, BROUGHT);
  assert.equal(nextSecureStep(BROUGHT, observe(world)).kind, 'keep');
  assert.deepEqual([world.management, world.bootstrap.token], [['brought'], 'brought']);
});

test('a Consul that knows the brought token already is not bootstrapped, and the token is never exchanged', () => {
  const world = without('brought');
  world.management = ['brought'];
  settle(world, BROUGHT);
  startAgents(world);
  world.requests = { 'bootstrap-token': 'now' };
  settle(world, BROUGHT, ({ kind }) =>
    assert.ok(!['bootstrap', 'write-bootstrap', 'put-bootstrap'].includes(kind), kind),
  );
  assert.equal(nextSecureStep(BROUGHT, observe(world)).kind, 'keep');
});

test('of external servers ACL objects are kept and nothing else, each with the owner behind its name', () => {
  const world = without('brought');
  world.isElsewhere = true;
  world.management = ['brought'];
  const seen = new Set<string>();
  settle(world, ELSEWHERE, ({ kind }) => seen.add(kind));
  assert.deepEqual([...seen].toSorted(), [
    'keep',
    'make',
    'put',
    'put-auth-method',
    'put-rule',
    'write-token-secret',
  ]);
  const names = [...world.objects.keys()].filter((key) => !key.startsWith('token/'));
  assert.ok(names.length >= 8);
  assert.deepEqual(
    names.filter((name) => !/^(policy|role|auth-method)\/tandem-mesh-.*-east$/.test(name)),
    [],
  );
  assert.ok(!names.some((name) => /agent|dns/.test(name)));
  for (const { method, bindName, type } of world.rules) {
    assert.match(method, /-east$/);
    if (type === 'role') assert.match(bindName, /-east$/);
  }
  world.requests = { 'agent-tokens': 'now', ca: 'now', gossip: 'now', 'server-certificate': 'now' };
  assert.deepEqual(settle(world, ELSEWHERE), []);
});

test('external servers without a token of ours have a state of their own, and lose what is not asked for', () => {
  const world = without('brought');
  world.isElsewhere = true;
  world.management = ['brought'];
  settle(world, ELSEWHERE);
  const plain = { ...ELSEWHERE, uiToken: false, replicationToken: false };
  assert.ok(settle(world, plain).some(({ kind }) => kind === 'delete-token'));
  const fresh = { ...without('brought'), isElsewhere: true, management: ['brought'] };
  assert.deepEqual(settle(fresh, plain).map(({ kind }) => kind)[0], 'write-state');
  assert.equal(nextSecureStep(plain, observe(fresh)).kind, 'keep');
});

test('external servers that do not know the token are never bootstrapped', () => {
  const world = without('brought');
  world.isElsewhere = true;
  settle(world, ELSEWHERE, ({ kind }) => assert.notEqual(kind, 'bootstrap'));
  assert.equal(nextSecureStep(ELSEWHERE, observe(world)).reason, 'token-unknown');
  assert.match(
    problems(ELSEWHERE, world)[0] ?? '',
    /does not know the token in the Secret \(the Secret consul\/mine\)/,
  );
});

test('it is known when the token with all rights goes over the network in plain text', () => {
  const external = {
    addresses: ['https://a:8501', 'http://b:8500'],
    serverName: undefined,
    cluster: 'ea57-0',
  };
  const isPlain = [SETTINGS, ELSEWHERE, { ...SETTINGS, tls: false }, { ...ELSEWHERE, external }].map(
    isPlainText,
  );
  assert.deepEqual(isPlain, [false, false, true, true]);
});

test('two clusters on one Consul never touch what the other has', () => {
  const east = { ...without('brought'), isElsewhere: true, management: ['brought'] };
  settle(east, ELSEWHERE);
  const before = { objects: [...east.objects], rules: [...east.rules] };
  const west: World = { ...without('brought'), isElsewhere: true, management: ['brought'] };
  const shared = { ...west, objects: east.objects, rules: east.rules };
  const settings = { ...ELSEWHERE, owner: 'west' };
  settle(shared, settings);
  const ofWest = [...shared.objects.keys()].filter((key) => !before.objects.some(([name]) => name === key));
  assert.equal(ofWest.length, before.objects.length);
  settle(shared, { ...settings, podAuthMethod: false, uiToken: false, helmTest: false });
  const left = [...shared.objects].filter(([key]) => !ofWest.includes(key));
  assert.deepEqual(left, before.objects);
  assert.deepEqual(
    shared.rules.filter(({ description }) => description.includes('cluster east')),
    before.rules,
  );
});

test('two clusters that were given one owner: the second writes nothing, and says whose the name is', () => {
  const east = { ...without('brought'), isElsewhere: true, management: ['brought'] };
  settle(east, ELSEWHERE);
  const shared = { ...without('brought'), isElsewhere: true, management: ['brought'], objects: east.objects };
  const before = [...shared.objects];
  const twin = { ...ELSEWHERE, external: { ...ELSEWHERE.external, cluster: 'ea57-1' } } as SecureSettings;
  settle(shared, twin);
  assert.deepEqual([...shared.objects], before);
  assert.deepEqual(shared.rules, []);
  assert.match(
    problems(twin, shared)[0] ?? '',
    /^policy\/tandem-mesh-\S+-east in Consul belongs to another cluster with the owner east \(UID of its kube-system: ea57-0\), so nothing is written; give one of the two another global\.owner/,
  );
  // What an earlier version wrote has no UID, and is taken over by the cluster that comes first.
  const old = [...east.objects].map(([key, seen]) => {
    const description = seen.description.replace(/ \(.*\)$/, '');
    return [key, { ...seen, description, body: { ...seen.body, Description: description } }] as const;
  });
  const upgraded = { ...east, objects: new Map(old) };
  settle(upgraded, ELSEWHERE);
  assert.equal(nextSecureStep(ELSEWHERE, observe(upgraded, ELSEWHERE)).kind, 'keep');
  assert.ok([...upgraded.objects.values()].every(({ description }) => description.endsWith('(ea57-0)')));
});
