/** Images are unpacked once, into a folder that each node gets as links: containerd never changes a file of a layer. */
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { lastLines, startProcess } from '../../real/harness/processes.ts';
import { command } from './command.ts';
import { UNUSED_PLUGINS } from './node-files.ts';
import { nodePath } from './programs.ts';

export type ImageArchive = { readonly name: string; readonly archive: string };

/** Name and state of each archive that a store holds. */
type Contents = Readonly<Record<string, string>>;

const CONTENTS = 'contents.json';

/**
 * The folder of containerd with all of these images. What an earlier store holds already is taken over from it. Only one process
 * may do so at a time.
 *
 * @param root where stores are kept between clusters
 */
export async function imageStore(
  root: string,
  images: readonly ImageArchive[],
  say: (text: string) => void,
): Promise<string> {
  const wanted: Contents = Object.fromEntries(images.map(({ name, archive }) => [name, stateOf(archive)]));
  const store = join(root, createHash('sha256').update(JSON.stringify(wanted)).digest('hex').slice(0, 16));
  if (existsSync(store)) return join(store, 'containerd');

  mkdirSync(root, { recursive: true, mode: 0o700 });
  const making = join(root, 'making');
  rmSync(making, { recursive: true, force: true });
  const held = await takeOver(root, making, wanted);
  const missing = images.filter(({ name }) => held[name] !== wanted[name]);
  say(`unpacking ${missing.length} of ${images.length} images, once for all clusters to come`);
  await importInto(making, missing, say);
  writeFileSync(join(making, CONTENTS), JSON.stringify(wanted));
  // Nodes that were made of the older ones hold links of their own.
  for (const name of readdirSync(root))
    if (name !== 'making') rmSync(join(root, name), { recursive: true, force: true });
  renameSync(making, store);
  return join(store, 'containerd');
}

/**
 * Gives a node the store, as `containerd` in its folder: by links but for the databases, which are written in place.
 *
 * @param store of `imageStore`
 */
export async function copyStore(store: string, folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  await command('cp', ['--archive', '--link', store, folder]);
  const databases = await command('find', [folder, '-name', '*.db', '-path', '*io.containerd.*']);
  for (const path of databases.split('\n').filter(Boolean)) {
    const content = readFileSync(path);
    rmSync(path);
    writeFileSync(path, content, { mode: 0o600 });
  }
}

/** An image that is not wanted any more would stay in it, and hide that a pod names it: then everything is unpacked anew. */
async function takeOver(root: string, making: string, wanted: Contents): Promise<Contents> {
  for (const name of readdirSync(root)) {
    const path = join(root, name, CONTENTS);
    if (!existsSync(path)) continue;
    const held = JSON.parse(readFileSync(path, 'utf8')) as Contents;
    if (!Object.keys(held).every((image) => image in wanted)) continue;
    await copyStore(join(root, name, 'containerd'), making);
    return held;
  }
  mkdirSync(join(making, 'containerd'), { recursive: true });
  return {};
}

/** A containerd of its own, in a mount namespace of its own, for as long as it takes. */
async function importInto(
  making: string,
  images: readonly ImageArchive[],
  say: (text: string) => void,
): Promise<void> {
  const socket = join(making, 'containerd.sock');
  const state = join(making, 'state');
  const config = join(making, 'containerd.toml');
  const plugins = [...UNUSED_PLUGINS, 'io.containerd.grpc.v1.cri'].map((name) => `"${name}"`);
  const lines = ['version = 2', `disabled_plugins = [${plugins.join(', ')}]`];
  writeFileSync(config, `${lines.join('\n')}\n`);
  const environment = { PATH: nodePath() };
  const containerd = await startProcess({
    name: 'containerd',
    command: 'unshare',
    args: [
      '--mount',
      '--propagation=private',
      'containerd',
      `--config=${config}`,
      `--address=${socket}`,
      `--root=${join(making, 'containerd')}`,
      `--state=${state}`,
    ],
    environment,
    ready: async () => existsSync(socket),
  });
  try {
    for (const { name, archive } of images) {
      say(`unpacking ${name}`);
      const ctr = ['ctr', `--address=${socket}`, '--namespace=k8s.io', 'images', 'import', archive];
      await command('env', [`PATH=${environment.PATH}`, ...ctr]);
    }
  } catch (error) {
    throw new Error(`${(error as Error).message}\n${lastLines(containerd.log())}`, { cause: error });
  } finally {
    await containerd.stop();
    for (const path of [socket, `${socket}.ttrpc`, state, config])
      rmSync(path, { recursive: true, force: true });
  }
}

function stateOf(archive: string): string {
  const { size, mtimeMs } = statSync(archive);
  return `${size} ${mtimeMs}`;
}
