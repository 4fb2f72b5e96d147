import assert from 'node:assert/strict';
import { test } from 'node:test';
import { waitForNode } from '../../cluster/harness/readiness.ts';

const node = {
  addresses: { name: 'node-2', address: '10.64.0.12', pods: '10.64.66.0/24' },
  log: () => '--- kubelet.log:\ncgroup missing',
};
const signal = new AbortController().signal;
const answering = (body: unknown) => ({
  request: async () => ({ status: 200, body, warnings: [] }),
});
const conditions = (status: string, message: string): object => ({
  status: { conditions: [{ type: 'Ready', status, message }] },
});

test('a node that is Ready is not waited for', async () => {
  await waitForNode(answering(conditions('True', 'kubelet is posting ready status')), node, signal, 0);
});

test('a node that does not become Ready: its condition, and what its daemons say', async () => {
  const waiting = waitForNode(answering(conditions('False', 'cni plugin not initialized')), node, signal, 0);
  await assert.rejects(
    waiting,
    /node-2 is not Ready after 0 s: cni plugin not initialized\n.*cgroup missing/s,
  );
});

test('a node that is not there at all: what its daemons say', async () => {
  const waiting = waitForNode(answering({ kind: 'Status', code: 404 }), node, signal, 0);
  await assert.rejects(waiting, /its kubelet has said nothing yet\n.*cgroup missing/s);
});
