/** A CA whose key somebody else may have leaves at once, and the pods that trust it are named. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newCa, newLeaf } from '../../../src/certificates/sign.ts';
import { chainsTo } from '../../../src/secure/certificates.ts';
import { certificatesIn } from '../../../src/support/known-certificate.ts';
import { BEHIND_AFTER } from '../../../src/secure/loaded.ts';
import { DISTRUST } from '../../../src/secure/observed.ts';
import { readPodAccess } from '../../../src/secure/plain-pods.ts';
import { nextSecureStep } from '../../../src/secure/secure-plan.ts';
import { podsToRestart, problemsOf } from '../../../src/secure/secure-report.ts';
import { NOTHING_BROUGHT, type SecureSettings } from '../../../src/secure/secure-settings.ts';
import { certificateIds, writeIds } from '../../../src/support/certificate-ids.ts';
import { apply, newWorld, NOW, observe, settle, SETTINGS, startAgents, type World } from './secure-world.ts';

const DAY = 86_400_000;

function settled(settings = SETTINGS, secrets: Readonly<Record<string, Record<string, string>>> = {}): World {
  const world = newWorld();
  for (const [name, texts] of Object.entries(secrets)) world.brought.set(name, texts);
  settle(world, settings);
  startAgents(world);
  settle(world, settings);
  return world;
}

const trusted = (world: World): readonly string[] =>
  certificatesIn(world.agentSecrets.server.ca).map(({ pem }) => pem);
const ask = (world: World): void => {
  world.requests = { ca: `2026-01-01T00:00:00Z${DISTRUST}` };
};

// In `require` they would be named for their lack of a login.
const PREFER = { ...SETTINGS, stage: 'prefer' } as const;

/** A pod as the webhook makes it. @param cas PEM; undefined: it was injected by a version that did not note them */
const podWith = (name: string, cas: string | undefined) => {
  const annotations = cas === undefined ? {} : { 'tandem/consul-ca-id': writeIds(certificateIds(cas)) };
  return readPodAccess({
    metadata: { namespace: 'shop', name, annotations },
    spec: { containers: [{ name: 'consul-dataplane', args: ['-ca-certs=/consul/tls/ca.pem'] }] },
  });
};
const named = (world: World, pods: readonly ReturnType<typeof podWith>[]): readonly string[] =>
  podsToRestart(
    PREFER,
    observe(world),
    pods.flatMap((pod) => pod ?? []),
  );

test('no agent trusts the former CA once none serves what it signed; whoever trusts one CA alone still gets in', () => {
  const world = settled();
  const before = world.publishedCa ?? '';
  ask(world);
  // Each agent is accepted by each other one at each moment.
  for (;;) {
    const step = nextSecureStep(SETTINGS, observe(world));
    if (step.kind === 'keep' || step.kind === 'wait') break;
    apply(world, step);
    const serials = world.agents.map(({ serial }) => serial);
    const isOldServed = serials.some((serial) => serial === certificatesIn(before)[0]?.serial);
    assert.ok(!isOldServed || trusted(world).includes(before));
  }
  assert.equal(trusted(world).length, 1);
  assert.ok(!world.publishedCa?.includes(before));
  assert.notEqual(world.publishedCa, before);
  const [leaf = '', ...behind] = certificatesIn(world.agentSecrets.server.certificate).map(({ pem }) => pem);
  assert.ok(chainsTo(leaf, behind, [world.publishedCa ?? '']));
  assert.ok(chainsTo(leaf, behind, [before]), 'pods have to be restarted, and are not cut off before');
  assert.deepEqual(settle(world), []);
});

test('an agent that stays away holds nothing up', () => {
  const world = settled();
  const before = world.publishedCa ?? '';
  const [, , , away] = world.agents;
  assert.ok(away);
  away.isSilent = true;
  ask(world);
  settle(world);
  assert.ok(trusted(world).includes(before), 'for a moment it may come back');
  const late = (): ReturnType<typeof observe> => {
    const seen = observe(world);
    const behindSince = new Map([[away.name, world.now - BEHIND_AFTER]]);
    return { ...seen, memory: { ...seen.memory, behindSince } };
  };
  for (let steps = 0; ; steps += 1) {
    const step = nextSecureStep(SETTINGS, late());
    if (step.kind === 'keep' || step.kind === 'wait') break;
    assert.ok(steps < 50);
    apply(world, step);
  }
  assert.ok(!trusted(world).includes(before));
});

test('a rotation without it lets the former CA stay for 30 days', () => {
  const world = settled();
  const before = world.publishedCa ?? '';
  world.requests = { ca: '2026-01-01T00:00:00Z' };
  settle(world);
  assert.ok(trusted(world).includes(before));
  assert.deepEqual(named(world, [podWith('web', before)]), []);
});

test('pods that trust it are named until they are restarted, and no longer than it lasts', () => {
  const world = settled();
  const before = world.publishedCa ?? '';
  ask(world);
  settle(world);
  const after = world.publishedCa ?? '';
  const pods = [
    podWith('old', before),
    podWith('both', after + before),
    podWith('new', after),
    podWith('unknown', undefined),
    readPodAccess({
      metadata: { namespace: 'evil', name: 'x', annotations: { 'tandem/consul-ca-id': '<script>' } },
      spec: { containers: [{ name: 'consul-dataplane', args: ['-tls-disabled'] }] },
    }),
  ];
  assert.deepEqual(named(world, pods), [
    'restart shop/both: it trusts a CA that is distrusted',
    'restart shop/old: it trusts a CA that is distrusted',
    'restart shop/unknown: it trusts a CA that is distrusted',
  ]);
  assert.match(podsToRestart(PREFER, observe(world), undefined).join(), /cannot be listed/);
  // The next rotation forgets none of them.
  world.requests = { ca: 'then' };
  settle(world);
  assert.ok(named(world, pods).includes('restart shop/old: it trusts a CA that is distrusted'));
  world.now += 6 * 365 * DAY;
  settle(world);
  assert.equal(world.state?.distrusted.length, 0);
});

test('with a CA that is brought, the ones before leave; the CA itself stays', () => {
  const life = { now: NOW, life: 3650 * DAY };
  const [one, other] = [newCa(life), newCa(life)];
  const texts = ({ certificate, key }: typeof one) => ({ 'tls.crt': certificate, 'tls.key': key });
  const ca = { secret: 'my-ca', key: 'tls.crt' };
  const caKey = { secret: 'my-ca', key: 'tls.key' };
  const settings: SecureSettings = { ...SETTINGS, brought: { ...NOTHING_BROUGHT, ca, caKey } };
  const world = settled(settings, { 'my-ca': texts(one) });
  world.brought.set('my-ca', texts(other));
  settle(world, settings);
  assert.deepEqual(trusted(world), [other.certificate, one.certificate]);
  ask(world);
  settle(world, settings);
  assert.deepEqual(trusted(world), [other.certificate]);
  assert.deepEqual(settle(world, settings), []);
  assert.equal(named(world, [podWith('web', one.certificate)]).length, 1);
});

test('a certificate that is brought keeps the CA that signed it trusted: its Secret is named until it is exchanged', () => {
  const life = { now: NOW, life: 3650 * DAY };
  const [one, other] = [newCa(life), newCa(life)];
  const leaf = (by: typeof one) => {
    const { certificate, key } = newLeaf(by, ['server.dc1.consul', 'agent.dc1.consul'], {
      now: NOW,
      life: 90 * DAY,
    });
    return { 'tls.crt': certificate, 'tls.key': key };
  };
  const ca = { secret: 'my-ca', key: 'tls.crt' };
  const brought = { ...NOTHING_BROUGHT, ca, server: 'my-server', client: 'my-client' };
  const settings: SecureSettings = { ...SETTINGS, brought };
  const world = settled(settings, {
    'my-ca': { 'tls.crt': one.certificate },
    'my-server': leaf(one),
    'my-client': leaf(one),
  });
  const problems = () => {
    const observed = observe(world, settings);
    return problemsOf(settings, observed, nextSecureStep(settings, observed));
  };
  world.brought.set('my-ca', { 'tls.crt': other.certificate });
  world.brought.set('my-client', leaf(other));
  settle(world, settings);
  assert.deepEqual(problems(), []);
  ask(world);
  settle(world, settings);
  assert.ok(trusted(world).includes(one.certificate));
  assert.deepEqual(
    problems().map(({ source, reason }) => `${source} ${reason}`),
    ['Secret/consul/my-server distrusted-ca-in-use'],
  );
  world.brought.set('my-server', leaf(other));
  settle(world, settings);
  assert.deepEqual(trusted(world), [other.certificate]);
  assert.deepEqual(problems(), []);
});
