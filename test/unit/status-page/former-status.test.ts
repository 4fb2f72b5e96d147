/** For one version `/status` has its former keys beside the uniform ones. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formerStatus } from '../../../src/status-page/former-status.ts';
import {
  agents,
  consulService,
  nothing,
  pod,
  registrar,
  service,
  statusOf,
  toConsul,
  toKubernetes,
  tokens,
  webhookStatus,
} from './sample-status.ts';

const counts = { desired: 3, owned: 2, foreign: 1, pending: 0 };
const ok = { lastSuccess: '2026-01-02T03:04:05.678Z', lastFailure: undefined, heldRemovals: 0 };
const none = { refused: undefined, since: undefined };

test('all that a sync told before is where it was', () => {
  const since = '2026-01-02T03:00:00.000Z';
  const status = statusOf([
    toConsul([service('web')]),
    toKubernetes([
      consulService('db', { object: 'db-1', endpoints: 2 }),
      consulService('consul', { selected: false, reason: 'consul-itself' }),
    ]),
    registrar([pod('Pod/a/b', { problems: ['no'] })]),
    agents(),
    tokens({ refused: '403', since }),
  ]);
  assert.deepEqual(formerStatus(status), {
    owner: 'owner',
    node: 'k8s-sync-owner',
    leader: true,
    dryRun: false,
    toConsul: true,
    ...ok,
    instances: counts,
    watches: { services: { isSynced: true } },
    sources: [service('web')],
    toKubernetes: {
      ...ok,
      namespace: 'made',
      mode: 'endpoints',
      owned: 2,
      conflicts: [],
      watches: { services: { isSynced: true } },
      services: [
        {
          service: 'db',
          object: 'db-1',
          kind: 'endpoints',
          endpoints: 2,
          problems: [],
          selected: true,
          ...none,
        },
      ],
      leftOut: [{ service: 'consul', reason: 'consul-itself' }],
    },
    registrar: {
      ...ok,
      instances: counts,
      agents: { ...ok, watches: {} },
      tokens: { trouble: { kind: 'refused', reason: '403', since } },
      watches: { pods: { isSynced: true }, nodes: { isSynced: true } },
      pods: [
        {
          source: 'Pod/a/b',
          service: undefined,
          instances: [],
          reason: 'registered',
          problem: 'no',
          ...none,
        },
      ],
    },
  });
});

test('so is what a webhook tells', () => {
  const webhook = webhookStatus([]);
  assert.deepEqual(formerStatus({ ...nothing, webhook }), webhook);
});
