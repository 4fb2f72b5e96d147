/** How injected pods log in: which ServiceAccounts are let in, and by which keys their tokens are checked. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { needsSigners } from '../../../src/secure/pod-auth-method.ts';
import { nextSecureStep } from '../../../src/secure/secure-plan.ts';
import { problemsOf } from '../../../src/secure/secure-report.ts';
import type { SecureSettings } from '../../../src/secure/secure-settings.ts';
import { readTokenSigners, type TokenSigners } from '../../../src/secure/token-signers.ts';
import { property } from '../../../src/support/json.ts';
import { newWorld, observe, settle, SETTINGS, startAgents, type World } from './secure-world.ts';

const JWT: SecureSettings = { ...SETTINGS, authMethodType: 'jwt' };
const METHOD = 'auth-method/tandem-mesh-k8s-jwt-auth-method';
const HOUR = 60 * 60_000;

const jwk = (kind: 'rsa' | 'ec'): object => {
  const { publicKey } =
    kind === 'rsa'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const alg = kind === 'rsa' ? 'RS256' : 'ES256';
  return { ...publicKey.export({ format: 'jwk' }), use: 'sig', alg, kid: alg };
};
const [OLD, NEW] = [jwk('rsa'), jwk('ec')];
const signers = (...keys: readonly object[]): TokenSigners =>
  readTokenSigners({ issuer: 'https://kubernetes.default.svc' }, { keys });
const pemOf = (key: object): string => {
  const read = signers(key);
  return read.kind === 'known' ? (read.keys[0]?.pem ?? '') : '';
};

function settled(settings: SecureSettings, known: TokenSigners = signers(OLD)): World {
  const world = newWorld();
  world.signers = known;
  settle(world, settings);
  startAgents(world);
  settle(world, settings);
  return world;
}

const config = (world: World): unknown => property(world.objects.get(METHOD)?.body, 'Config');
const keys = (world: World): unknown => property(config(world), 'JWTValidationPubKeys');
const selectors = (settings: Partial<SecureSettings>): readonly string[] =>
  settled({ ...JWT, ...settings })
    .rules.filter(({ type }) => type === 'service')
    .map(({ selector }) => selector);

test('the servers have the keys of the API server, and know an account by its name', () => {
  const world = settled(JWT);
  assert.deepEqual(config(world), {
    JWTValidationPubKeys: [pemOf(OLD)],
    JWTSupportedAlgs: ['RS256'],
    BoundIssuer: 'https://kubernetes.default.svc',
    BoundAudiences: ['consul'],
    ClaimMappings: { '/kubernetes.io/serviceaccount/name': 'sa', '/kubernetes.io/namespace': 'ns' },
  });
  const rule = world.rules.find(({ type }) => type === 'service');
  assert.deepEqual(
    [rule?.method, rule?.bindName, rule?.selector],
    ['tandem-mesh-k8s-jwt-auth-method', '${value.sa}', 'value.sa!="" and value.sa!=default'],
  );
  assert.ok(!world.objects.has('auth-method/tandem-mesh-k8s-auth-method'));
  assert.equal(nextSecureStep(JWT, observe(world)).kind, 'keep');
});

test('a new key is believed at once; an older one for the hour that its tokens may last, also when it comes and goes', () => {
  const world = settled(JWT);
  world.signers = signers(NEW, OLD);
  assert.deepEqual(
    settle(world, JWT).map(({ kind }) => kind),
    ['put'],
  );
  assert.deepEqual(keys(world), [pemOf(OLD), pemOf(NEW)].toSorted());
  assert.deepEqual(property(config(world), 'JWTSupportedAlgs'), ['ES256', 'RS256']);
  // Another API server, which has not been restarted yet.
  world.signers = signers(OLD);
  world.keysGoneSince = new Map([[pemOf(NEW), world.now]]);
  assert.deepEqual(settle(world, JWT), []);
  world.signers = signers(NEW);
  world.keysGoneSince = new Map([[pemOf(OLD), world.now]]);
  world.now += HOUR - 1;
  assert.deepEqual(settle(world, JWT), []);
  world.now += 1;
  settle(world, JWT);
  assert.deepEqual(keys(world), [pemOf(NEW)]);
  assert.deepEqual(property(config(world), 'JWTSupportedAlgs'), ['ES256']);
});

test('while the keys cannot be read, what is there stays; without a method there is no rule, and the rest goes on', () => {
  const unknown: TokenSigners = { kind: 'unknown', why: 'status 403' };
  const world = settled(JWT);
  world.signers = unknown;
  assert.deepEqual(settle(world, JWT), []);
  const fresh = settled(JWT, unknown);
  assert.deepEqual(
    fresh.rules.map(({ type }) => type),
    ['role', 'role'],
  );
  const observed = observe(fresh);
  const [problem] = problemsOf(JWT, observed, nextSecureStep(JWT, observed));
  assert.deepEqual([problem?.reason, problem?.message], ['signers-unknown', 'status 403']);
  fresh.signers = signers(OLD);
  assert.deepEqual(
    settle(fresh, JWT).map(({ kind }) => kind),
    ['put', 'put-rule'],
  );
});

test('a list of keys of which one cannot be read is no list', () => {
  for (const list of [undefined, [], [OLD, { kty: 'RSA', alg: 'RS256' }], [{ ...OLD, alg: undefined }]])
    assert.equal(readTokenSigners({ issuer: 'a' }, { keys: list }).kind, 'unknown');
  assert.equal(readTokenSigners({}, { keys: [OLD] }).kind, 'unknown');
});

test('from one type to the other and back: pods that were injected before still log in, and no method is deleted', () => {
  const world = settled(SETTINGS);
  const before = structuredClone([...world.objects.keys()]);
  world.signers = signers(OLD);
  settle(world, JWT);
  const methods = world.rules.filter(({ type }) => type === 'service').map(({ method }) => method);
  assert.deepEqual(methods.toSorted(), ['tandem-mesh-k8s-auth-method', 'tandem-mesh-k8s-jwt-auth-method']);
  assert.deepEqual(
    before.filter((key) => !world.objects.has(key)),
    [],
  );
  // A key that has left the list is believed for an hour by the former method, too, and no longer.
  assert.ok(needsSigners(SETTINGS, observe(world).acl));
  world.signers = signers(NEW);
  settle(world, SETTINGS);
  world.keysGoneSince = new Map([[pemOf(OLD), world.now]]);
  world.now += HOUR;
  settle(world, SETTINGS);
  assert.deepEqual(keys(world), [pemOf(NEW)]);
  assert.ok(!needsSigners(SETTINGS, observe(settled(SETTINGS)).acl));
  world.signers = { kind: 'unknown', why: 'status 403' };
  assert.deepEqual(settle(world, SETTINGS), []);
  const [problem] = problemsOf(SETTINGS, observe(world), nextSecureStep(SETTINGS, observe(world)));
  assert.equal(problem?.reason, 'signers-unknown');
  assert.match(problem.message, /^status 403; .*-name=tandem-mesh-k8s-jwt-auth-method$/);
});

test('after a change of the type, the former method lets in nobody whom the other one does not', () => {
  const former = (settings: SecureSettings, before: SecureSettings) => {
    const world = settled(before);
    world.signers = signers(OLD);
    settle(world, settings);
    const name = settings.authMethodType === 'jwt' ? 'k8s' : 'k8s-jwt';
    const ofPods = world.rules.filter(({ type }) => type === 'service');
    return ofPods.find(({ method }) => method === `tandem-mesh-${name}-auth-method`)?.selector;
  };
  const only = (bindingRuleSelector: string) => ({ bindingRuleSelector });
  assert.equal(
    former({ ...JWT, ...only('value.sa==web and value.ns==shop') }, SETTINGS),
    'serviceaccount.name==web and serviceaccount.namespace==shop',
  );
  assert.equal(former({ ...SETTINGS, ...only('serviceaccount.namespace==shop') }, JWT), 'value.ns==shop');
  assert.equal(former({ ...SETTINGS, ...only('serviceaccount.uid==1') }, JWT), undefined);
  assert.equal(former(JWT, SETTINGS), 'serviceaccount.name!=default');
});

test('only the accounts of namespaces whose pods may be injected log in', () => {
  const base = '(value.sa!="" and value.sa!=default)';
  assert.deepEqual(selectors({}), ['value.sa!="" and value.sa!=default']);
  assert.deepEqual(selectors({ allowNamespaces: ['a', 'b', 'c'], denyNamespaces: ['b'] }), [
    `${base} and (value.ns=="a" or value.ns=="c")`,
  ]);
  assert.deepEqual(selectors({ denyNamespaces: ['b'] }), [`${base} and value.ns!="b"`]);
  assert.deepEqual(selectors({ allowNamespaces: [] }), []);
  assert.deepEqual(selectors({ bindingRuleSelector: 'value.sa==web', allowNamespaces: ['a'] }), [
    '(value.sa==web) and (value.ns=="a")',
  ]);
  const world = settled({ ...SETTINGS, allowNamespaces: ['a'] });
  assert.equal(
    world.rules.find(({ type }) => type === 'service')?.selector,
    '(serviceaccount.name!=default) and (serviceaccount.namespace=="a")',
  );
  // A namespace that is not allowed any more loses its rule with the next look.
  settle(world, { ...SETTINGS, allowNamespaces: ['b'] });
  assert.equal(world.rules.filter(({ type }) => type === 'service').length, 1);
});
