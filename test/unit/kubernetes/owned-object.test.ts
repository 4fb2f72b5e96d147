/** What is asked of the API server to keep an object, and what its answers mean. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { writeCertificate, writeOwned } from '../../../src/kubernetes/owned-object.ts';

function answering(status: number) {
  const asked: { readonly method: string; readonly path: string; readonly body: unknown }[] = [];
  const request = (method: string, path: string, body: unknown) => {
    asked.push({ method, path, body });
    return Promise.resolve({ status, body: {}, weight: 0, headers: {} });
  };
  return { asked, request };
}

const place = { namespace: 'tandem', name: 'keys' };
const base64 = (text: string): string => Buffer.from(text).toString('base64');
/** Bytes that are no text. */
const binary = Buffer.from([0xff, 0xfe]).toString('base64');

test('an object that is not there is created, with the mark of who made it', async () => {
  const client = answering(201);
  const made = await writeOwned(client, { kind: 'ConfigMap', ...place }, undefined, { a: 'x' });
  assert.equal(made, 'written');
  const metadata = { name: 'keys', labels: { 'app.kubernetes.io/managed-by': 'tandem' } };
  const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { a: 'x' } };
  assert.deepEqual(client.asked, [{ method: 'POST', path: '/api/v1/namespaces/tandem/configmaps', body }]);
});

test('an object of Tandem has all its texts replaced, a certificate only its own', async () => {
  const before = { metadata: { resourceVersion: '7' }, data: { a: base64('old'), other: binary } };
  const client = answering(200);
  await writeOwned(client, { kind: 'Secret', ...place }, before, { a: 'new' });
  await writeCertificate(client, place, before, { a: 'new' });
  assert.deepEqual(
    client.asked.map(({ method, path, body }) => [method, path, body]),
    [{ a: base64('new') }, { a: base64('new'), other: binary }].map((data) => [
      'PUT',
      '/api/v1/namespaces/tandem/secrets/keys',
      { ...before, data },
    ]),
  );
});

test('a certificate without a Secret gets one of the type of certificates', async () => {
  const client = answering(201);
  await writeCertificate(client, place, undefined, { 'tls.crt': 'x' });
  const data = { 'tls.crt': base64('x') };
  const body = {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'kubernetes.io/tls',
    metadata: { name: 'keys' },
    data,
  };
  assert.deepEqual(client.asked[0]?.body, body);
});

test('who comes late has a conflict, and a refusal says nothing of the content', async () => {
  for (const status of [404, 409])
    assert.equal(await writeCertificate(answering(status), place, {}, { a: 'x' }), 'conflict');
  await assert.rejects(
    writeCertificate(answering(403), place, {}, { a: 'very secret' }),
    ({ message }: Error) => /update secrets/.test(message) && !message.includes('very secret'),
  );
});
