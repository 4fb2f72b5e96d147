/** The shared libraries of a program of the machine, for an image that lacks them. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { program, type Entry } from '../../../deploy/image/layer-entries.ts';

/** @param base the root file system beneath, whose own libraries stay; undefined where there is none */
export async function librariesOf(path: string, base: string | undefined): Promise<readonly Entry[]> {
  const needed = (await linked(path)).filter(
    (library) => base === undefined || !existsSync(join(base, library)),
  );
  return Promise.all(
    needed.map(async (library) => {
      // Below the folder itself, for /lib may be a link, which a folder of that name would replace.
      const folder = base === undefined ? dirname(library) : await realpath(dirname(library));
      return program(await realpath(library), join(folder, basename(library)).slice(1));
    }),
  );
}

async function linked(path: string): Promise<readonly string[]> {
  // It ends with 1 for a program that needs none.
  const { stdout } = await promisify(execFile)('ldd', [path]).catch((error: { readonly stderr?: string }) => {
    if (error.stderr?.includes('not a dynamic executable') === true) return { stdout: '' };
    throw error;
  });
  return [...stdout.matchAll(/^\s*(?:\S+ => )?(\/\S+) \(0x/gm)].map(([, library = '']) => library);
}
