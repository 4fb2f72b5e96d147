/** Where the binary of each real part lies, and what to do when one is missing. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, isAbsolute, join } from 'node:path';
import { partTable, type Part, type PartName } from './part-table.ts';

const INSTALLER = join(import.meta.dirname, 'install.ts');

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The folder that keeps the parts between runs. A relative `XDG_CACHE_HOME` counts as none (XDG Base Directory
 * Specification, "All paths set in these environment variables must be absolute").
 */
export function cacheRoot(environment: Environment, home: string): string {
  const cache = environment['XDG_CACHE_HOME'] ?? '';
  return join(isAbsolute(cache) ? cache : join(home, '.cache'), 'tandem-real');
}

/** The folder of one part; it is there only when the part is whole. */
export function partFolder(root: string, part: Part): string {
  return join(root, `${part.name}-${part.version}`);
}

/** The part of that name; the type of `name` leaves no other outcome. */
export function partNamed(name: PartName): Part {
  const part = partTable.find((candidate) => candidate.name === name);
  if (part === undefined) throw new Error(`no part is called ${name}`);
  return part;
}

/** The path of the binary of a part (of a root file system: the folder), or undefined when it is not installed. */
export function findPart(part: Part, environment: Environment, home: string): string | undefined {
  const cached = join(partFolder(cacheRoot(environment, home), part), part.name);
  if (part.source.kind === 'debootstrap') return isFolder(cached) ? cached : undefined;
  const candidates = part.fromMachine ? [...onMachine(part, environment), cached] : [cached];
  return candidates.find(isProgram);
}

function onMachine({ name, source }: Part, environment: Environment): readonly string[] {
  if (source.kind === 'debian' && source.path !== undefined) return [source.path];
  // Debian puts servers where the PATH of an unprivileged user does not look.
  const folders = [...(environment['PATH'] ?? '').split(delimiter).filter(isAbsolute), '/usr/sbin'];
  return folders.map((folder) => join(folder, name));
}

/** What a person reads when parts are missing: which, and the command that brings them. */
export function missingPartsMessage(names: readonly string[]): string {
  const which = names.length === 1 ? `The part ${names[0]} is` : `The parts ${names.join(', ')} are`;
  return `${which} not installed. Run: npm run real:install -- ${names.join(' ')}`;
}

/** The path of the binary of a part, or of its folder. Throws, with the command that brings it, when it is not installed. */
export function partPath(name: PartName): string {
  const path = findPart(partNamed(name), process.env, homedir());
  if (path === undefined) throw new Error(missingPartsMessage([name]));
  return path;
}

/**
 * Makes sure that the parts are installed: with `CI=true` installs what is missing, else throws with the command
 * that does. The first installation takes minutes.
 */
export async function ensureParts(names: readonly PartName[]): Promise<void> {
  if (process.env['CI'] === 'true' && missingOf(names).length > 0) {
    // Its output goes to our standard error: in a test file, standard output belongs to the test runner.
    const installer = spawn(process.execPath, [INSTALLER, ...missingOf(names)], { stdio: ['ignore', 2, 2] });
    await once(installer, 'close');
  }
  const missing = missingOf(names);
  if (missing.length > 0) throw new Error(missingPartsMessage(missing));
}

function missingOf(names: readonly PartName[]): readonly PartName[] {
  return names.filter((name) => findPart(partNamed(name), process.env, homedir()) === undefined);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
