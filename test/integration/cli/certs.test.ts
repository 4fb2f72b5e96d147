/** `tandem certs` and `tandem review` as people call them. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { runInProcess } from './in-process.ts';

let folder: string;
before(async () => (folder = await mkdtemp(join(tmpdir(), 'tandem-certs-'))));
after(() => rm(folder, { recursive: true }));

test('certs: four files, keys for the owner only, and the bundle for the webhook configuration', async () => {
  const dir = join(folder, 'new');
  const { code, stdout } = await runInProcess([
    'certs',
    `--dir=${dir}`,
    '--hosts=localhost',
    '--service=tandem-webhook.tandem',
    '--print-ca-bundle',
  ]);
  assert.equal(code, 0);
  const ca = await readFile(join(dir, 'ca.crt'), 'utf8');
  assert.equal(Buffer.from(stdout, 'base64').toString(), ca);
  const serving = new X509Certificate(await readFile(join(dir, 'tls.crt')));
  assert.ok(serving.verify(new X509Certificate(ca).publicKey));
  for (const host of ['tandem-webhook.tandem.svc', 'tandem-webhook.tandem.svc.cluster.local', 'localhost'])
    assert.equal(serving.checkHost(host), host);
  for (const key of ['ca.key', 'tls.key']) assert.equal((await stat(join(dir, key))).mode & 0o777, 0o600);
});

test('certs: even one file that is there already is replaced only with --force', async () => {
  await writeFile(join(folder, 'tls.key'), 'precious');
  const refused = await runInProcess(['certs', `--dir=${folder}`]);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /already holds tls\.key; --force/);
  assert.equal(await readFile(join(folder, 'tls.key'), 'utf8'), 'precious');
  assert.equal((await runInProcess(['certs', `--dir=${folder}`, '--force'])).code, 0);
  assert.match(await readFile(join(folder, 'tls.key'), 'utf8'), /PRIVATE KEY/);
});

const POD = 'apiVersion: v1\nkind: Pod\nmetadata: { generateName: web- }\nspec: { containers: [] }\n';

test('review: the same manifest gives the same bytes, another one another uid', async () => {
  const [one, again, other] = await Promise.all(
    [POD, POD, `${POD}# other\n`].map((text) => runInProcess(['review', '--api-version=v1beta1'], text)),
  );
  assert.equal(one?.stdout, again?.stdout);
  const uids = [one, other].map(
    (run) => (JSON.parse(run?.stdout ?? '') as { request: { uid: string } }).request.uid,
  );
  assert.notEqual(uids[0], uids[1]);
});

test('review: a pod without a name yet has none in the request, as from an API server', async () => {
  const { stdout } = await runInProcess(['review'], POD);
  const { request } = JSON.parse(stdout) as { request: Record<string, unknown> };
  assert.equal('name' in request, false);
});

test('review: an update and a deletion are of a pod that is there, as from an API server', async () => {
  const requestOf = async (operation: string, text: string) => {
    const { stdout } = await runInProcess(['review', `--operation=${operation}`], text);
    return (JSON.parse(stdout) as { request: Record<string, unknown> }).request;
  };
  const job = `apiVersion: batch/v1\nkind: Job\nmetadata: { name: web }\nspec: { template: { spec: { containers: [{ name: a }] } } }\n`;
  for (const text of [POD, POD.replace('generateName: web-', 'name: web-0'), job]) {
    const update = await requestOf('UPDATE', text);
    assert.match(String(update['name']), text.includes('web-0') ? /^web-0$/ : /^web-[0-9a-f]{5}$/);
    assert.equal((update['object'] as { metadata: { name: string } }).metadata.name, update['name']);
    assert.deepEqual(update['oldObject'], update['object']);
    assert.deepEqual(update['options'], { kind: 'UpdateOptions', apiVersion: 'meta.k8s.io/v1' });
    const removal = await requestOf('DELETE', text);
    assert.deepEqual([removal['object'], removal['oldObject']], [null, update['object']]);
    assert.deepEqual(removal['options'], { kind: 'DeleteOptions', apiVersion: 'meta.k8s.io/v1' });
  }
  assert.equal((await runInProcess(['review', '--operation=CONNECT'], POD)).code, 2);
});

test('review: aliases that lead nowhere, or to too much, are unreadable input and no crash', async () => {
  const bomb = [
    'a: &a [1,1,1,1,1,1,1,1,1,1]',
    ...['b', 'c', 'd', 'e', 'f'].map((key, index) => {
      const below = `*${'abcde'[index]}`;
      return `${key}: &${key} [${Array.from({ length: 10 }, () => below).join(', ')}]`;
    }),
  ].join('\n');
  for (const text of [`${POD}x: *nowhere\n`, `${bomb}\n${POD}x: *f\n`]) {
    const { code, stderr, stdout } = await runInProcess(['review'], text);
    assert.deepEqual([code, stdout], [65, '']);
    assert.match(stderr, /^tandem review: <stdin>(:\d+:\d+)?: .*alias.*\n$/i);
  }
});
