import assert from 'node:assert/strict';
import { test } from 'node:test';
import { missingHierarchies } from '../../cluster/harness/cgroups.ts';
import { machineProblems } from '../../cluster/harness/requirements.ts';

const ready = { platform: 'linux', user: 0, missing: [] };

test('a machine that has what a cluster needs has no problems', () => {
  assert.deepEqual(machineProblems(ready), []);
});

for (const [what, machine, says] of [
  ['another system', { ...ready, platform: 'darwin' }, /needs Linux, and this is darwin.*KUBECONFIG=/],
  ['another user', { ...ready, user: 1000 }, /needs root.*sudo.*KUBECONFIG=/],
  [
    'cgroup v2 alone',
    { ...ready, missing: ['cpu', 'memory'] },
    /cgroup v2 alone is not supported.*cpu, memory.*systemd\.unified_cgroup_hierarchy=0.*KUBECONFIG=/,
  ],
] as const)
  test(`${what}: what is missing, and the way out`, () => {
    const problems = machineProblems(machine);
    assert.equal(problems.length, 1);
    assert.match(problems[0] ?? '', says);
  });

const mount = (folder: string, type: string, options: string): string =>
  `31 23 0:27 / ${folder} rw,relatime shared:9 - ${type} ${type} ${options}`;
const all = ['cpu', 'cpuacct', 'cpuset', 'memory', 'devices', 'freezer', 'pids'];

test('hierarchies of cgroup v1 are found, alone or together', () => {
  const each = all.map((name) => mount(`/sys/fs/cgroup/${name}`, 'cgroup', `rw,${name}`));
  assert.deepEqual(missingHierarchies(each.join('\n')), []);
  const together = [mount('/sys/fs/cgroup/cpu,cpuacct', 'cgroup', 'rw,cpu,cpuacct'), ...each.slice(2)];
  assert.deepEqual(missingHierarchies(together.join('\n')), []);
  assert.deepEqual(missingHierarchies(each.slice(1).join('\n')), ['cpu']);
});

test('one hierarchy of cgroup v2 has none of them', () => {
  assert.deepEqual(missingHierarchies(mount('/sys/fs/cgroup', 'cgroup2', 'rw,nsdelegate')), all);
});
