import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  leaveReason,
  leftOutServices,
  selectServices,
} from '../../../../src/catalog/to-kubernetes/select.ts';
import { listOf, SETTINGS } from './consul-side.ts';

const list = listOf(
  {
    consul: [],
    web: ['shared'],
    api: [],
    synced: ['x', 'k8s'],
    mine: [],
    Upper: ['shared'],
  },
  { own: ['mine'], filtered: ['web', 'api', 'Upper', 'synced', 'mine', 'consul'] },
);

test('by default all but Consul itself, what has the tag of the other direction, and what this cluster registered', () => {
  assert.deepEqual(selectServices(list, SETTINGS), ['Upper', 'api', 'web']);
  const reasons = [...list.services.keys()].map((name) => leaveReason(name, list, SETTINGS));
  assert.deepEqual(reasons, [
    'consul-itself',
    undefined,
    undefined,
    'from-kubernetes',
    'from-this-cluster',
    undefined,
  ]);
  assert.deepEqual(
    [...leftOutServices(list, SETTINGS)],
    [
      ['consul', 'consul-itself'],
      ['synced', 'from-kubernetes'],
      ['mine', 'from-this-cluster'],
    ],
  );
});

test('patterns, a tag and a filter narrow it; a service that is named takes no shortcut', () => {
  assert.deepEqual(selectServices(list, { ...SETTINGS, services: ['up*', 'a?i'] }), ['Upper', 'api']);
  assert.deepEqual(selectServices(list, { ...SETTINGS, onlyTag: 'shared' }), ['Upper', 'web']);
  assert.deepEqual(selectServices({ ...list, filtered: new Set(['api']) }, SETTINGS), ['api']);
  assert.deepEqual(selectServices(list, { ...SETTINGS, services: ['synced', 'mine'] }), []);
  assert.deepEqual(selectServices(list, { ...SETTINGS, services: [] }), []);
});

test('Consul itself comes when it is named', () => {
  assert.deepEqual(selectServices(list, { ...SETTINGS, services: ['Consul'] }), ['consul']);
  assert.deepEqual(selectServices(list, { ...SETTINGS, services: ['c*'] }), []);
});

test('without a tag of the other direction its owner alone keeps a service out', () => {
  assert.deepEqual(selectServices(list, { ...SETTINGS, syncedTag: '' }), ['Upper', 'api', 'synced', 'web']);
});
