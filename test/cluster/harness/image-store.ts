/** Images are unpacked once, into a folder that each node gets as links: containerd never changes a file of a layer. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { lastLines, startProcess } from '../../real/harness/processes.ts';
import { command } from './command.ts';
import { UNUSED_PLUGINS } from './node-files.ts';
import { nodePath } from './programs.ts';

/** The name of the file tells its content. */
export type ImageArchive = { readonly name: string; readonly archive: string };

/** What a store holds: by the name of each archive, its file and the images that came with it. */
type Contents = Readonly<Record<string, { readonly file: string; readonly images: readonly string[] }>>;

const CONTENTS = 'contents.json';
const MAKING = 'making';

/**
 * The folder of containerd with all of these images. Of an earlier store it takes over what has not changed. Only one process
 * at a time may do so, and use what it gets. What is not finished when the signal comes is made anew by the next one.
 *
 * @param root where stores are kept between clusters
 */
export async function imageStore(
  root: string,
  archives: readonly ImageArchive[],
  say: (text: string) => void,
  signal: AbortSignal,
): Promise<string> {
  signal.throwIfAborted();
  const files = archives.map(({ archive }) => basename(archive)).join('\n');
  const store = join(root, createHash('sha256').update(files).digest('hex').slice(0, 16));
  if (!existsSync(store)) {
    const making = join(root, MAKING);
    rmSync(making, { recursive: true, force: true });
    const held = await takeOver(root, making);
    const contents = await importInto(making, archives, held, say, signal);
    writeFileSync(join(making, CONTENTS), JSON.stringify(contents));
    // Nodes that were made of the older ones hold links of their own.
    for (const name of readdirSync(root))
      if (name !== MAKING) rmSync(join(root, name), { recursive: true, force: true });
    renameSync(making, store);
  }
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

async function takeOver(root: string, making: string): Promise<Contents> {
  const held = readdirSync(root).find((name) => existsSync(join(root, name, CONTENTS)));
  mkdirSync(join(making, 'containerd'), { recursive: true });
  if (held === undefined) return {};
  await copyStore(join(root, held, 'containerd'), making);
  return JSON.parse(readFileSync(join(root, held, CONTENTS), 'utf8')) as Contents;
}

/** By a containerd of its own, in a mount namespace of its own, for as long as it takes. */
async function importInto(
  making: string,
  archives: readonly ImageArchive[],
  held: Contents,
  say: (text: string) => void,
  signal: AbortSignal,
): Promise<Contents> {
  const socket = join(making, 'containerd.sock');
  const state = join(making, 'state');
  const config = join(making, 'containerd.toml');
  const plugins = [...UNUSED_PLUGINS, 'io.containerd.grpc.v1.cri'].map((name) => `"${name}"`);
  writeFileSync(config, `version = 2\ndisabled_plugins = [${plugins.join(', ')}]\n`);
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
  const images = async (...args: readonly string[]): Promise<readonly string[]> => {
    const at = [`--address=${socket}`, '--namespace=k8s.io', 'images'];
    return (await command('ctr', [...at, ...args], environment, signal)).split('\n').filter(Boolean);
  };
  try {
    return await replaceImages(images, archives, held, say);
  } catch (error) {
    throw new Error(`${(error as Error).message}\n${lastLines(containerd.log())}`, { cause: error });
  } finally {
    await containerd.stop();
    for (const path of [socket, `${socket}.ttrpc`, state, config])
      rmSync(path, { recursive: true, force: true });
  }
}

/** Images of an archive that has changed go first: one that it has no more would hide that a pod still names it. */
async function replaceImages(
  images: (...args: readonly string[]) => Promise<readonly string[]>,
  archives: readonly ImageArchive[],
  held: Contents,
  say: (text: string) => void,
): Promise<Contents> {
  const kept = archives.filter(({ name, archive }) => held[name]?.file === basename(archive));
  const names = kept.map(({ name }) => name);
  const stale = Object.entries(held).flatMap(([name, entry]) => (names.includes(name) ? [] : entry.images));
  if (stale.length > 0) await images('remove', '--sync', ...stale);
  const contents: Record<string, Contents[string]> = {};
  for (const { name, archive } of archives) {
    const file = basename(archive);
    const known = held[name];
    if (known?.file === file) {
      contents[name] = known;
      continue;
    }
    say(`unpacking images (${name}); later clusters of the same sources reuse them`);
    const before = await images('list', '--quiet');
    await images('import', archive);
    const added = (await images('list', '--quiet')).filter((image) => !before.includes(image));
    contents[name] = { file, images: added };
  }
  return contents;
}
