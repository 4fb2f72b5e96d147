/** The bundle of the image: plain JavaScript in one folder, each command a file of its own, without node_modules. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';

const ROOT = join(import.meta.dirname, '../..');

// Of the official client Tandem uses what reads kubeconfigs. All of it, with a class for each kind of object, would make each
// start with a kubeconfig a quarter longer.
const kubeconfigsAlone: Plugin = {
  name: 'kubeconfigs-alone',
  setup: (esbuild) => {
    esbuild.onResolve({ filter: /^@kubernetes\/client-node$/ }, () => ({
      path: join(ROOT, 'node_modules/@kubernetes/client-node/dist/config.js'),
    }));
    // These two list the classes. They do nothing else, and do not say so.
    esbuild.onResolve(
      { filter: /^\.\/(?:models\/all|types\/ObjectParamAPI)\.js$/ },
      ({ path, resolveDir }) => ({ path: join(resolveDir, path), sideEffects: false }),
    );
  },
};

/** Writes `tandem.js` and what it loads to a folder. */
export async function bundle(folder: string): Promise<void> {
  await build({
    entryPoints: [join(ROOT, 'bin/tandem.js')],
    outdir: folder,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node22.19',
    minify: true,
    plugins: [kubeconfigsAlone],
    legalComments: 'linked',
    // Some dependencies are CommonJS and call require for parts of Node.
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
  });
  // Without it Node would take the files for CommonJS first.
  await writeFile(join(folder, 'package.json'), '{"type":"module"}\n');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await bundle(process.argv[2] ?? join(ROOT, 'dist'));
