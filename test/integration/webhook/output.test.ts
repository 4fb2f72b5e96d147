/** Standard output that nobody reads, that is closed, or that is full: the process serves on, and does not grow. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawn, type ChildProcess } from 'node:child_process';
import { after, before, test } from 'node:test';
import { Agent } from 'node:https';
import { childEnvironment } from '../../real/harness/child-environment.ts';
import { freePorts } from '../../real/harness/ports.ts';
import { TANDEM } from '../../real/harness/tandem-program.ts';
import { call, podReview } from './running-webhook.ts';

let folder: string;
before(async () => (folder = await mkdtemp(join(tmpdir(), 'tandem-output-'))));
after(() => rm(folder, { recursive: true }));

type Target = { readonly port: number; readonly status: string; readonly ca: string };

/** Admissions with a name of 200 characters, 16 at a time. */
async function admit({ port, ca }: Target, count: number): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  const object = { metadata: { name: 'x'.repeat(200) }, spec: {} };
  const body = JSON.stringify(podReview({ object }));
  const options = {
    host: '127.0.0.1',
    port,
    ca,
    agent,
    method: 'POST',
    path: '/mutate',
    headers: { 'content-type': 'application/json' },
  };
  for (let sent = 0; sent < count; sent += 100) {
    const answers = await Promise.all(Array.from({ length: 100 }, () => call(options, body)));
    assert.ok(answers.every(({ status }) => status === 200));
  }
  agent.destroy();
}

async function dropped({ status }: Target): Promise<number> {
  const metrics = await (await fetch(`http://${status}/metrics`)).text();
  return Number(/^tandem_log_lines_dropped_total (\d+)$/m.exec(metrics)?.[1]);
}

async function ended(child: ChildProcess): Promise<unknown> {
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  return (await exited)[0];
}

/** Its output goes to a pipe of which this side reads nothing, or closes its end. */
async function started(
  name: string,
  stdout: 'pipe' | number,
): Promise<{ readonly child: ChildProcess; readonly target: Target }> {
  const certs = join(folder, name);
  const [port = 0, status = 0] = await freePorts(2);
  const child = spawn(
    process.execPath,
    [
      TANDEM,
      'webhook',
      `--listen=127.0.0.1:${port}`,
      `--status-listen=127.0.0.1:${status}`,
      '--tls-auto',
      `--tls-auto-dir=${certs}`,
    ],
    { env: childEnvironment(), stdio: ['ignore', stdout, 'pipe'] },
  );
  const isReady = (): Promise<boolean> =>
    fetch(`http://127.0.0.1:${status}/health/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
  while (!(await isReady())) assert.equal(child.exitCode, null);
  const ca = await readFile(join(certs, 'ca.crt'), 'utf8');
  return { child, target: { port, status: `127.0.0.1:${status}`, ca } };
}

test('a pipe that nobody reads', async () => {
  // A stream of Node reads ahead; the stream of a file descriptor does not before it is asked.
  const { child, target } = await started('unread', 'pipe');
  child.stdout?.pause();
  await admit(target, 5000);
  assert.ok((await dropped(target)) > 100);
  const memory = await readFile(`/proc/${child.pid}/status`, 'utf8');
  assert.ok(Number(/VmRSS:\s+(\d+)/.exec(memory)?.[1]) < 256 * 1024);
  child.stdout?.destroy();
  assert.equal(await ended(child), 0);
});

test('pipes that are closed', async () => {
  const { child, target } = await started('closed', 'pipe');
  child.stdout?.destroy();
  child.stderr?.destroy();
  await admit(target, 300);
  assert.ok((await dropped(target)) > 100);
  assert.equal(await ended(child), 0);
});

test('a device that is full', async () => {
  const full = await open('/dev/full', 'w');
  const { child, target } = await started('full', full.fd);
  await admit(target, 100);
  assert.ok((await dropped(target)) > 0);
  await ended(child);
  await full.close();
});
