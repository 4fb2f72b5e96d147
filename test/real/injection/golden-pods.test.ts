/** Every pod that the engine injects in a golden case is one that the real API server takes, field by field. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import jsonPatch, { type Operation } from 'fast-json-patch';
import { property } from '../../../src/support/json.ts';
import { goldenNames, goldenResult, readGoldenCase } from '../../golden/golden-case.ts';
import type { Answer } from '../harness/api-client.ts';
import { startApiServer } from '../harness/api-server.ts';
import { startScene } from '../harness/scene.ts';

const scene = await startScene(['etcd', 'kube-apiserver']);
const api = await startApiServer(scene);
await api.createNamespace('golden');
// Of pods that log in.
await api.admin.expect('POST', '/api/v1/namespaces/golden/serviceaccounts', { metadata: { name: 'web' } });

// Strict: an unknown or doubled field is an error instead of being dropped.
const PODS = '/api/v1/namespaces/golden/pods?dryRun=All&fieldValidation=Strict';

const injected = goldenNames().flatMap((name) => {
  const { pod } = readGoldenCase(name);
  const result = goldenResult(readGoldenCase(name));
  return result.kind === 'inject' ? [{ name, pod, patch: result.patch }] : [];
});

// The engine has to bear them from a file; no API server would hand them over: an annotation `…-__proto__`, a field of a
// later version, a container without an image.
const REFUSED_AS_WRITTEN = ['annotation-service-meta', 'pod-with-everything', 'pod-without-metadata'];

test('there are injected cases', () => assert.ok(injected.length > 40, `${injected.length}`));

for (const { name, pod, patch } of injected) {
  test(`the API server takes ${name}`, async () => {
    const after: unknown = jsonPatch.applyPatch(
      structuredClone(pod),
      structuredClone(patch) as Operation[],
      true,
      false,
    ).newDocument;
    const [asWritten, asInjected] = await Promise.all(
      [pod, after].map((each) => api.admin.request('POST', PODS, named(each))),
    );
    assert.equal(asWritten?.status === 201, !REFUSED_AS_WRITTEN.includes(name), messageOf(asWritten));
    // What is wrong with the pod already is all that is wrong with it afterwards.
    assert.equal(messageOf(asInjected), messageOf(asWritten));
  });
}

/** A case that is about something else may leave out the name, which only the API server asks for. */
function named(pod: unknown): object {
  const metadata = (property(pod, 'metadata') ?? {}) as { readonly name?: string | null };
  return { ...(pod as object), metadata: { ...metadata, name: metadata.name ?? 'golden' } };
}

function messageOf(answer: Answer | undefined): string {
  return answer?.status === 201 ? 'taken' : String(property(answer?.body, 'message'));
}
