/** Which commands of the README the suite runs; test/cluster runs them word for word. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
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
