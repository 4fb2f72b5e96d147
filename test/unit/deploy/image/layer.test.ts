/** Layers as tar and tar-stream read them back. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import {
  chmod,
  link,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { extract, type Header } from 'tar-stream';
import { folderOf, program, text, tree } from '../../../../deploy/image/layer-entries.ts';
import { writeLayer } from '../../../../deploy/image/layer.ts';

const run = promisify(execFile);
const LONG = `${'a'.repeat(90)}/${'b'.repeat(90)}/${'ü'.repeat(60)}`;
let folder: string;
let layers: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tandem-layer-'));
  layers = join(folder, 'layers');
  await mkdir(layers);
});
after(() => rm(folder, { recursive: true }));

/** A small root: every kind of file, modes, a long name, names around the slash in the order of bytes. */
async function smallRoot(name: string): Promise<string> {
  const root = join(folder, name);
  await mkdir(join(root, 'bin/sub'), { recursive: true });
  await mkdir(join(root, LONG, '..'), { recursive: true });
  await writeFile(join(root, LONG), 'long');
  await writeFile(join(root, 'bin/sub/first'), 'linked');
  await link(join(root, 'bin/sub/first'), join(root, 'bin-linked'));
  await writeFile(join(root, 'bin/empty'), '');
  await writeFile(join(root, 'large'), Buffer.alloc(3_000_001, 'x'));
  await symlink('bin/sub/first', join(root, 'soft'));
  await symlink('bin/sub', join(root, 'aside'));
  await symlink('/nowhere/at/all', join(root, 'bin/dangling'));
  await mkdir(join(root, 'tmp'));
  await chmod(join(root, 'tmp'), 0o1777);
  await chmod(join(root, 'large'), 0o4711);
  await chmod(join(root, 'bin/empty'), 0);
  return root;
}

async function headersOf(file: string): Promise<readonly Header[]> {
  const found: Header[] = [];
  for await (const entry of createReadStream(file).pipe(extract())) {
    found.push(entry.header);
    entry.resume();
  }
  return found;
}

test('tar unpacks a layer to what was packed', async () => {
  const root = await smallRoot('whole');
  const { file, digest, size } = await writeLayer(await tree(root), layers);
  const bytes = await readFile(file);
  assert.equal(digest, `sha256:${createHash('sha256').update(bytes).digest('hex')}`);
  assert.equal(size, bytes.length);
  const out = join(folder, 'out');
  await mkdir(out);
  await run('tar', [
    '--extract',
    '--preserve-permissions',
    '--no-same-owner',
    '--file',
    file,
    '--directory',
    out,
  ]);
  await run('diff', ['--recursive', '--no-dereference', root, out]);
  // A link to a folder is not a second copy of it.
  assert.equal((await headersOf(file)).filter(({ name }) => name.startsWith('aside')).length, 1);
  for (const path of await readdir(root, { recursive: true }))
    assert.equal((await lstat(join(out, path))).mode, (await lstat(join(root, path))).mode, path);
  assert.equal((await lstat(join(out, 'bin-linked'))).ino, (await lstat(join(out, 'bin/sub/first'))).ino);
  for (const { name, uid, gid, mtime, uname, gname } of await headersOf(file))
    assert.deepEqual([uid, gid, mtime?.getTime(), uname, gname], [0, 0, 0, '', ''], name);
});

test('the same files make the same bytes, whenever and wherever they were written', async () => {
  const [one, other] = [await smallRoot('one'), await smallRoot('other')];
  await utimes(join(other, 'large'), 5, 5);
  const first = await writeLayer(await tree(one), layers);
  const second = await writeLayer((await tree(other)).toReversed(), layers);
  assert.equal(second.digest, first.digest);
  await chmod(join(other, 'large'), 0o755);
  assert.notEqual((await writeLayer(await tree(other), layers)).digest, first.digest);
});

test('parents are added, a folder can be of a user, and a program can carry a capability', async () => {
  const source = join(folder, 'program');
  await writeFile(source, '#!/bin/sh\n', { mode: 0o600 });
  const { file } = await writeLayer(
    [
      await program(source, 'usr/local/bin/program', 'cap_net_bind_service'),
      folderOf('data', 100, 1000),
      text('etc/note', 'note\n'),
    ],
    layers,
  );
  const headers = await headersOf(file);
  assert.deepEqual(
    headers.map(({ name, mode, uid, gid, type }) => [name, mode, uid, gid, type]),
    [
      ['data/', 0o755, 100, 1000, 'directory'],
      ['etc/', 0o755, 0, 0, 'directory'],
      ['etc/note', 0o644, 0, 0, 'file'],
      ['usr/', 0o755, 0, 0, 'directory'],
      ['usr/local/', 0o755, 0, 0, 'directory'],
      ['usr/local/bin/', 0o755, 0, 0, 'directory'],
      ['usr/local/bin/program', 0o755, 0, 0, 'file'],
    ],
  );
  // What `setcap cap_net_bind_service=+ep` writes: revision 2, effective; bit 10 of the permitted.
  const value = '\u0001\0\0\u0002\0\u0004\0\0'.padEnd(20, '\0');
  assert.deepEqual(headers.at(-1)?.pax, {
    path: 'usr/local/bin/program',
    'SCHILY.xattr.security.capability': value,
  });
});

test('what no layer can hold is refused by name, and nothing half written is left', async () => {
  const root = join(folder, 'socket');
  await mkdir(root);
  const server = createServer().listen(join(root, 'control'));
  await once(server, 'listening');
  await assert.rejects(tree(root), /socket\/control is neither file, folder nor link/);
  server.close();
  const source = join(folder, 'shrinks');
  await writeFile(source, 'some text');
  const entries = [await program(source, 'shrinks')];
  await writeFile(source, 'less');
  const kept = await readdir(layers);
  await assert.rejects(writeLayer(entries, layers));
  assert.deepEqual(await readdir(layers), kept);
});
