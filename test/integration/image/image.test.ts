/** The image without a container engine: its layout in a folder, by the list of which the Dockerfile is made. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { bundle } from '../../../deploy/image/bundle.ts';
import { image } from '../../../deploy/image/image.ts';

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '../../..');
let folder: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tandem-image-'));
  await bundle(join(folder, 'app'));
  await chmod(join(folder, 'app'), 0o555);
});
after(async () => {
  await chmod(join(folder, 'app'), 0o755);
  await rm(folder, { recursive: true });
});

/** A command of the image as its user gets it: no HOME, no other variable, and the words of the image. */
function words(of: readonly string[]): readonly string[] {
  return of.map((word) => (word === 'node' ? process.execPath : word.replace('/app/', `${folder}/app/`)));
}

const environment = { ...image.environment, PATH: '/usr/bin:/bin' };

test('the Node.js of the image is the one that the tests run with', () => {
  assert.equal(`v${image.node}`, process.version);
});

test('what the build copies is not held back by .dockerignore', async () => {
  const kept = (await readFile(join(ROOT, '.dockerignore'), 'utf8')).split('\n');
  const copied = [...image.dependencies, ...image.sources, ...image.files.map(({ from }) => from)];
  for (const path of copied) assert.ok(kept.includes(`!${path}`), path);
});

test('the same sources make the same bytes', async () => {
  const again = join(folder, 'again');
  await bundle(again);
  const files = (await readdir(again)).toSorted();
  assert.deepEqual((await readdir(join(folder, 'app'))).toSorted(), files);
  for (const file of files)
    assert.ok((await readFile(join(folder, 'app', file))).equals(await readFile(join(again, file))), file);
});

test('webhook and sync are in the bundle, and take the options of Node from outside', async () => {
  const [node = '', ...rest] = words(image.entrypoint);
  for (const [command, flag] of [
    ['webhook', /--tls-cert-file/],
    ['sync', /--leader-election/],
  ] as const) {
    const { stdout } = await run(node, [...rest, command, '--help'], { env: environment });
    assert.match(stdout, flag);
  }
  const sync = { ...environment, NODE_OPTIONS: '--max-old-space-size=320' };
  const kubeconfig = join(folder, 'none');
  const failed = run(node, [...rest, 'sync', `--kubeconfig=${kubeconfig}`], { env: sync });
  // It read the flags, loaded what reads a kubeconfig, and found none.
  await assert.rejects(failed, ({ stderr, code }: { stderr: string; code: number }) => {
    assert.equal(code, 1);
    assert.match(stderr, /none/);
    return true;
  });
});

test('in a folder that it cannot write the webhook serves, and the health check tells', async () => {
  const status = await freePort();
  const [node = '', ...rest] = words(image.entrypoint);
  const listen = ['--tls-auto', '--listen=127.0.0.1:0', `--status-listen=127.0.0.1:${status}`];
  const check = (): Promise<unknown> => {
    const [program = '', ...args] = words(image.healthCheck.command).map((word) =>
      word.replace('8081', String(status)),
    );
    return run(program, args, { env: environment });
  };
  await assert.rejects(check());
  const child = spawn(node, [...rest, 'webhook', ...listen], { env: environment, cwd: join(folder, 'app') });
  try {
    for await (const line of createInterface(child.stdout)) if (line.includes('"serving"')) break;
    await check();
  } finally {
    child.kill();
    await once(child, 'exit');
  }
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  await once(server.close(), 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}
