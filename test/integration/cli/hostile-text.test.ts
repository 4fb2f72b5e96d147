/** Text that strangers write reaches terminals escaped: no command hands on what a terminal would obey. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startEmbeddedConsul, type EmbeddedConsul } from '../../../dev/embedded/embedded-consul.ts';
import { writePlainKubeconfig } from './plain-kubeconfig.ts';
import { runInProcess } from './in-process.ts';
import { runTandem, type Finished } from './tandem-process.ts';

/** Sets the title, forges a line, moves the cursor by C1, turns the direction, ends the line for Unicode, deletes. */
const HOSTILE = '\u001b]0;title\u0007\n- deregister  forged\t\u009b2J\u202e\u2066\u2028\u007f';

let folder: string;
let consul: EmbeddedConsul;
let liar: Server;
let lies: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tandem-hostile-'));
  consul = await startEmbeddedConsul();
  liar = createServer((_request, response) => {
    response.writeHead(403, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ kind: 'Status', message: HOSTILE, reason: HOSTILE }));
  }).listen(0, '127.0.0.1');
  await once(liar, 'listening');
  lies = `127.0.0.1:${(liar.address() as AddressInfo).port}`;
  await writePlainKubeconfig(folder, `http://${lies}`);
  await writeFile(join(folder, 'objects.yaml'), JSON.stringify(hostileList()));
  await writeFile(join(folder, 'pod.yaml'), JSON.stringify(hostilePod()));
  await writeFile(join(folder, 'broken.txt'), `a: "${HOSTILE}"\n${HOSTILE}: [\n`);
});
after(async () => {
  await consul.close();
  liar.closeAllConnections();
  await new Promise((resolve) => {
    liar.close(resolve);
  });
  await rm(folder, { recursive: true });
});

function hostileList() {
  const annotations = Object.fromEntries(
    ['service-name', 'service-tags', 'service-port', 'service-weight', 'service-sync', 'service-meta-x'].map(
      (name) => [`consul.hashicorp.com/${name}`, HOSTILE],
    ),
  );
  const spec = { type: 'ExternalName', externalName: `a${HOSTILE}`, ports: [{ port: 80, name: HOSTILE }] };
  const services = [
    { metadata: { name: 'web', namespace: 'default', annotations }, spec },
    { metadata: { name: `n${HOSTILE}`, namespace: 'default' }, spec },
  ];
  return { kind: 'List', items: services.map((service) => ({ kind: 'Service', ...service })) };
}

function hostilePod() {
  const prefix = 'consul.hashicorp.com';
  const annotations = {
    [`${prefix}/connect-inject`]: 'true',
    [`${prefix}/connect-service`]: HOSTILE,
    [`${prefix}/${HOSTILE}`]: HOSTILE,
    [`${prefix}/connect-service-upstreams`]: HOSTILE,
  };
  const spec = { containers: [{ name: HOSTILE, image: HOSTILE }], serviceAccountName: HOSTILE };
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web', annotations }, spec };
}

function assertHarmless({ stdout, stderr }: Finished, what: string): void {
  for (const text of [stdout, stderr])
    assert.doesNotMatch(
      text,
      // oxlint-disable-next-line no-control-regex
      /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/,
      what,
    );
  assert.doesNotMatch(stdout + stderr, /^- deregister/m, `${what}: a line is forged`);
}

async function expectHarmless(run: typeof runInProcess, command: readonly string[]): Promise<void> {
  const finished = await run(command);
  assert.notEqual(finished.stdout + finished.stderr, '', command.join(' '));
  assertHarmless(finished, command.join(' '));
}

test('no command hands a control character of others to the terminal', async () => {
  const objects = join(folder, 'objects.yaml');
  const pod = join(folder, 'pod.yaml');
  const broken = join(folder, 'broken.txt');
  const flags = [`--consul-http-addr=${consul.url}`, '--owner=test'];
  const toLiar = [`--kubeconfig=${join(folder, 'config')}`, `--consul-http-addr=${lies}`];
  const report = (form: string) => ['--check', `--report=${form}`];
  const commands: readonly (readonly string[])[] = [
    ['plan', objects, ...flags],
    ['plan', objects, ...flags, '--output=json'],
    ['plan', broken, ...flags],
    ['plan', objects, `--consul-http-addr=${lies}`, '--owner=test'],
    ['explain', 'service', 'default/web', objects, ...flags],
    ['explain', 'service', 'default/web', objects, ...flags, '--output=json'],
    ['explain', 'service', `default/n${HOSTILE}`, objects, ...flags],
    ['explain', 'service', `default/${HOSTILE}`, objects, ...flags],
    ['explain', 'service', 'default/web', objects, `--consul-http-addr=${lies}`, '--owner=test'],
    ['explain', 'pod', 'default/web', pod, ...flags],
    ['explain', 'pod', 'default/web', pod, ...flags, '--output=json'],
    ['explain', 'pod', 'default/web', ...toLiar],
    ['inject', pod, ...report('text')],
    ['inject', pod, ...report('json')],
    ['inject', broken, ...report('text')],
    ['inject', HOSTILE],
    ['uninject', pod, ...report('text')],
    ['review', broken],
    ['review', pod],
    ['check', ...toLiar],
    ['check', ...toLiar, '--output=json'],
    ['check', `--log-${HOSTILE}`],
    ['discover', `provider=k8s label_selector="${HOSTILE}"`],
    ['discover', `provider=k8s kubeconfig=${join(folder, 'config')}`],
    ['sync', ...toLiar, `--purge=${HOSTILE}`, '--owner=test'],
    [HOSTILE],
  ];
  for (const command of commands) await expectHarmless(runInProcess, command);
  // One that serves, as it runs: with a log.
  await expectHarmless(runTandem, ['sync', ...toLiar, '--status-listen=127.0.0.1:0']);
});

test('what JSON means is not changed', async () => {
  const flags = [`--consul-http-addr=${consul.url}`, '--owner=test', '--output=json'];
  const { stdout } = await runInProcess([
    'explain',
    'service',
    'default/web',
    join(folder, 'objects.yaml'),
    ...flags,
  ]);
  const { annotations } = JSON.parse(stdout) as { annotations: { name: string; value: string }[] };
  assert.equal(annotations.find(({ name }) => name.endsWith('/service-name'))?.value, HOSTILE);
});
