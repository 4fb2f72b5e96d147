import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createProcessScan } from '../../../src/redirection/process-scan.ts';

const UID = '6f1c0d2a-0b1c-4d2e-8f3a-9b4c5d6e7f80';
const SYSTEMD = `0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${UID.replaceAll('-', '_')}.slice/cri-containerd-0.scope\n`;
const CGROUPFS = `9:pids:/kubepods/besteffort/pod${UID}/0123\n8:cpu:/\n`;

type Fake = { start: number; cgroup: string; cmdline: string };

/** A machine of processes that the test changes; counts what is read. */
function machine(processes: Map<number, Fake>) {
  const state = { uptime: 1000, reads: 0 };
  const scan = createProcessScan({
    pids: () => [...processes.keys()],
    uptime: () => state.uptime,
    read: (pid, file) => {
      state.reads += 1;
      const each = processes.get(pid);
      if (each === undefined || file !== 'stat') return each?.[file as 'cgroup'];
      return `${pid} (a) b) S 1 ${'0 '.repeat(17)}${each.start * 100} 0 0\n`;
    },
  });
  return { state, look: (uids = [UID]) => scan(new Set(uids)) };
}

function waiting(cgroup: string, start = 999): Fake {
  return { start, cgroup, cmdline: 'node\0/app/tandem.js\0redirect-wait\0' };
}

for (const [form, cgroup] of Object.entries({ SYSTEMD, CGROUPFS }))
  test(`finds the process by its pod and its arguments, in the form ${form}`, () => {
    const { look } = machine(
      new Map([
        [1, { start: 0, cgroup: '0::/\n', cmdline: 'init\0' }],
        [7, { ...waiting(cgroup), cmdline: 'pause\0' }],
        [8, waiting(cgroup)],
        [9, waiting(cgroup.replaceAll('6f1c', '6f1d'))],
      ]),
    );
    assert.deepEqual(look(), [{ pid: 8, start: 999, podUid: UID }]);
    assert.deepEqual(look([]), []);
  });

test('a node inside of a pod: the innermost pod counts', () => {
  const outer = CGROUPFS.replaceAll('6f1c', 'aaaa').replace('/0123', `/kubelet/pod${UID}/1`);
  assert.equal(machine(new Map([[8, waiting(outer)]])).look()[0]?.podUid, UID);
});

test('a process is seen before it is in its cgroup, and before it has its arguments', () => {
  const process = { ...waiting('0::/\n'), cmdline: 'runc\0init\0' };
  const { look } = machine(new Map([[8, process]]));
  assert.deepEqual(look(), []);
  process.cgroup = SYSTEMD;
  assert.deepEqual(look(), []);
  process.cmdline = 'node\0tandem.js\0redirect-wait\0';
  assert.equal(look().length, 1);
});

test('one that is old is read again after a second, and not before', () => {
  const process = { ...waiting(SYSTEMD, 100), cmdline: 'runc\0init\0' };
  const { state, look } = machine(new Map([[8, process]]));
  look();
  const { reads } = state;
  process.cmdline = 'node\0redirect-wait\0';
  state.uptime += 0.9;
  assert.deepEqual(look(), []);
  assert.equal(state.reads, reads);
  state.uptime += 0.2;
  assert.equal(look().length, 1);
});

test('one that waits is known for a second, for as long as it is there and its pod is asked for', () => {
  const processes = new Map([[8, waiting(SYSTEMD)]]);
  const { state, look } = machine(processes);
  look();
  const { reads } = state;
  assert.equal(look().length, 1);
  assert.deepEqual(look([]), []);
  assert.equal(state.reads, reads);
  state.uptime += 1.1;
  processes.set(8, { ...waiting(SYSTEMD), cmdline: 'pause\0' });
  assert.deepEqual(look(), []);
  processes.delete(8);
  assert.deepEqual(look(), []);
});

test('the number of a process that is gone is that of another one', () => {
  const processes = new Map([[8, waiting('0::/\n', 100)]]);
  const { look } = machine(processes);
  look();
  processes.delete(8);
  look();
  processes.set(8, waiting(SYSTEMD, 999));
  assert.equal(look().length, 1);
});

test('words of which it is a part are no arguments of it', () => {
  const near = { ...waiting(SYSTEMD), cmdline: 'sh\0-c\0tandem redirect-wait\0redirect-waiter\0' };
  assert.deepEqual(machine(new Map([[8, near]])).look(), []);
});
