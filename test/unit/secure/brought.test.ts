/** What the operator brings is used as soon as it can be; until then, agents keep what they have, and the reason is told. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { generate } from 'selfsigned';
import { crossSigned, newCa, newLeaf } from '../../../src/certificates/sign.ts';
import type { KeyPair } from '../../../src/certificates/key-pair.ts';
import { chainsTo } from '../../../src/secure/certificates.ts';
import { certificatesIn, isSignedBy } from '../../../src/support/known-certificate.ts';
import { describeStep } from '../../../src/secure/describe-step.ts';
import { nextSecureStep } from '../../../src/secure/secure-plan.ts';
import { problemsOf } from '../../../src/secure/secure-report.ts';
import { NOTHING_BROUGHT, type SecureSettings } from '../../../src/secure/secure-settings.ts';
import type { SecureStep } from '../../../src/secure/secure-step.ts';
import {
  gossipKey,
  newWorld,
  NOW,
  observe,
  settle,
  SETTINGS,
  startAgents,
  type World,
} from './secure-world.ts';

const DAY = 86_400_000;
const life = { now: NOW, life: 3650 * DAY };
const ca = { secret: 'my-ca', key: 'tls.crt' };
const caKey = { secret: 'my-ca', key: 'tls.key' };
const WITH_KEY: SecureSettings = { ...SETTINGS, brought: { ...NOTHING_BROUGHT, ca, caKey } };
const WITH_LEAVES: SecureSettings = {
  ...SETTINGS,
  brought: { ...NOTHING_BROUGHT, ca, server: 'my-server', client: 'my-client' },
};
const WITH_GOSSIP: SecureSettings = {
  ...SETTINGS,
  brought: { ...NOTHING_BROUGHT, gossip: { secret: 'my-gossip', key: 'key' } },
};
const HOSTS = ['server.dc1.consul', 'agent.dc1.consul'];

const texts = ({ certificate, key }: KeyPair, behind = '') => ({
  'tls.crt': certificate + behind,
  'tls.key': key,
});

function settled(
  settings: SecureSettings,
  secrets: Readonly<Record<string, Record<string, string>>> = {},
): World {
  const world = newWorld();
  for (const [name, content] of Object.entries(secrets)) world.brought.set(name, content);
  settle(world, settings);
  startAgents(world);
  settle(world, settings);
  return world;
}

const kinds = (steps: readonly SecureStep[]): readonly string[] => [
  ...new Set(steps.map(({ kind }) => kind)),
];
const last = (world: World, settings: SecureSettings) =>
  describeStep(nextSecureStep(settings, observe(world, settings)));
const served = ({ agentSecrets }: World): readonly string[] =>
  certificatesIn(agentSecrets.server.certificate).map(({ pem }) => pem);

/** Whether a client that knows these alone takes what servers serve. */
function isAccepted(world: World, trusted: string): boolean {
  const [leaf = '', ...behind] = served(world);
  return chainsTo(
    leaf,
    behind,
    certificatesIn(trusted).map(({ pem }) => pem),
  );
}

test('a CA that is brought signs; each later one is accepted by whoever knows any before', () => {
  const own = settled(SETTINGS);
  const [first, second] = [newCa(life), newCa(life)];
  const known = [own.publishedCa ?? ''];
  for (const pair of [first, second]) {
    own.brought.set('my-ca', texts(pair));
    const steps = settle(own, WITH_KEY);
    assert.equal(steps[0]?.reason, 'brought');
    assert.ok(isSignedBy(served(own)[0] ?? '', pair.certificate));
    assert.equal(own.state?.ca?.key, pair.key);
    known.push(pair.certificate);
    for (const each of known) assert.ok(isAccepted(own, each));
    assert.deepEqual(settle(own, WITH_KEY), []);
  }
  // Asked for, it is not exchanged by one that is made here.
  own.requests = { ca: 'now' };
  assert.deepEqual(settle(own, WITH_KEY), []);
  own.now += 31 * DAY;
  settle(own, WITH_KEY);
  assert.equal(own.publishedCa, second.certificate);
  for (const each of known) assert.ok(isAccepted(own, each));
  own.requests = {};
  assert.deepEqual(settle(own), []);
});

test('an intermediate signs with its way up behind each leaf', () => {
  const [root, below] = [newCa(life), newCa(life)];
  const middle = { certificate: crossSigned(below.certificate, root, NOW), key: below.key };
  const alone = newWorld();
  alone.brought.set('my-ca', texts(middle));
  assert.equal(
    last(alone, WITH_KEY).object,
    'Secret my-ca: its tls.crt is signed by another CA, whose certificate has to follow it',
  );
  const world = settled(WITH_KEY, { 'my-ca': texts(middle, root.certificate) });
  assert.ok(isAccepted(world, root.certificate));
  assert.equal(world.publishedCa, middle.certificate + root.certificate);
  assert.equal(last(world, WITH_KEY).step, 'keep');
});

test('leaves that are brought are copied with a new stamp, and one of a new CA waits until all trust it', () => {
  const [one, other] = [newCa(life), newCa(life)];
  const leafOf = (by: KeyPair) => newLeaf(by, HOSTS, { now: NOW, life: 90 * DAY });
  const leaves = { 'my-server': texts(leafOf(one)), 'my-client': texts(leafOf(one)) };
  const world = settled(WITH_LEAVES, { 'my-ca': { 'tls.crt': one.certificate }, ...leaves });
  assert.equal(world.agentSecrets.server.certificate, leaves['my-server']['tls.crt']);
  const { stamp } = world.agentSecrets.server;
  const renewed = texts(leafOf(one));
  world.brought.set('my-server', renewed);
  assert.deepEqual(kinds(settle(world, WITH_LEAVES)), ['write-secret', 'reload']);
  assert.equal(world.agentSecrets.server.stamp, stamp + 1);
  assert.equal(world.agentSecrets.server.key, renewed['tls.key']);

  const next = texts(leafOf(other));
  world.brought.set('my-server', next);
  assert.deepEqual(settle(world, WITH_LEAVES), []);
  assert.equal(
    last(world, WITH_LEAVES).object,
    'Secret my-server: its tls.crt is of a CA that is not in my-ca',
  );
  world.brought.set('my-ca', { 'tls.crt': other.certificate });
  const away = world.agents[3];
  assert.ok(away);
  away.isSilent = true;
  settle(world, WITH_LEAVES);
  assert.equal(world.agentSecrets.server.key, renewed['tls.key']);
  away.isSilent = false;
  settle(world, WITH_LEAVES);
  assert.equal(world.agentSecrets.server.key, next['tls.key']);
  // The leaf of clients is of the CA before, and lasts for 90 days.
  world.now += 60 * DAY;
  settle(world, WITH_LEAVES);
  assert.ok(world.publishedCa?.includes(one.certificate));
});

test('what cannot be used is named, with the Secret; nothing is made in its place, and agents keep what they have', () => {
  const good = newCa(life);
  const ed25519 = generateKeyPairSync('ed25519')
    .privateKey.export({ type: 'pkcs8', format: 'pem' })
    .toString();
  const leaf = newLeaf(good, HOSTS, { now: NOW, life: 30 * DAY });
  const short = newCa({ now: NOW - 2 * DAY, life: DAY });
  const cas: readonly [Record<string, string> | undefined, RegExp][] = [
    [undefined, /my-ca: it is not there/],
    [{}, /my-ca: it has no tls\.crt/],
    [{ 'tls.crt': good.certificate }, /my-ca: it has no tls\.key/],
    [{ 'tls.crt': 'garbage', 'tls.key': good.key }, /its tls\.crt is not a certificate/],
    [texts({ ...good, key: newCa(life).key }), /its tls\.crt is not the certificate of the key in my-ca/],
    [texts({ ...good, key: ed25519 }), /its tls\.crt is not the certificate of the key in my-ca/],
    [texts({ ...good, key: 'garbage' }), /its tls\.crt is not the certificate of the key in my-ca/],
    [texts(leaf), /its tls\.crt is not a certificate of a CA/],
    [texts(short), /its tls\.crt expired at 2025-12-31/],
  ];
  for (const [content, why] of cas) {
    const fresh = newWorld();
    fresh.brought.set('my-ca', content);
    assert.deepEqual(settle(fresh, WITH_KEY), []);
    assert.match(last(fresh, WITH_KEY).object ?? '', why);
    const world = settled(WITH_KEY, { 'my-ca': texts(good) });
    const { server } = world.agentSecrets;
    world.brought.set('my-ca', content);
    world.rules = [];
    assert.deepEqual(kinds(settle(world, WITH_KEY)), ['put-rule'], 'the rest goes on');
    const observed = observe(world, WITH_KEY);
    const [problem] = problemsOf(WITH_KEY, observed, nextSecureStep(WITH_KEY, observed));
    assert.equal(problem?.source, 'Secret/consul/my-ca');
    assert.match(
      problem.message,
      /^the Secret consul\/my-ca cannot be used: .*; agents keep what they have$/,
    );
    assert.ok(!problem.message.includes('-----'));
    assert.deepEqual(world.agentSecrets.server, server);
  }
});

test('a leaf that Consul would refuse never reaches an agent', () => {
  const one = newCa(life);
  const leaf = (hosts = HOSTS): KeyPair => newLeaf(one, hosts, { now: NOW, life: 30 * DAY });
  const leaves = { 'my-server': texts(leaf()), 'my-client': texts(leaf()) };
  const cas = { 'my-ca': { 'tls.crt': one.certificate } };
  for (const [content, why] of [
    [{}, /my-server: it has no tls\.crt/],
    [{ 'tls.crt': leaf().certificate }, /it has no tls\.key/],
    [texts({ ...leaf(), key: leaf().key }), /its tls\.key is not the key of its tls\.crt/],
    [texts(leaf(['consul.example.com'])), /its tls\.crt is not for server\.dc1\.consul/],
    [texts(newLeaf(newCa(life), HOSTS, life)), /its tls\.crt is of a CA that is not in my-ca/],
    [texts(newLeaf(one, HOSTS, { now: NOW - 2 * DAY, life: DAY })), /its tls\.crt expired at/],
  ] as const) {
    const fresh = newWorld();
    for (const [name, each] of Object.entries({ ...cas, ...leaves, 'my-server': content }))
      fresh.brought.set(name, each);
    settle(fresh, WITH_LEAVES);
    assert.equal(fresh.agentSecrets.server.stamp, 0, 'its pods wait');
    const world = settled(WITH_LEAVES, { ...cas, ...leaves });
    const { server } = world.agentSecrets;
    world.brought.set('my-server', content);
    assert.deepEqual(settle(world, WITH_LEAVES), []);
    assert.match(last(world, WITH_LEAVES).object ?? '', why);
    assert.deepEqual(world.agentSecrets.server, server);
  }
});

test('a gossip key that is brought is followed by install, use and remove; so is the way to one of our own, and back', () => {
  const [first, second] = [gossipKey(), gossipKey()];
  const world = settled(WITH_GOSSIP, { 'my-gossip': { key: `${first}\n` } });
  assert.equal(world.agentSecrets.client.gossip, first);
  world.brought.set('my-gossip', { key: second });
  const operations = settle(world, WITH_GOSSIP).flatMap((step) =>
    step.kind === 'keyring' ? [step.operation] : step.kind === 'write-secret' ? ['secret'] : [],
  );
  assert.deepEqual(operations, ['install', 'secret', 'secret', 'use']);
  world.primarySince = world.now;
  world.now += 600_000;
  assert.deepEqual(kinds(settle(world, WITH_GOSSIP)), ['keyring']);
  assert.deepEqual([...world.keys.installed], [second]);
  world.requests = { gossip: 'now' };
  assert.deepEqual(settle(world, WITH_GOSSIP), []);
  world.requests = {};

  // From here on it is ours: the same key, until somebody asks for another.
  assert.deepEqual(settle(world), []);
  world.requests = { gossip: 'then' };
  settle(world);
  assert.notEqual(world.keys.primary, second);
  settle(world, WITH_GOSSIP);
  assert.equal(world.keys.primary, second);
  assert.equal(last(world, WITH_GOSSIP).step, 'keep');
});

test('a gossip key that is none is named, and the one in use stays', () => {
  const key = gossipKey();
  for (const text of ['', 'garbage!', 'YWJj']) {
    const fresh = newWorld();
    fresh.brought.set('my-gossip', { key: text });
    settle(fresh, WITH_GOSSIP);
    assert.equal(fresh.agentSecrets.server.stamp, 0);
    const world = settled(WITH_GOSSIP, { 'my-gossip': { key } });
    world.brought.set('my-gossip', { key: text });
    assert.deepEqual(settle(world, WITH_GOSSIP), []);
    assert.match(
      last(world, WITH_GOSSIP).object ?? '',
      /^Secret my-gossip: (it has no key|its key is not a gossip key)/,
    );
    assert.equal(world.keys.primary, key);
  }
});

test('a CA that is brought and nears its end is not signed with again and again; after it, agents keep what they have', () => {
  const short = newCa({ now: NOW, life: 90 * DAY });
  const world = settled(WITH_KEY, { 'my-ca': texts(short) });
  const { stamp } = world.agentSecrets.server;
  for (let day = 1; day <= 100; day += 1) {
    world.now = NOW + day * DAY;
    settle(world, WITH_KEY);
    const step = nextSecureStep(WITH_KEY, observe(world, WITH_KEY));
    // Due at once, it would be looked at without a pause.
    assert.ok(step.kind === 'wait' || (step.kind === 'keep' && step.until > world.now), `day ${day}`);
  }
  assert.ok(world.agentSecrets.server.stamp <= stamp + 5);
  assert.match(last(world, WITH_KEY).object ?? '', /my-ca: its tls.crt expired/);
  world.brought.set('my-ca', texts(newCa({ now: world.now, life: 90 * DAY })));
  settle(world, WITH_KEY);
  assert.ok(isAccepted(world, world.publishedCa ?? ''));
  assert.equal(last(world, WITH_KEY).step, 'keep');
});

test('leaves that are brought and have little life left are no reason to look without a pause', () => {
  const by = newCa(life);
  const leaf = newLeaf(by, HOSTS, { now: NOW, life: 90 * DAY });
  const secrets = {
    'my-ca': { 'tls.crt': by.certificate },
    'my-server': texts(leaf),
    'my-client': texts(leaf),
  };
  const world = settled(WITH_LEAVES, secrets);
  world.now = NOW + 80 * DAY;
  settle(world, WITH_LEAVES);
  const step = nextSecureStep(WITH_LEAVES, observe(world, WITH_LEAVES));
  assert.ok(step.kind === 'keep' && step.until > world.now);
});

test('a CA before stays trusted for as long as a leaf that it signed is served, however late that was brought', () => {
  const [one, other] = [newCa(life), newCa(life)];
  const leafOf = (by: KeyPair, now: number) => texts(newLeaf(by, HOSTS, { now, life: 90 * DAY }));
  const world = settled(WITH_LEAVES, {
    'my-ca': { 'tls.crt': one.certificate },
    'my-server': leafOf(one, NOW),
    'my-client': leafOf(one, NOW),
  });
  world.brought.set('my-ca', { 'tls.crt': other.certificate });
  settle(world, WITH_LEAVES);
  world.now = NOW + 80 * DAY;
  for (const name of ['my-server', 'my-client']) world.brought.set(name, leafOf(one, world.now));
  settle(world, WITH_LEAVES);
  world.now = NOW + 100 * DAY;
  settle(world, WITH_LEAVES);
  assert.ok(isAccepted(world, world.publishedCa ?? ''));
  const step = nextSecureStep(WITH_LEAVES, observe(world, WITH_LEAVES));
  assert.ok(step.kind === 'keep' && step.until > world.now);
  for (const name of ['my-server', 'my-client']) world.brought.set(name, leafOf(other, world.now));
  settle(world, WITH_LEAVES);
  assert.equal(world.publishedCa, other.certificate);
  assert.ok(isAccepted(world, other.certificate));
});

test('a CA that may not sign for servers is not signed with, whose leaves every agent would refuse', () => {
  const root = newCa(life);
  const der = Buffer.from(root.certificate.replaceAll(/-----.*-----|\s/g, ''), 'base64');
  const keyId = Buffer.from('0603551d0e04160414', 'hex');
  const at = der.indexOf(keyId);
  assert.ok(at > 0);
  // extKeyUsage (clientAuth, twice) in the place of the subjectKeyIdentifier, which is as long.
  der.write(`0603551d2504163014${'06082b06010505070302'.repeat(2)}`, at, 'hex');
  const pem = `-----BEGIN CERTIFICATE-----\n${der.toString('base64')}\n-----END CERTIFICATE-----\n`;
  const world = newWorld();
  world.brought.set('my-ca', texts({ certificate: pem, key: root.key }));
  assert.equal(
    last(world, WITH_KEY).object,
    'Secret my-ca: its tls.crt is not a certificate of a CA that may sign for servers and clients',
  );
});

test('CAs that take turns do not lengthen the chain, and whoever knows any of them is let in', () => {
  const cas = [newCa(life), newCa(life), newCa(life)];
  const world = settled(WITH_KEY, { 'my-ca': texts(cas[0] ?? newCa(life)) });
  const turns = [1, 0, 1, 0, 2, 1, 2, 0, 1, 2, 0];
  for (const turn of turns) {
    const pair = cas[turn] ?? newCa(life);
    world.brought.set('my-ca', texts(pair));
    settle(world, WITH_KEY);
    const known = turns.indexOf(2) < turns.indexOf(turn) ? cas : cas.slice(0, 2);
    for (const { certificate } of known) assert.ok(isAccepted(world, certificate), `turn ${turn}`);
    assert.ok(served(world).length <= cas.length, `${served(world).length} certificates`);
  }
});

test('so many CAs, one after the other, that a chain to all of them would be too long: the last 16 lead on', () => {
  const world = settled(SETTINGS);
  for (let at = 0; at < 20; at += 1) {
    world.requests = { ca: String(at) };
    settle(world);
  }
  assert.equal(served(world).length, 17);
});

test('a CA that may sign no other one is named when it is brought, and nothing useless stands behind leaves after it', async () => {
  const extensions = [{ name: 'basicConstraints', cA: true, pathLenConstraint: 0, critical: true }] as const;
  const made = await generate([{ name: 'commonName', value: 'short' }], {
    algorithm: 'sha256',
    extensions: [...extensions],
  });
  const world = newWorld();
  world.now = Date.now();
  world.brought.set('my-ca', texts({ certificate: made.cert, key: made.private }));
  settle(world, WITH_KEY);
  startAgents(world);
  settle(world, WITH_KEY);
  const observed = observe(world, WITH_KEY);
  const [problem] = problemsOf(WITH_KEY, observed, nextSecureStep(WITH_KEY, observed));
  assert.equal(problem?.reason, 'ca-signs-no-ca');
  assert.match(problem.message, /^the CA in the Secret consul\/my-ca may sign no other CA \(pathlen:0\)/);
  const next = newCa({ now: world.now, life: 365 * DAY });
  world.brought.set('my-ca', texts(next));
  settle(world, WITH_KEY);
  assert.equal(served(world).length, 1);
  assert.ok(isAccepted(world, next.certificate));
  const after = observe(world, WITH_KEY);
  assert.deepEqual(problemsOf(WITH_KEY, after, nextSecureStep(WITH_KEY, after)), []);
});
