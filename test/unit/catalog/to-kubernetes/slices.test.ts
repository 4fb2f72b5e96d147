import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ObservedSlice } from '../../../../src/catalog/to-kubernetes/observed-objects.ts';
import { packSlices } from '../../../../src/catalog/to-kubernetes/slices.ts';

const endpoints = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ address: `10.0.0.${index}`, zone: undefined }));

function sizes(wanted: number, present: number): readonly number[] {
  const slice: ObservedSlice = {
    name: 'web-ipv4-80-1',
    uid: 'u',
    version: '1',
    owner: 'c1',
    source: 'web',
    labels: {},
    annotations: {},
    family: 'IPv4',
    port: 80,
    endpoints: endpoints(present).map((each) => ({ ...each, isPlain: true })),
  };
  const group = { family: 'IPv4' as const, port: 80, endpoints: endpoints(wanted) };
  return packSlices('web', [group], [slice], () => false).map((each) => each.endpoints.length);
}

test('a slice is filled up to 100 before another one begins', () => {
  assert.deepEqual(sizes(130, 60), [100, 30]);
  assert.deepEqual(sizes(60, 30), [60]);
});

test('a slice that somebody filled above 100 is cut', () => {
  assert.deepEqual(sizes(150, 150), [100, 50]);
});
