/** What is said of an object that the API server refuses. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refusedObject, requestRefused } from '../../../src/kubernetes/refused-object.ts';

const SECRET = { kind: 'Secret', namespace: 'consul', name: 'mesh-secure' } as const;

test('a refusal names the object and the right that it takes, and nothing of what was refused', () => {
  const body = { reason: 'Forbidden', message: 'denied: {"data":{"token":"c2VjcmV0"}}' };
  const said = (['get', 'create', 'update', 'patch', 'delete'] as const).map(
    (verb) => refusedObject(SECRET, verb, { status: 403, body }).message,
  );
  assert.deepEqual(said, [
    'the Secret consul/mesh-secure cannot be read: status 403, Forbidden; this takes the right to get secrets',
    'the Secret consul/mesh-secure cannot be written: status 403, Forbidden; this takes the right to create secrets',
    'the Secret consul/mesh-secure cannot be written: status 403, Forbidden; this takes the right to update secrets',
    'the Secret consul/mesh-secure cannot be annotated: status 403, Forbidden; this takes the right to patch secrets',
    'the Secret consul/mesh-secure cannot be deleted: status 403, Forbidden; this takes the right to delete secrets',
  ]);
});

test('of another status no right is said to be the cure', () => {
  const place = { ...SECRET, kind: 'ConfigMap', name: 'mesh-consul-ca' } as const;
  const { message } = refusedObject(place, 'update', { status: 500, body: 'no JSON' });
  assert.equal(message, 'the ConfigMap consul/mesh-consul-ca cannot be written: status 500, no reason');
});

test('a refusal without a message is said to have no reason', () => {
  const said = [{ message: '' }, {}, '', { message: 'denied' }].map(
    (body) => requestRefused('GET /x', { status: 503, body }).message,
  );
  assert.deepEqual(said, [
    ...Array.from({ length: 3 }, () => 'GET /x: status 503, no reason'),
    'GET /x: status 503, "denied"',
  ]);
});
