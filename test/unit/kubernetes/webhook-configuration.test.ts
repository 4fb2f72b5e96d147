/** When the bundles of a webhook configuration were written, as `managedFields` say. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bundlesWrittenAt } from '../../../src/kubernetes/webhook-configuration.ts';

const entry = (time: unknown, field: string) => ({
  manager: 'any',
  operation: 'Update',
  time,
  fieldsV1: { 'f:webhooks': { 'k:{"name":"a"}': { 'f:clientConfig': { [field]: {} } } } },
});
const configuration = (managedFields: unknown) => ({ metadata: { managedFields } });

test('the end of the second of the latest manager of a bundle', () => {
  const written = bundlesWrittenAt(
    configuration([
      entry('2030-01-01T00:00:10Z', 'f:caBundle'),
      entry('2030-01-01T00:00:05Z', 'f:caBundle'),
      entry('2030-01-01T00:00:20Z', 'f:service'),
    ]),
  );
  assert.equal(written, Date.UTC(2030, 0, 1, 0, 0, 11));
});

test('nobody knows: no object, no managers, none of a bundle, and a time that is none', () => {
  for (const object of [
    undefined,
    {},
    configuration('x'),
    configuration([]),
    configuration([entry('2030-01-01T00:00:20Z', 'f:service'), null, 7]),
    configuration([entry('soon', 'f:caBundle'), entry(undefined, 'f:caBundle')]),
  ])
    assert.equal(bundlesWrittenAt(object), undefined);
});
