/** Many test files in one process: it starts once, and loads the sources once. */
import { setMaxListeners } from 'node:events';
import { join, relative } from 'node:path';
import { suite } from 'node:test';

const ROOT = join(import.meta.dirname, '..');
// Of a file, as `node --test` has it; that of the process is for all of them.
const TIMEOUT_MILLISECONDS = 300_000;

/**
 * One after the other, each in a suite with its path for a name: its hooks are for its own tests, and a failure says where
 * it was.
 */
export async function runTogether(files: readonly string[]): Promise<void> {
  // Each file may have something to do at the end of the process.
  setMaxListeners(0, process);
  for (const file of files)
    await suite(relative(ROOT, file), { timeout: TIMEOUT_MILLISECONDS }, async () => {
      await import(file);
    });
}
