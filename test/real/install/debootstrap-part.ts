/** Makes a root file system of Debian packages, whose files depend on the versions of the packages only. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Part, Source } from '../part-table.ts';
import { mirrorOfApt } from './debian-part.ts';
import { TAIL_LINES } from './run-tool.ts';
import type { Workbench } from './workbench.ts';

type Bootstrap = Extract<Source, { kind: 'debootstrap' }>;

// Killed with this process, however that ends; and what debootstrap mounts in the target is seen by nobody else, so
// that a target left half done can be removed. Each of the two becomes the next program: a signal reaches debootstrap.
const CONFINED = ['--pdeathsig', 'KILL', 'unshare', '--mount'];

// Leaves the day of the last change of a password, today, out of /etc/shadow (shadow 4.13, `gettime`).
const ENVIRONMENT = { SOURCE_DATE_EPOCH: '0', DEBIAN_FRONTEND: 'noninteractive' };

// A runtime brings the devices, and nobody reads manuals in a container. The licences have to stay.
const EMPTIED = [
  'dev',
  'run',
  'tmp',
  'var/lib/apt/lists',
  'usr/share/info',
  'usr/share/locale',
  'usr/share/man',
];

// These tell when it was made, and on what machine.
const WITHOUT_FILES = ['var/log', 'var/cache'];
const REMOVED = [
  'etc/hostname',
  'etc/resolv.conf',
  'etc/apt/sources.list',
  'etc/.pwd.lock',
  'etc/passwd-',
  'etc/group-',
  'etc/shadow-',
  'etc/gshadow-',
  'var/lib/dpkg/status-old',
  'var/lib/dpkg/diversions-old',
];

/** Leaves the root file system, as a folder, in the staging folder. Throws when this process is not root's. */
export async function bootstrapPart(
  { name }: Part,
  source: Bootstrap,
  staging: string,
  workbench: Workbench,
): Promise<void> {
  if (!workbench.isRoot) {
    throw new Error(
      `${name} has files of several owners, which only root can make. Run as root: npm run real:install -- ${name}`,
    );
  }
  const root = join(staging, name);
  await debootstrap(source, root, workbench);
  workbench.report('cleaning');
  await clean(root, workbench);
}

async function debootstrap(
  { suite, packages }: Bootstrap,
  root: string,
  workbench: Workbench,
): Promise<void> {
  const { partsFolder, run, report } = workbench;
  const options = ['--variant=minbase', `--include=${packages.join(',')}`, '--force-check-gpg'];
  // None that only apt can read, such as mirror+file; debootstrap has one of its own.
  const mirror = await mirrorOfApt(workbench, /^https?:/);
  const command = ['debootstrap', ...options, suite, root, ...(mirror === undefined ? [] : [mirror])];
  try {
    await run('setpriv', [...CONFINED, ...command], {
      folder: partsFolder,
      environment: ENVIRONMENT,
      isProgress: (line) => {
        if (!line.startsWith('I: ')) return false;
        report(line.slice('I: '.length));
        return true;
      },
    });
  } catch (error) {
    // Its own output says no more than the step that failed.
    const log = await readFile(join(root, 'debootstrap/debootstrap.log'), 'utf8').catch(() => '');
    const tail = log.split('\n').filter(Boolean).slice(-TAIL_LINES);
    const message = error instanceof Error ? error.message : String(error);
    throw new Error([message, ...tail].join('\n  '), { cause: error });
  }
}

async function clean(root: string, { partsFolder, run }: Workbench): Promise<void> {
  const tool = { folder: partsFolder, environment: {}, isProgress: () => false };
  const at = (paths: readonly string[]): readonly string[] => paths.map((path) => join(root, path));
  await run('find', [...at(EMPTIED), '-mindepth', '1', '-delete'], tool);
  await run('find', [...at(WITHOUT_FILES), '-type', 'f', '-delete'], tool);
  await run('find', [...at(['usr/share/doc']), '-type', 'f', '!', '-name', 'copyright', '-delete'], tool);
  await run('rm', ['-f', ...at(REMOVED)], tool);
  await writeFile(join(root, 'etc/machine-id'), '');
  await run('find', [root, '-exec', 'touch', '--no-dereference', '--date=@0', '{}', '+'], tool);
}
