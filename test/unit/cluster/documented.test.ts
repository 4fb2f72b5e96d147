/** Which commands of the README the suite runs; test/cluster runs them word for word. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { image } from '../../../deploy/image/image.ts';
import { DEFAULT_IMAGE } from '../../cluster/harness/cluster.ts';
import { commandsUnder } from '../../cluster/harness/documented.ts';

test('the quick start installs, proves it, and ends with the demonstration', () => {
  const [agent = [], dataplane = []] = commandsUnder('In a cluster');
  const verbs = agent.map((line) => line.split(' ').slice(0, 2).join(' '));
  assert.deepEqual(verbs, [
    'kubectl create',
    'kubectl label',
    'helm install',
    'helm test',
    'kubectl apply',
    'kubectl wait',
    'kubectl port-forward',
  ]);
  assert.deepEqual(
    dataplane.map((line) => line.split(' ').slice(0, 2).join(' ')),
    ['helm install'],
  );
});

test('comments are no part of a command, and a line that goes on is one', () => {
  const text = '## One\n```sh\na b # why\n# all of it\nc \\\n  d\n```\n\n## Two\n```sh\ne\n```\n';
  assert.deepEqual(commandsUnder('One', `\n${text}`), [['a b', 'c    d']]);
});

test('each kind of cluster on the own machine loads the image by its name', () => {
  const text = readFileSync(join(import.meta.dirname, '../../../docs/install.md'), 'utf8');
  const [, section = ''] = text.split('### On your own machine\n');
  const [, block = ''] = /```sh\n(.*?)```/s.exec(section) ?? [];
  const loads = block.split('\n').filter((line) => line.includes(' load ') || line.includes(' import '));
  assert.deepEqual(
    loads.map((line) => line.split(' ')[0]),
    ['kind', 'k3d', 'minikube'],
  );
  for (const line of block.trim().split('\n')) assert.ok(line.includes(image.name), line);
  assert.equal(image.name, DEFAULT_IMAGE);
});
