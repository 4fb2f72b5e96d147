import assert from 'node:assert/strict';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { readEntryManifests } from '../../../src/runtime/read-entries.ts';

async function problemsOf(text: string): Promise<string[]> {
  const entries = await readEntryManifests(['-'], Readable.from([text]));
  return entries.flatMap(({ problems }) =>
    problems.map(({ place, path, message }) => `${place}: ${path}: ${message}`),
  );
}

test('every problem has the line of its field; other kinds are passed over', async () => {
  const text = `apiVersion: v1
kind: Service
metadata: { name: web }
---
apiVersion: consul.hashicorp.com/v1alpha1
kind: ServiceDefaults
metadata:
  name: web
spec:
  protcol: http
  upstreamConfig:
    overrides:
      - name: db
        connectTimeoutMs: -1
---
apiVersion: v1
kind: List
items:
  - apiVersion: consul.hashicorp.com/v1alpha1
    kind: ServiceIntentions
    metadata: { name: web }
    spec:
      sources:
        - name: api
          action: alow
`;
  assert.deepEqual(await problemsOf(text), [
    '<stdin>:10: spec.protcol: is not a field; did you mean protocol?',
    '<stdin>:14: spec.upstreamConfig.overrides[0].connectTimeoutMs: -1 must be at least 0',
    '<stdin>:25: spec.sources[0].action: "alow" must be "allow" or "deny"',
    '<stdin>:22: spec.destination.name: is required',
  ]);
});

test('two objects for one entry are told, whatever the case of its name', async () => {
  const object = (name: string, annotation = ''): string => `---
apiVersion: consul.hashicorp.com/v1alpha1
kind: ServiceDefaults
metadata: { name: ${name}, annotations: { ${annotation} } }
`;
  assert.deepEqual(await problemsOf(object('web') + object('other', 'tandem/entry-name: Web')), [
    '<stdin>:8: metadata.name: the entry "Web" is also that of the object at <stdin>:2; only one of them can be written',
  ]);
});

test('the examples are read, each with its kind', async () => {
  const folder = join(import.meta.dirname, '../../../examples/config-entries');
  const entries = await readEntryManifests([folder], Readable.from([]));
  assert.equal(entries.length, 13);
});
