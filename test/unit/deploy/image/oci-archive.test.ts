/** Archives as the engines read them: by index.json, and by manifest.json. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { extract } from 'tar-stream';
import { text } from '../../../../deploy/image/layer-entries.ts';
import { writeLayer, type Blob } from '../../../../deploy/image/layer.ts';
import { writeArchive } from '../../../../deploy/image/oci-archive.ts';
import { digestOf, fullName, type Image } from '../../../../deploy/image/oci-documents.ts';

let folder: string;
let base: Blob;
let own: Blob;
let app: Image;
let tool: Image;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tandem-archive-'));
  await mkdir(join(folder, 'layers'));
  base = await writeLayer([text('etc/base', 'base\n')], join(folder, 'layers'));
  own = await writeLayer([text('app/main', 'main\n')], join(folder, 'layers'));
  app = {
    name: 'example/app:1.0',
    layers: [base, own],
    config: {
      labels: { title: 'app' },
      environment: { LEVEL: 'high' },
      user: '100:1000',
      folder: '/app',
      ports: [80],
      healthCheck: { command: ['check'], intervalSeconds: 10, timeoutSeconds: 3, startPeriodSeconds: 5 },
      entrypoint: ['/app/main'],
      command: ['serve'],
    },
  };
  tool = { name: 'tool:local', layers: [base], config: {} };
});
after(() => rm(folder, { recursive: true }));

async function read(file: string): Promise<ReadonlyMap<string, Buffer>> {
  const found = new Map<string, Buffer>();
  for await (const entry of createReadStream(file).pipe(extract())) {
    const chunks: Buffer[] = [];
    for await (const chunk of entry) chunks.push(chunk as Buffer);
    assert.ok(!found.has(entry.header.name), `${entry.header.name} appears twice`);
    found.set(entry.header.name, Buffer.concat(chunks));
  }
  return found;
}

type Descriptor = { readonly digest: string; readonly size: number; readonly mediaType: string };

function blob({ digest, size }: Descriptor, from: ReadonlyMap<string, Buffer>): Buffer {
  const bytes = from.get(`blobs/${digest.replace(':', '/')}`) ?? Buffer.of();
  assert.equal(`sha256:${createHash('sha256').update(bytes).digest('hex')}`, digest);
  assert.equal(bytes.length, size);
  return bytes;
}

function json(bytes: Buffer | undefined): unknown {
  return JSON.parse(bytes?.toString() ?? '');
}

type Index = {
  readonly manifests: readonly (Descriptor & { readonly annotations: Record<string, string> })[];
};
type Manifest = { readonly config: Descriptor; readonly layers: readonly Descriptor[] };
type Saved = readonly { readonly Config: string; readonly RepoTags: string[]; readonly Layers: string[] }[];

test('an OCI layout: every image by its name, of blobs that are what their digests say', async () => {
  const file = join(folder, 'layout.tar');
  await writeArchive(file, [app, tool]);
  const files = await read(file);
  assert.deepEqual(json(files.get('oci-layout')), { imageLayoutVersion: '1.0.0' });
  const { manifests } = json(files.get('index.json')) as Index;
  assert.deepEqual(
    manifests.map(({ annotations, digest }) => [annotations['io.containerd.image.name'], digest]),
    [
      [fullName('example/app:1.0'), digestOf(app)],
      [fullName('tool:local'), digestOf(tool)],
    ],
  );
  const [{ config, layers }] = manifests.map((of) => json(blob(of, files)) as Manifest) as [Manifest];
  assert.deepEqual(
    layers.map((layer) => blob(layer, files)),
    [await readFile(base.file), await readFile(own.file)],
  );
  assert.deepEqual(json(blob(config, files)), {
    created: '1970-01-01T00:00:00.000Z',
    architecture: process.arch === 'x64' ? 'amd64' : process.arch,
    os: 'linux',
    config: {
      Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'LEVEL=high'],
      User: '100:1000',
      WorkingDir: '/app',
      ExposedPorts: { '80/tcp': {} },
      Entrypoint: ['/app/main'],
      Cmd: ['serve'],
      Labels: { title: 'app' },
      Healthcheck: { Test: ['CMD', 'check'], Interval: 1e10, Timeout: 3e9, StartPeriod: 5e9 },
    },
    rootfs: { type: 'layers', diff_ids: [base.digest, own.digest] },
    history: [{ created: '1970-01-01T00:00:00.000Z' }, { created: '1970-01-01T00:00:00.000Z' }],
  });
});

test('as docker save writes it: configuration and layers by paths in the archive, what is shared is there once', async () => {
  const file = join(folder, 'saved.tar');
  await writeArchive(file, [app, tool]);
  const files = await read(file);
  const saved = json(files.get('manifest.json')) as Saved;
  assert.deepEqual(
    saved.map(({ RepoTags }) => RepoTags),
    [[fullName('example/app:1.0')], [fullName('tool:local')]],
  );
  for (const { Config, Layers } of saved) {
    const { rootfs } = json(files.get(Config)) as {
      readonly rootfs: { readonly diff_ids: readonly string[] };
    };
    const digests = Layers.map((path) =>
      createHash('sha256')
        .update(files.get(path) ?? '')
        .digest('hex'),
    );
    assert.deepEqual(
      digests.map((digest) => `sha256:${digest}`),
      rootfs.diff_ids,
    );
  }
  // Two layers, two manifests, two configurations.
  assert.equal([...files.keys()].filter((path) => path.startsWith('blobs/')).length, 6);
});

test('the same images make the same bytes, others replace them, and nothing lies beside them', async () => {
  const place = join(folder, 'place');
  const file = join(place, 'app.tar');
  await writeArchive(file, [app]);
  const bytes = await readFile(file);
  await writeArchive(file, [tool]);
  assert.notDeepEqual(await readFile(file), bytes);
  await writeArchive(file, [app]);
  assert.deepEqual(await readFile(file), bytes);
  await assert.rejects(
    writeArchive(file, [{ ...app, layers: [{ ...base, file: join(folder, 'none') }] }]),
    /none/,
  );
  assert.deepEqual(await readFile(file), bytes);
  assert.deepEqual(await readdir(place), ['app.tar']);
});

test('a name without a registry means that of Docker', () => {
  const registry = fullName('tool:local').split('/')[0];
  assert.equal(fullName('tool:local'), `${registry}/library/tool:local`);
  assert.equal(fullName('example/app:1.0'), `${registry}/example/app:1.0`);
  for (const name of ['registry.example.com/app:1', 'localhost/app:1', 'host:5000/app:1'])
    assert.equal(fullName(name), name);
});
