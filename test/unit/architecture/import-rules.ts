/** The rules of docs/architecture.md about who may import whom, as a pure check of sources. */

export type SourceFile = {
  /** Relative to src, with `/`. */
  readonly path: string;
  readonly text: string;
};

export type Import = { readonly specifier: string; readonly isTypeOnly: boolean };

const EDGES = ['webhook', 'kubernetes', 'consul', 'certificates', 'telemetry', 'embedded'];
const PURE = ['admission', 'inject', 'catalog', 'config', 'discovery', 'check', 'status-page', 'support'];
// Text that a browser runs; what it asks of the clock is the browser's.
const BROWSER_SCRIPT = 'status-page/script.ts';
// Computation, not I/O.
const PURE_NODE = ['node:util', 'node:crypto'];

/** Package → the only folder that may import it by value. */
const OWNERS: ReadonlyMap<string, string> = new Map([
  ['fastify', 'webhook'],
  ['selfsigned', 'certificates'],
  ['pino', 'telemetry'],
  ['prom-client', 'telemetry'],
  ['@kubernetes/client-node', 'kubernetes'],
  ['undici', 'consul'],
  ['dns-packet', 'embedded'],
]);

/** Globals by which a pure file would reach the process, the clock or a terminal. */
const IMPURE =
  /\b(?:process\.|Date\.now|new Date\(\)|performance\.|console\.|setTimeout|setInterval|Math\.random|fetch\()/;

/** Every import of a file: static, re-exporting, and dynamic. */
export function importsOf(text: string): Import[] {
  const code = withoutComments(text);
  const pattern =
    /\b(?:import|export)\s+(type\s)?[^'";]*?\bfrom\s*'([^']+)'|\bimport\s*'([^']+)'|\bimport\(\s*'([^']+)'\s*\)/g;
  return [...code.matchAll(pattern)].map(([, type, from, bare, dynamic]) => ({
    specifier: from ?? bare ?? dynamic ?? '',
    isTypeOnly: type !== undefined,
  }));
}

/** A sentence for each broken rule; empty when all hold. */
export function violations(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) => [
    ...violationsOfImports(file),
    ...violationsOfPurity(file),
    ...violationsOfName(file),
  ]);
}

/** How many imports the check has looked at: a check that sees nothing passes in silence. */
export function countImports(files: readonly SourceFile[]): number {
  return files.reduce((count, { text }) => count + importsOf(text).length, 0);
}

function violationsOfImports(file: SourceFile): string[] {
  const folder = folderOf(file.path);
  return importsOf(file.text).flatMap((found) => {
    const rule = found.specifier.startsWith('.')
      ? brokenByFolder(file.path, folder, found)
      : brokenByPackage(folder, found);
    return rule === undefined ? [] : [`${file.path} imports ${found.specifier}: ${rule}`];
  });
}

function brokenByFolder(path: string, folder: string, { specifier, isTypeOnly }: Import): string | undefined {
  const target = resolve(path, specifier);
  const to = folderOf(target);
  if (target === 'main.ts') return 'nothing imports main.ts';
  if (to === 'cli' && folder !== 'cli' && folder !== '' && folder !== 'docs')
    return 'only main and docs import cli';
  if (to === folder) return undefined;
  if (EDGES.includes(folder) && EDGES.includes(to)) return 'an edge imports another edge';
  if (PURE.includes(folder) && EDGES.includes(to)) return 'a pure folder imports an edge';
  if (folder === 'support') return 'nothing is below support';
  if (folder === 'inject' && to === 'admission' && !isTypeOnly) return 'the engine does not know the webhook';
  return undefined;
}

function brokenByPackage(folder: string, { specifier, isTypeOnly }: Import): string | undefined {
  const owner = OWNERS.get(specifier);
  if (owner !== undefined && owner !== folder && !isTypeOnly) return `only ${owner} imports it by value`;
  if (PURE.includes(folder) && specifier.startsWith('node:') && !PURE_NODE.includes(specifier))
    return 'I/O in a pure folder';
  return undefined;
}

function violationsOfPurity(file: SourceFile): string[] {
  if (!PURE.includes(folderOf(file.path)) || file.path === BROWSER_SCRIPT) return [];
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
  return path.includes('/') ? (path.split('/')[0] ?? '') : '';
}

function resolve(from: string, specifier: string): string {
  const parts = from.split('/').slice(0, -1);
  for (const part of specifier.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '.') parts.push(part);
  }
  return parts.join('/');
}

// Strings stay: an import's specifier is one, and a comment sign inside of one is rare enough to show up as a false alarm.
function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[^]*?\*\//g, '').replaceAll(/(^|\s)\/\/.*$/gm, '$1');
}
