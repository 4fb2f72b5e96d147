/** Layers and archives that are kept: made once, made again when something has changed, and removed when nobody asks. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, before, test } from 'node:test';
import { program } from '../../../../deploy/image/layer-entries.ts';
import type { ImagePlan } from '../../../../deploy/image/tandem-image.ts';
import { archiveOf, prune } from '../../../cluster/images/archives.ts';
import { layerStore } from '../../../cluster/images/layer-store.ts';

let folder: string;
let layers: string;
let source: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tandem-archives-'));
  layers = join(folder, 'layers');
  source = join(folder, 'program');
  await writeFile(source, 'one');
});
after(() => rm(folder, { recursive: true }));

async function plan(name: string): Promise<ImagePlan> {
  return { name, config: {}, layers: [[await program(source, 'bin/program')]] };
}

/** As one run does: with a store of its own over the same folder. */
async function archive(...names: readonly string[]): Promise<string> {
  return archiveOf(folder, 'test', await Promise.all(names.map(plan)), await layerStore(layers));
}

async function identity(file: string): Promise<string> {
  const { ino, mtimeMs } = await stat(file);
  return `${ino} ${mtimeMs}`;
}

test('what has not changed is not written again, neither the layer nor the archive', async () => {
  const first = await archive('one:1', 'other:1');
  const layer = (await readdir(layers)).find((name) => !name.startsWith('inputs-')) ?? '';
  const files = [first, join(layers, layer)];
  const [archived] = await Promise.all(files.map(identity));
  const { ino } = await stat(join(layers, layer));
  assert.equal(await archive('one:1', 'other:1'), first);
  assert.equal(await identity(first), archived);
  assert.equal((await stat(join(layers, layer))).ino, ino);
});

test('another content, another name or a lost layer makes another archive or the same again', async () => {
  const first = await archive('one:1');
  assert.notEqual(await archive('one:2'), first);
  await writeFile(source, 'two');
  const second = await archive('one:1');
  assert.notEqual(second, first);
  for (const name of await readdir(layers)) if (!name.startsWith('inputs-')) await rm(join(layers, name));
  await rm(second);
  assert.equal(await archive('one:1'), second);
});

test('what nobody has asked for in a while is removed, also what an interrupted run has left', async () => {
  const kept = await archive('one:1');
  const old = await archive('old:1');
  await mkdir(join(folder, 'archive-interrupted'));
  await utimes(join(folder, 'archive-interrupted'), 1, 1);
  for (const file of [kept, old]) await utimes(file, 1, 1);
  await archive('one:1');
  await prune(folder, ['layers', 'program']);
  const names = await readdir(folder);
  assert.ok(names.includes(basename(kept)) && names.includes('layers'), names.join());
  assert.ok(!names.includes(basename(old)) && !names.includes('archive-interrupted'), names.join());
});
