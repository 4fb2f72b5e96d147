/** The bundle as the image has it: a folder on its own, no node_modules anywhere near. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { bundle } from '../../../deploy/image/bundle.ts';
import { nodeOptions } from '../../../deploy/image/image.ts';
import { version } from '../../../src/version.ts';

const run = promisify(execFile);
let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tandem-bundle-'));
  await bundle(folder);
});
after(() => rm(folder, { recursive: true }));

/** With the options that the image gives to Node. */
async function tandem(...args: readonly string[]): Promise<string> {
  return (await run(process.execPath, [...nodeOptions, join(folder, 'tandem.js'), ...args], { cwd: folder }))
    .stdout;
}

test('the bundle runs without dependencies beside it', async () => {
  assert.equal(await tandem('version'), `${version}\n`);
  assert.match(await tandem('webhook', '--help'), /--tls-auto/);
  assert.match(await tandem('certs', `--dir=${folder}/certs`, '--print-ca-bundle'), /^LS0tLS1CRUdJTi/);
});

test('offline commands do not load what only the webhook needs', async () => {
  const meta = await run(process.execPath, [
    '--input-type=module',
    '-e',
    `
    import { registerHooks } from 'node:module';
    const loaded = [];
    registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });
    const { commands } = await import(${JSON.stringify(join(import.meta.dirname, '../../../src/cli/commands.ts'))});
    for (const name of ['inject', 'uninject', 'review']) await commands[name].load();
    process.stdout.write(loaded.filter((url) => /node_modules\\/(fastify|pino|prom-client|selfsigned|@kubernetes)\\//.test(url)).join('\\n'));
    await commands.webhook.load();
    process.stdout.write(loaded.filter((url) => /node_modules\\/(selfsigned|@kubernetes)\\//.test(url)).join('\\n'));
    if (!loaded.some((url) => /node_modules\\/fastify\\//.test(url))) process.stdout.write('the check sees nothing');
  `,
  ]);
  assert.equal(meta.stdout, '');
});
