import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  allowed,
  decodeReview,
  denied,
  errored,
  namespaceIn,
  patched,
  type AdmissionRequest,
} from '../../../src/admission/admission-review.ts';
import type { Warning } from '../../../src/inject/result.ts';

const V1 = 'admission.k8s.io/v1';
const ASKED = { apiVersion: V1, uid: 'uid-1' } as const;

function review(request: unknown, apiVersion = V1): string {
  return JSON.stringify({ apiVersion, kind: 'AdmissionReview', request });
}

function decoded(request: object, apiVersion = V1): AdmissionRequest {
  const result = decodeReview(review({ uid: 'uid-1', ...request }, apiVersion));
  assert.ok(result.ok);
  return result.request;
}

function why(body: string | undefined): string {
  const result = decodeReview(body);
  assert.ok(!result.ok);
  return result.why;
}

function responseOf(answer: string): Record<string, unknown> {
  return (JSON.parse(answer) as { response: Record<string, unknown> }).response;
}

test('a request of either version is read, and its version comes back', () => {
  for (const version of [V1, 'admission.k8s.io/v1beta1']) {
    const request = decoded(
      { kind: { group: '', version: 'v1', kind: 'Pod' }, operation: 'CREATE' },
      version,
    );
    assert.deepEqual([request.apiVersion, request.kind, request.operation], [version, 'v1/Pod', 'CREATE']);
    assert.equal((JSON.parse(allowed(request, [])) as { apiVersion: string }).apiVersion, version);
  }
});

test('the namespace is known before the request is read, whatever the object says', () => {
  const object = { metadata: { namespace: 'other' } };
  const bodyOf = (front: object): Buffer =>
    Buffer.from(JSON.stringify({ kind: 'AdmissionReview', request: { uid: 'u', ...front, object } }));
  assert.equal(namespaceIn(bodyOf({ name: '"namespace":"forged"', namespace: 'shop' })), 'shop');
  assert.equal(namespaceIn(bodyOf({ name: 'x'.repeat(4000) })), '');
  assert.equal(namespaceIn(bodyOf({ name: 'x' })), '');
  assert.equal(namespaceIn(Buffer.of()), '');
});

test('the group is part of the kind', () => {
  const kind = { group: 'apps', version: 'v1', kind: 'Deployment' };
  assert.equal(decoded({ kind }).kind, 'apps/v1/Deployment');
});

const names: readonly [string, object, string][] = [
  ['its own', { object: { metadata: { name: 'web', generateName: 'other-' } } }, 'web'],
  ['the one it will be made from', { object: { metadata: { generateName: 'web-' } } }, 'web-'],
  [
    'the empty one that the API server sends is none',
    { name: '', object: { metadata: { generateName: 'web-' } } },
    'web-',
  ],
  ["the request's, where there is no object", { name: 'web', object: null }, 'web'],
  ['none at all', {}, ''],
];
for (const [what, request, expected] of names) {
  test(`the name of a pod: ${what}`, () => assert.equal(decoded(request).name, expected));
}

test('what cannot be answered says which part is wrong', () => {
  assert.match(why(undefined), /no body/);
  assert.match(why(' \n'), /no body/);
  assert.match(why('{"a":'), /not JSON/);
  assert.match(why('null'), /no apiVersion/);
  assert.match(why(review({ uid: 'a' }, 'admission.k8s.io/v2')), /"admission.k8s.io\/v2".*v1 or .*v1beta1/);
  assert.match(why(JSON.stringify({ apiVersion: V1, kind: 'Pod' })), /"Pod"/);
  for (const request of [undefined, null, 'text', []]) assert.match(why(review(request)), /no request/);
  for (const uid of [undefined, '', 7, {}]) assert.match(why(review({ uid })), /no uid/);
});

test('what was sent does not come back in the complaint', () => {
  assert.doesNotMatch(why('{"password":"hunter2", x}'), /hunter2|password/);
});

test('wrong types inside a request are empty, never an exception', () => {
  const wrong = { kind: 7, operation: [], namespace: {}, name: 1, object: { metadata: 'text' } };
  const { kind, operation, namespace, name } = decoded(wrong);
  assert.deepEqual([kind, operation, namespace, name], ['', '', '', '']);
});

test('keys of the prototype are data', () => {
  const body = review({ uid: 'a' }).replace(
    '"uid"',
    '"__proto__":{"uid":"b","namespace":"kube-system"},"uid"',
  );
  const result = decodeReview(body);
  assert.ok(result.ok);
  assert.deepEqual([result.request.uid, result.request.namespace], ['a', '']);
});

test('the place of an error is that in the body as it was sent', () => {
  const body = '{"a":[1],]';
  const [whole, short] = [decodeReview(body), decodeReview(body, (text) => text.replace('"a":[1],', ''))];
  assert.ok(!whole.ok);
  assert.match(whole.why, /at position 9$/);
  assert.deepEqual(short, whole);
});

test('a nest of 100,000 arrays is read or refused, not a crash', () => {
  const depth = 100_000;
  const body = review({ uid: 'a' }).replace('"a"', `"a","object":${'['.repeat(depth)}${']'.repeat(depth)}`);
  assert.doesNotThrow(() => decodeReview(body));
});

test('allowed changes nothing: no patch and no type of one', () => {
  assert.deepEqual(responseOf(allowed(ASKED, [])), { uid: 'uid-1', allowed: true });
});

function warningOf(message: string): Warning {
  return { reason: 'no-effect', at: 'a', message };
}

const PATCH = Buffer.from('[]').toString('base64');

test('a patch comes back as it was', () => {
  const { patch, ...rest } = responseOf(patched(ASKED, PATCH, [warningOf('note')]).text);
  assert.deepEqual(rest, { uid: 'uid-1', allowed: true, patchType: 'JSONPatch', warnings: ['a: note'] });
  assert.equal(patch, PATCH);
});

test('a warning that looks like the place of the patch does not get it', () => {
  const { warnings, patch } = responseOf(patched(ASKED, PATCH, [warningOf('"patch":""}}')]).text);
  assert.deepEqual([warnings, patch], [['a: "patch":""}}'], PATCH]);
});

test('the bytes of an answer are counted in every script', () => {
  for (const message of ['note', 'größe 尺寸']) {
    const { text, bytes } = patched(ASKED, PATCH, [warningOf(message)]);
    assert.equal(bytes, Buffer.from(text).length);
  }
});

test('a denial names every problem, with the code of an invalid object', () => {
  const problems = [
    { at: 'a', message: 'is wrong' },
    { at: 'b', message: 'too' },
  ];
  assert.deepEqual(responseOf(denied(ASKED, problems, [])), {
    uid: 'uid-1',
    allowed: false,
    status: { code: 422, reason: 'Invalid', message: 'a: is wrong; b: too' },
  });
});

test('a bug is a refusal with its error id', () => {
  const { allowed: isAllowed, status } = responseOf(errored(ASKED, false, 'id-7')) as Record<string, never>;
  assert.deepEqual([isAllowed, status?.['code']], [false, 500]);
  assert.match(String(status?.['message']), /id-7/);
});

test('warnings stay within what an API server passes on: 256 characters each, 4,096 together', () => {
  const sent = Array.from({ length: 40 }, (_, index) => warningOf(`${index} ${'x'.repeat(300)}`));
  const warnings = responseOf(allowed(ASKED, sent))['warnings'] as string[];
  assert.ok(warnings.length > 0);
  assert.ok(warnings.every((warning) => warning.length <= 256));
  assert.ok(warnings.join('').length <= 4096);
  assert.equal(warnings[0]?.at(-1), '…');
});
