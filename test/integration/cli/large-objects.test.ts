/**
 * The sync, with the memory that its deployment gives it and half of the heap, in a cluster whose objects are as large as can
 * be.
 */
import assert from 'node:assert/strict';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startEmbeddedConsul, type EmbeddedConsul } from '../../../dev/embedded/embedded-consul.ts';
import { writePlainKubeconfig } from './plain-kubeconfig.ts';
import { spawnTandem } from './tandem-process.ts';

const MANIFEST = join(import.meta.dirname, '../../../deploy/manifests/sync-deployment.yaml');
const OBJECTS = 250;
// All annotations of an object together, by Kubernetes (TotalAnnotationSizeLimitB).
const ANNOTATIONS = 256 * 1024 - 1024;

type Annotations = {
  /** The key of the first one, whose value begins with the version of its object. */
  readonly first: string;
  /** JSON: the rest of that value, and the others. */
  readonly others: Buffer;
};

type Kind = 'services' | 'endpointslices' | 'pods';

const PATHS = new Map<string, Kind>([
  ['/api/v1/services', 'services'],
  ['/apis/discovery.k8s.io/v1/endpointslices', 'endpointslices'],
  ['/api/v1/pods', 'pods'],
]);

let folder: string;
let consul: EmbeddedConsul;
let server: Server;
let annotations: Annotations;
/** Of the process that runs. */
let watches: { readonly kind: Kind; readonly response: ServerResponse }[] = [];
// Services twice: the registrar follows them, too.
const WATCHES = 4;
let watched = Promise.withResolvers<void>();
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tandem-large-'));
  consul = await startEmbeddedConsul();
  server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://server');
    const kind = PATHS.get(pathname);
    if (kind === undefined) return response.writeHead(404).end('{}');
    if (searchParams.has('watch')) {
      watches.push({ kind, response });
      if (watches.length === WATCHES) watched.resolve();
      return response.writeHead(200).flushHeaders();
    }
    const from = Number(searchParams.get('continue') ?? 0);
    const to = Math.min(OBJECTS, from + Number(searchParams.get('limit')));
    const metadata = { resourceVersion: '1000', continue: to < OBJECTS ? String(to) : '' };
    response.write(`{"metadata":${JSON.stringify(metadata)},"items":[`);
    for (let index = from; index < to; index += 1) {
      if (index > from) response.write(',');
      response.write(objectText(kind, index, index + 1));
    }
    return response.end(']}');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  await writePlainKubeconfig(folder, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
after(async () => {
  server.closeAllConnections();
  server.close();
  await consul.close();
  await rm(folder, { recursive: true });
});

/** JSON, put together from what is the same in all of them and what is not: this process shall do less than the other. */
function objectText(kind: Kind, index: number, version: number): Buffer {
  const name = `a${index}`;
  const labels = kind === 'endpointslices' ? { 'kubernetes.io/service-name': name } : { app: name };
  const metadata = { name, namespace: 'default', uid: name, resourceVersion: String(version), labels };
  const fields = `${JSON.stringify(metadata).slice(1)},${JSON.stringify(fieldsOf(kind, index)).slice(1)}`;
  const { first, others } = annotations;
  return Buffer.concat([
    Buffer.from(`{"metadata":{"annotations":{"${first}":"${version}`),
    others,
    Buffer.from(`},${fields}`),
  ]);
}

/** Those beside the metadata. */
function fieldsOf(kind: Kind, index: number): object {
  switch (kind) {
    case 'services':
      return { spec: { clusterIP: '10.0.0.1', type: 'ClusterIP', ports: [{ port: 80 }] } };
    case 'endpointslices':
      return { ports: [{ port: 80 }], endpoints: [{ addresses: [`10.1.${index >> 8}.${index & 255}`] }] };
    case 'pods':
      return { spec: { containers: [] }, status: { phase: 'Running' } };
  }
}

/** MiB: half of what the deployment has, so that half of the objects show what is kept of them. */
async function heap(): Promise<number> {
  const [, value] =
    /NODE_OPTIONS\n\s+value: --max-old-space-size=(\d+)\n/.exec(await readFile(MANIFEST, 'utf8')) ?? [];
  return Number(value) / 2;
}

async function startSync(): Promise<ChildProcessWithoutNullStreams> {
  return spawnTandem(
    [
      'sync',
      `--kubeconfig=${join(folder, 'config')}`,
      `--consul-http-addr=${consul.url}`,
      '--owner=test',
      '--leader-election=false',
      '--registrar',
      '--status-listen=127.0.0.1:0',
    ],
    { NODE_OPTIONS: `--max-old-space-size=${await heap()}` },
  );
}

/** MiB, the most that the process ever had in memory. */
async function peak({ pid }: ChildProcessWithoutNullStreams): Promise<number> {
  const [, kibibytes] = /VmHWM:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kibibytes) / 1024;
}

/** MiB. */
async function limit(): Promise<number> {
  const [, memory] = /limits:\n\s+memory: (\d+)Mi/.exec(await readFile(MANIFEST, 'utf8')) ?? [];
  return Number(memory);
}

/** @param signal of the test, with whose end it ends */
async function registered(count: number, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    // This process is busy for seconds, in which its server closes what it thinks is idle.
    const services = await fetch(`${consul.url}/v1/catalog/services`)
      .then((answer) => answer.json() as Promise<object>)
      .catch(() => ({}));
    const names = Object.keys(services);
    if (names.filter((name) => /^a\d+$/.test(name)).length === count) return;
    await new Promise((resolve) => {
      setTimeout(resolve, 200);
    });
  }
}

const large: readonly [what: string, annotations: Annotations][] = [
  [
    'annotations of others',
    {
      first: 'kubectl.kubernetes.io/last-applied-configuration',
      others: Buffer.from(`${'x'.repeat(ANNOTATIONS)}"`),
    },
  ],
  [
    'annotations that the sync reads',
    {
      first: 'consul.hashicorp.com/service-tags',
      others: Buffer.from(
        `${'é,'.repeat(ANNOTATIONS / 6)}"${Array.from({ length: 2500 }, (_, index) => `,"consul.hashicorp.com/service-meta-${index}!":"${index}"`).join('')}`,
      ),
    },
  ],
];

for (const [what, made] of large)
  test(`${OBJECTS} objects of 250 KiB each, and as many events of them: ${what}`, async (context) => {
    annotations = made;
    watches = [];
    watched = Promise.withResolvers();
    const sync = await startSync();
    context.after(() => sync.kill('SIGKILL'));
    sync.stdout.resume();
    const isListed = Promise.all([registered(OBJECTS, context.signal), watched.promise]);
    await Promise.race([isListed, once(sync, 'exit').then(() => assert.fail('it ended'))]);
    context.diagnostic(`${Math.round(await peak(sync))} MiB after the lists`);
    for (const { kind, response } of watches)
      for (let index = 0; index < OBJECTS; index += 1) {
        response.write('{"type":"MODIFIED","object":');
        response.write(objectText(kind, index, 1001 + index));
        if (!response.write('}\n')) await once(response, 'drain');
      }
    // The last of what is told is taken when what follows it is.
    const last = {
      metadata: { name: `a${OBJECTS}`, namespace: 'default', uid: 'last', resourceVersion: '3000' },
      spec: { type: 'ExternalName', externalName: 'b' },
    };
    for (const { kind, response } of watches)
      if (kind === 'services') response.write(`${JSON.stringify({ type: 'ADDED', object: last })}\n`);
    await Promise.race([
      registered(OBJECTS + 1, context.signal),
      once(sync, 'exit').then(() => assert.fail('it ended')),
    ]);
    const [most, allowed] = [await peak(sync), await limit()];
    context.diagnostic(`${Math.round(most)} MiB at most, of ${allowed}`);
    assert.ok(most < allowed, `${most} MiB`);
  });
