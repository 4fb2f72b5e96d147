import assert from 'node:assert/strict';
import { test } from 'node:test';
import { admitEntry } from '../../../src/admission/admit-entry.ts';

const GROUP = 'consul.hashicorp.com/v1alpha1';

function object(spec: object | undefined, metadata: object = {}): object {
  return {
    metadata: { name: 'web', namespace: 'shop', ...metadata },
    ...(spec === undefined ? {} : { spec }),
  };
}

function admit(kind: string, spec: object | undefined, change: object = {}): ReturnType<typeof admitEntry> {
  const request = {
    kind: `${GROUP}/${kind}`,
    operation: 'CREATE',
    object: object(spec),
    oldObject: undefined,
  };
  return admitEntry({ ...request, ...change });
}

const BROKEN = { destination: { name: 'web' }, sources: [{ name: 'api', action: 'alow' }], jwtt: {} };

test('what Consul refuses and what cannot work is denied, all of it at once', () => {
  const result = admit('ServiceIntentions', BROKEN);
  assert.deepEqual(result, {
    kind: 'invalid',
    problems: [
      { at: 'spec.jwtt', message: 'is not a field; did you mean jwt?' },
      { at: 'spec.sources[0].action', message: '"alow" must be "allow" or "deny"' },
    ],
    warnings: [],
  });
});

test('what is likely wrong is a warning, beside a denial too', () => {
  const warning = {
    reason: 'config-entry',
    at: 'spec.transparentProxy.dialedDirectly',
    message: 'has an effect only with transparent proxy',
  };
  const spec = { transparentProxy: { dialedDirectly: true } };
  assert.deepEqual(admit('ServiceDefaults', spec), {
    kind: 'skip',
    reason: 'entry-valid',
    warnings: [warning],
  });
  const denied = admit('ServiceDefaults', { ...spec, protocol: 'quic' });
  assert.deepEqual([denied.kind, denied.warnings], ['invalid', [warning]]);
});

test('a field that only Enterprise knows is denied, and a kind that only it knows is admitted with a warning', () => {
  assert.equal(admit('ServiceDefaults', { rateLimits: { instanceLevel: {} } }).kind, 'invalid');
  const group = admit('SamenessGroup', { members: [] });
  assert.deepEqual([group.kind, group.warnings.length], ['skip', 1]);
});

test('an update that changes no spec, and an object that is being deleted, pass whatever they hold', () => {
  const unchanged = { kind: 'skip', reason: 'entry-unchanged', warnings: [] };
  const update = { operation: 'UPDATE' };
  const labelled = object(BROKEN, { labels: { a: 'b' } });
  assert.deepEqual(
    admit('ServiceIntentions', BROKEN, { ...update, object: labelled, oldObject: object(BROKEN) }),
    unchanged,
  );
  assert.deepEqual(
    admit('Mesh', undefined, { ...update, object: object(undefined), oldObject: object(undefined) }),
    unchanged,
  );
  const going = object(BROKEN, { deletionTimestamp: '2024-01-01T00:00:00Z' });
  assert.deepEqual(
    admit('ServiceIntentions', BROKEN, { ...update, object: going, oldObject: object({}) }),
    unchanged,
  );
  assert.equal(admit('ServiceIntentions', BROKEN, { ...update, oldObject: object({}) }).kind, 'invalid');
});

test('what is no creation or change of a kind of ours passes', () => {
  const unknown = { kind: 'skip', reason: 'entry-unknown', warnings: [] };
  for (const change of [
    { operation: 'DELETE', object: undefined, oldObject: object(BROKEN) },
    { kind: 'v1/Pod' },
    { kind: `${GROUP}/service-intentions` },
    { kind: `${GROUP}/Registration` },
    { kind: 'example.com/v1/ServiceIntentions' },
    { object: undefined },
    { object: { spec: BROKEN } },
    { object: 'text' },
  ])
    assert.deepEqual(admit('ServiceIntentions', BROKEN, change), unknown);
});
