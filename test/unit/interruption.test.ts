import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';

const MODULE = join(import.meta.dirname, '../interruption.ts');
// It tidies until its standard input ends.
const PROGRAM = `
  import { listenForInterruption } from '${MODULE}';
  const { signal, code } = listenForInterruption(() => console.log('interrupted'));
  signal.addEventListener('abort', () => process.stdin.resume().on('end', () => process.exit(code())));
  process.on('SIGINT', () => console.log('SIGINT'));
  setInterval(() => undefined, 1000);
  console.log('ready');
`;

test('Ctrl-C through npm comes twice: the process tidies once, and to the end', async () => {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', PROGRAM], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let output = '';
  const said = async (text: string): Promise<void> => {
    while (!output.includes(text)) output += String((await once(child.stdout, 'data'))[0]);
  };
  const exit = once(child, 'close');
  await said('ready');
  for (const seen of ['ready\ninterrupted\nSIGINT\n', 'SIGINT\nSIGINT\n']) {
    child.kill('SIGINT');
    await said(seen);
  }
  child.kill('SIGTERM');
  child.stdin.end();
  assert.deepEqual(await exit, [130, null]);
  assert.equal(output, 'ready\ninterrupted\nSIGINT\nSIGINT\n');
});
