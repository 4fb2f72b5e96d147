/** The rules of docs/architecture.md about who may import whom, as a pure check of sources. */
import { builtinModules } from 'node:module';
import packageJson from '../../../package.json' with { type: 'json' };
import { folderRules, packageOwners, PURE_NODE, type FolderRule } from './folder-rules.ts';

export type SourceFile = {
  /** Relative to src, with `/`; of dev, which lies beside it, relative to the root. */
  readonly path: string;
  readonly text: string;
};

export type Import = {
  readonly specifier: string;
  readonly isTypeOnly: boolean;
  readonly isDynamic: boolean;
};

/** Text that a browser runs; what it asks of the clock is the browser's. */
const BROWSER_SCRIPT = 'status-page/browser/page-script.ts';

/** Globals by which a pure file would reach the process, the clock, a terminal or the network. */
const IMPURE =
  /\b(?:process\.|Date\.now|new Date\(\)|performance\.|console\.|setTimeout|setInterval|setImmediate\(|Math\.random|fetch\()/;

/** Every import of a file: static, re-exporting, and dynamic. */
export function importsOf(text: string): Import[] {
  const code = withoutComments(text);
  const pattern =
    /\b(?:import|export)\s+(type\s)?[^'";]*?\bfrom\s*'([^']+)'|\bimport\s*'([^']+)'|\bimport\(\s*'([^']+)'\s*\)/g;
  return [...code.matchAll(pattern)].map(([, type, from, bare, dynamic]) => ({
    specifier: from ?? bare ?? dynamic ?? '',
    isTypeOnly: type !== undefined,
    isDynamic: dynamic !== undefined,
  }));
}

/** A sentence for each broken rule; empty when all hold. */
export function violations(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) => {
    const folder = folderOf(file.path);
    const rule = folderRules[folder];
    if (rule === undefined) return [`${file.path}: the folder ${folder} has no row in the table of folders`];
    return [
      ...violationsOfImports(file, folder, rule),
      ...(rule.isPure ? violationsOfPurity(file) : []),
      ...violationsOfName(file),
    ];
  });
}

/** `folder → folder` for every import of another folder. */
export function arrows(files: readonly SourceFile[]): ReadonlySet<string> {
  return new Set(
    files.flatMap(({ path, text }) =>
      localImports(path, text).map((target) => `${folderOf(path)} → ${folderOf(target)}`),
    ),
  );
}

/** How many imports the check has looked at: a check that sees nothing passes in silence. */
export function countImports(files: readonly SourceFile[]): number {
  return files.reduce((count, { text }) => count + importsOf(text).length, 0);
}

/** Files that import each other in a circle, be it for types alone; each circle as its files. */
export function circles(files: readonly SourceFile[]): string[][] {
  const targets = new Map(files.map(({ path, text }) => [path, localImports(path, text)]));
  return [...targets.keys()]
    .map((path) => pathBack(path, targets))
    .filter((circle) => circle !== undefined)
    .filter((circle) => circle.every((path) => path >= (circle[0] ?? '')));
}

/** What a file loads before its first line runs: static imports by value, of files and of packages. */
export function loadedBy(entry: string, files: readonly SourceFile[]): ReadonlySet<string> {
  const texts = new Map(files.map(({ path, text }) => [path, text]));
  const loaded = new Set<string>([entry]);
  for (const path of loaded) {
    for (const found of importsOf(texts.get(path) ?? ''))
      if (!found.isTypeOnly && !found.isDynamic)
        loaded.add(found.specifier.startsWith('.') ? resolve(path, found.specifier) : found.specifier);
  }
  return loaded;
}

function violationsOfImports(file: SourceFile, folder: string, rule: FolderRule): string[] {
  return importsOf(file.text).flatMap((found) => {
    const broken = found.specifier.startsWith('.')
      ? brokenByFolder(folder, rule, resolve(file.path, found.specifier))
      : brokenByPackage(folder, rule, found);
    return broken === undefined ? [] : [`${file.path} imports ${found.specifier}: ${broken}`];
  });
}

function brokenByFolder(folder: string, rule: FolderRule, target: string): string | undefined {
  if (target === 'main.ts') return 'nothing imports main.ts';
  const to = folderOf(target);
  if (to === folder || rule.imports.includes(to)) return undefined;
  return `${folder} may not import ${to}`;
}

function brokenByPackage(
  folder: string,
  rule: FolderRule,
  { specifier, isTypeOnly }: Import,
): string | undefined {
  const owner = packageOwners.get(specifier);
  if (owner !== undefined && owner !== folder && !isTypeOnly) return `only ${owner} imports it by value`;
  if (rule.isPure && specifier.startsWith('node:') && !isTypeOnly && !pureNode(rule).includes(specifier))
    return 'I/O in a pure folder';
  return isKnown(specifier) ? undefined : 'no dependency of the program';
}

/** Part of Node, a dependency, or a part of one; `#` is of the program itself. */
function isKnown(specifier: string): boolean {
  const names = [...Object.keys(packageJson.dependencies), ...builtinModules.map((name) => `node:${name}`)];
  return specifier.startsWith('#') || names.some((name) => `${specifier}/`.startsWith(`${name}/`));
}

function pureNode(rule: FolderRule): readonly string[] {
  return [...PURE_NODE, ...(rule.alsoNode ?? [])];
}

function violationsOfPurity(file: SourceFile): string[] {
  if (file.path === BROWSER_SCRIPT) return [];
  const used = IMPURE.exec(withoutComments(file.text));
  return used === null
    ? []
    : [`${file.path} uses ${used[0]}: a pure folder has no process, clock, or terminal`];
}

function violationsOfName({ path }: SourceFile): string[] {
  const isVague = /(?:^|\/)(?:utils?|helpers?|common|misc|types)(?:\.ts|\/)/.test(path);
  return isVague ? [`${path}: a file is one concept and is named for it`] : [];
}

function folderOf(path: string): string {
  return path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '.';
}

function localImports(path: string, text: string): string[] {
  return importsOf(text)
    .filter(({ specifier }) => specifier.startsWith('.'))
    .map(({ specifier }) => resolve(path, specifier));
}

function pathBack(start: string, targets: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const paths: string[][] = [[start]];
  const seen = new Set<string>();
  for (const path of paths) {
    for (const next of targets.get(path.at(-1) ?? '') ?? []) {
      if (next === start) return path;
      if (!seen.has(next)) paths.push([...path, next]);
      seen.add(next);
    }
  }
  return undefined;
}

function resolve(from: string, specifier: string): string {
  const parts = from.split('/').slice(0, -1);
  for (const part of specifier.split('/')) {
    if (part === '..' && parts.length > 0 && parts.at(-1) !== '..') parts.pop();
    else if (part !== '.') parts.push(part);
  }
  return parts.join('/').replace(/^(?:\.\.|src)\//, '');
}

// Strings stay: an import's specifier is one, and a comment sign inside of one is rare enough to show up as a false alarm.
function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[^]*?\*\//g, '').replaceAll(/(^|\s)\/\/.*$/gm, '$1');
}
