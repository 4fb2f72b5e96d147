/** `tandem webhook` as a process: start, reload of certificates, and a stop that loses nothing. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { Agent } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { connect } from 'node:tls';
import { runInProcess } from '../cli/in-process.ts';
import { logLine, spawnTandem } from '../cli/tandem-process.ts';
import { call, podReview, responseOf } from './running-webhook.ts';

let folder: string;
before(async () => (folder = await mkdtemp(join(tmpdir(), 'tandem-webhook-'))));
after(() => rm(folder, { recursive: true }));

const LOCAL = ['--listen=127.0.0.1:0', '--status-listen=127.0.0.1:0'];

async function started(args: readonly string[]) {
  const child = spawnTandem(['webhook', ...LOCAL, ...args]);
  const serving = await logLine(child, 'serving');
  const exited = once(child, 'exit') as Promise<[number | null, string | null]>;
  return {
    child,
    exited,
    port: Number(String(serving['tls']).split(':')[1]),
    status: String(serving['status']),
  };
}

test('SIGTERM with requests in flight: every one is answered, and the process ends with 0', async () => {
  const certs = join(folder, 'stop');
  const { child, exited, port } = await started([
    '--tls-auto',
    `--tls-auto-dir=${certs}`,
    // In which all of the requests below have to be sent, on a busy machine, too.
    '--shutdown-delay=6',
  ]);
  const ca = await readFile(join(certs, 'ca.crt'), 'utf8');
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  const body = JSON.stringify(podReview());
  const send = () =>
    call(
      {
        host: '127.0.0.1',
        port,
        ca,
        agent,
        method: 'POST',
        path: '/mutate',
        headers: { 'content-type': 'application/json' },
      },
      body,
    );
  await send();
  // One request is only half sent when the signal comes.
  const slow = connect({ host: '127.0.0.1', port, ca });
  await once(slow, 'secureConnect');
  slow.write(
    `POST /mutate HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body.slice(0, 9)}`,
  );
  const inFlight = Array.from({ length: 64 }, send);
  const stopping = logLine(child, 'stopping');
  child.kill('SIGTERM');
  await stopping;
  slow.write(body.slice(9));
  const ready = await call({ host: '127.0.0.1', port, ca, method: 'GET', path: '/health/ready' });
  assert.equal(ready.status, 503, 'readiness goes first');
  const late = await Promise.all(Array.from({ length: 16 }, send));
  const [half] = (await once(slow, 'data')) as [Buffer];
  assert.match(half.toString(), /^HTTP\/1.1 200/);
  const answers = [...(await Promise.all(inFlight)), ...late];
  assert.deepEqual([answers.length, answers.filter(({ status }) => status !== 200)], [80, []]);
  assert.ok(
    late.every(({ headers }) => headers['connection'] === 'close'),
    'clients are asked to leave',
  );
  assert.deepEqual(await exited, [0, null]);
  agent.destroy();
});

test('a restart with --tls-auto-dir changes nothing, and the keys are for the owner only', async () => {
  const certs = join(folder, 'kept');
  const read = () => Promise.all(['ca.crt', 'tls.crt'].map((name) => readFile(join(certs, name), 'utf8')));
  const first = await started(['--tls-auto', `--tls-auto-dir=${certs}`]);
  const written = await read();
  first.child.kill('SIGTERM');
  assert.deepEqual(await first.exited, [0, null]);
  const second = await started(['--tls-auto', `--tls-auto-dir=${certs}`]);
  assert.deepEqual(await read(), written);
  second.child.kill('SIGTERM');
  await second.exited;
  for (const key of ['ca.key', 'tls.key']) assert.equal((await stat(join(certs, key))).mode & 0o777, 0o600);
});

test('new files are served without a dropped connection, and broken ones leave the old pair in use', async () => {
  const certs = join(folder, 'files');
  assert.equal((await runInProcess(['certs', `--dir=${certs}`])).code, 0);
  const files = [`--tls-cert-file=${certs}/tls.crt`, `--tls-key-file=${certs}/tls.key`];
  const { child, exited, port, status } = await started(files);
  const serial = async (): Promise<string | undefined> => {
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    const found = socket.getPeerX509Certificate()?.serialNumber;
    socket.destroy();
    return found;
  };
  const old = await serial();
  const failed = logLine(child, 'the new certificate cannot be used; the old one stays');
  await writeFile(join(certs, 'broken'), 'not a certificate');
  await rename(join(certs, 'broken'), join(certs, 'tls.crt'));
  assert.match(String((await failed)['error']), /tls\.crt/);
  assert.equal(await serial(), old);
  const changed = logLine(child, 'certificate changed');
  assert.equal((await runInProcess(['certs', `--dir=${certs}`, '--force'])).code, 0);
  await changed;
  assert.notEqual(await serial(), old);
  const metrics = await (await fetch(`http://${status}/metrics`)).text();
  assert.match(metrics, /tandem_certificate_reloads_total\{result="changed"\} 1/);
  assert.match(metrics, /tandem_certificate_reloads_total\{result="failed"\} [1-9]/);
  child.kill('SIGTERM');
  assert.deepEqual(await exited, [0, null]);
});

test('an admission is one log line without the pod', async () => {
  const certs = join(folder, 'log');
  const { child, exited, port } = await started(['--tls-auto', `--tls-auto-dir=${certs}`]);
  const ca = await readFile(join(certs, 'ca.crt'), 'utf8');
  const logged = logLine(child, 'admission');
  await call(
    {
      host: '127.0.0.1',
      port,
      ca,
      method: 'POST',
      path: '/mutate',
      headers: { 'content-type': 'application/json' },
    },
    JSON.stringify(podReview()),
  );
  const { time, level, durationMs, ...fields } = await logged;
  assert.deepEqual([typeof time, level, typeof durationMs], ['string', 'info', 'number']);
  assert.deepEqual(fields, {
    uid: 'uid-1',
    namespace: 'default',
    name: 'web',
    result: 'injected',
    reason: 'injected',
    msg: 'admission',
  });
  child.kill('SIGTERM');
  await exited;
});

test('bad configuration: every problem at once, and exit 2', async () => {
  const { code, stderr, stdout } = await runInProcess(
    [
      'webhook',
      '--listen=nowhere',
      '--log-level=loud',
      '--tls-cert-file=x',
      '--nativ-sidecar=on',
      '--sidecar-proxy-memory-request=1Gi',
      '--sidecar-proxy=builtin',
      '--proxy-mode=dataplane',
    ],
    '',
    {
      TANDEM_CONSUL_GRPC_PORT: '99999',
    },
  );
  assert.deepEqual([code, stdout], [2, '']);
  for (const text of [
    /--listen: "nowhere" is not HOST:PORT/,
    /--log-level: "loud" is not one of/,
    /did you mean --native-sidecar\?/,
    /TANDEM_CONSUL_GRPC_PORT: "99999"/,
    /--tls-cert-file needs --tls-key-file/,
    /--sidecar-proxy-memory-request=1Gi is above --sidecar-proxy-memory-limit=256Mi/,
    /builtin is for --proxy-mode=agent/,
  ]) {
    assert.match(stderr, text);
  }
});

test('dataplane mode without --owner and without a cluster to ask does not start, and says what to give', async () => {
  const { code, stderr } = await runInProcess(
    ['webhook', ...LOCAL, '--tls-auto', `--tls-auto-dir=${folder}/owner`, '--proxy-mode=dataplane'],
    '',
    {
      HOME: folder,
      KUBECONFIG: '',
    },
  );
  assert.equal(code, 1);
  assert.match(
    stderr,
    /--proxy-mode=dataplane needs the owner of this cluster, and --owner is not set: no cluster/,
  );
});

test('dataplane mode asks the cluster of --kubeconfig for the owner', async () => {
  const { code, stderr } = await runInProcess([
    'webhook',
    ...LOCAL,
    '--tls-auto',
    `--tls-auto-dir=${folder}/owner`,
    '--proxy-mode=dataplane',
    '--kubeconfig=/nowhere/config',
  ]);
  assert.notEqual(code, 0);
  assert.match(stderr, /--owner is not set: .*\/nowhere\/config/);
});

test('files that are not there, or do not belong together, stop the start with their names', async () => {
  const missing = await runInProcess([
    'webhook',
    ...LOCAL,
    '--tls-cert-file=/nowhere/tls.crt',
    '--tls-key-file=/nowhere/tls.key',
  ]);
  assert.equal(missing.code, 65);
  assert.match(missing.stderr, /cannot read \/nowhere\/tls\.(crt|key)/);
  const [one, two] = [join(folder, 'one'), join(folder, 'two')];
  for (const dir of [one, two]) await runInProcess(['certs', `--dir=${dir}`]);
  const mixed = await runInProcess([
    'webhook',
    ...LOCAL,
    `--tls-cert-file=${one}/tls.crt`,
    `--tls-key-file=${two}/tls.key`,
  ]);
  assert.equal(mixed.code, 1);
  assert.match(mixed.stderr, /expected PEM files that belong together/);
  assert.doesNotMatch(mixed.stderr, /PRIVATE KEY|    at /);
});

test('a warning reaches the answer, the log line, the metric, the status and the record on the pod', async () => {
  const certs = join(folder, 'warned');
  const { child, exited, port, status } = await started(['--tls-auto', `--tls-auto-dir=${certs}`]);
  const ca = await readFile(join(certs, 'ca.crt'), 'utf8');
  const annotations = {
    'consul.hashicorp.com/connect-inject': 'true',
    'consul.hashicorp.com/conect-service': 'web',
  };
  const logged = logLine(child, 'admission');
  const answer = await call(
    {
      host: '127.0.0.1',
      port,
      ca,
      method: 'POST',
      path: '/mutate',
      headers: { 'content-type': 'application/json' },
    },
    JSON.stringify(
      podReview({
        object: {
          metadata: { annotations },
          spec: { containers: [{ name: 'web', image: 'example/web:1' }] },
        },
      }),
    ),
  );
  const response = responseOf(answer) as unknown as { warnings: string[]; patch: string };
  const [warning = ''] = response.warnings;
  assert.match(warning, /^consul\.hashicorp\.com\/conect-service: is not known; did you mean/);
  const patch = JSON.parse(Buffer.from(response.patch, 'base64').toString()) as {
    path: string;
    value: string;
  }[];
  const record = patch.find(({ path }) => path.endsWith('/tandem~1injected'))?.value ?? '';
  assert.deepEqual((JSON.parse(record) as { warnings: unknown }).warnings, [warning]);
  assert.equal((await logged)['warnings'], 'unknown-annotation consul.hashicorp.com/conect-service');
  const metrics = await (await fetch(`http://${status}/metrics`)).text();
  assert.match(metrics, /tandem_admission_warnings_total\{reason="unknown-annotation"\} 1/);
  const shown = await (await fetch(`http://${status}/status`)).text();
  assert.ok(shown.includes(JSON.stringify([warning])));
  assert.ok((await (await fetch(`http://${status}/`)).text()).includes('conect-service: is not known'));
  child.kill('SIGTERM');
  await exited;
});
