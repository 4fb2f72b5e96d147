/** The images of a cluster, made of programs that only pretend to be the real parts. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { folderOf } from '../../../../deploy/image/layer-entries.ts';
import type { ImagePlan } from '../../../../deploy/image/tandem-image.ts';
import { librariesOf } from '../../../cluster/images/libraries.ts';
import { imagePlans, partsOfImages } from '../../../cluster/images/plans.ts';

const ROOT = join(import.meta.dirname, '../../../..');
let folder: string;
let plans: readonly ImagePlan[];

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tandem-plans-'));
  await mkdir(join(folder, 'base-image'));
  for (const part of partsOfImages)
    if (part !== 'base-image')
      await writeFile(join(folder, part), '#!/bin/sh\necho busybox\necho wget\n', { mode: 0o700 });
  plans = await imagePlans([folderOf('base', 0, 0)], (part) => join(folder, part));
});
after(() => rm(folder, { recursive: true }));

test('every image is told to those who wonder what there is', async () => {
  const told = await readFile(join(ROOT, 'CONTRIBUTING.md'), 'utf8');
  assert.deepEqual(
    plans.map(({ name }) => name).filter((name) => !told.includes(`\`${name}\``)),
    [],
  );
});

test('every image that the examples and the chart name is there', async () => {
  const examples = (await readdir(join(ROOT, 'examples'))).filter((name) => name.endsWith('.yaml'));
  const files = [...examples.map((name) => join('examples', name)), 'deploy/charts/tandem/values.yaml'];
  const texts = await Promise.all(files.map((file) => readFile(join(ROOT, file), 'utf8')));
  const named = texts.flatMap((text) =>
    [...text.matchAll(/^\s*(?:-\s+)?image\w*: "?([\w./-]+:[\w.-]+)"?\s*(?:#.*)?$/gm)].map(
      ([, name]) => name ?? '',
    ),
  );
  assert.ok(named.length >= 10, named.join());
  const made = plans.map(({ name }) => name);
  assert.deepEqual(
    [...new Set(named)].filter((name) => !made.includes(name) && !name.startsWith('tandem:')),
    [],
  );
});

test('only the stand-in of consul-dataplane carries a capability, and no other user may write what is root’s', () => {
  for (const { name, layers } of plans) {
    const entries = layers.flat();
    const capable = entries.filter((entry) => entry.kind === 'file' && entry.capability !== undefined);
    assert.equal(capable.length, name.startsWith('hashicorp/consul-dataplane:') ? 1 : 0, name);
    for (const { at, mode } of entries)
      if ((mode & 0o002) !== 0 && at !== 'tmp') assert.equal(mode, 0o777, at);
  }
});

test('an image whose pod does not say its user has a number', () => {
  const users = new Map(plans.map(({ name, config }) => [name.split(':')[0], config.user]));
  assert.equal(users.get('rediscommander/redis-commander'), '1000');
});

test('a program brings the libraries that the root file system beneath lacks, and a script brings none', async () => {
  const alone = await librariesOf(process.execPath, undefined);
  assert.ok(
    alone.some(({ at }) => at.endsWith('/libc.so.6')),
    alone.map(({ at }) => at).join(),
  );
  assert.deepEqual(await librariesOf(process.execPath, '/'), []);
  assert.deepEqual(await librariesOf(join(folder, 'nginx'), undefined), []);
});
