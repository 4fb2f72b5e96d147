/** The chart through the real helm: rendered objects, or what helm says against the values. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parseDocument } from 'yaml';
import { property } from '../../../src/support/json.ts';
import { partPath } from '../parts.ts';
import type { KubernetesObject } from './api-client.ts';
import { childEnvironment } from './child-environment.ts';

export const CHART = join(import.meta.dirname, '../../../deploy/charts/tandem');

export type Rendered = {
  /** As `kubectl apply -f` takes it. */
  readonly text: string;
  readonly objects: readonly KubernetesObject[];
  /** The only object of that kind with that name. */
  readonly one: (kind: string, name: string) => KubernetesObject;
  readonly has: (kind: string, name: string) => boolean;
};

/** For helm where CRDs add nothing: they are the same for all values, and a third of the work. */
export const WITHOUT_CRDS = '--set=configEntries.installCRDs=false';

/** Objects between braces and lists; throws when nothing is at the path. */
export function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  return path.reduce(
    (found: unknown, key) => (Array.isArray(found) ? found[Number(key)] : property(found, String(key))),
    value,
  );
}

/** Runs helm where it reads and writes nothing of the user. Rejects with `stderr` when it ends non-zero. */
export async function runHelm(args: readonly string[]): Promise<string> {
  const home = mkdtempSync(join(tmpdir(), 'tandem-helm-'));
  try {
    const { stdout } = await promisify(execFile)(partPath('helm'), args, {
      env: childEnvironment({ HOME: home }),
      maxBuffer: 16 * 1024 * 1024,
    });
    return stdout;
  } finally {
    rmSync(home, { recursive: true });
  }
}

// Many tests look at the same values.
const known = new Map<string, Promise<Rendered>>();

/**
 * Release `tandem` in namespace `tandem` with these values. Rejects with what helm or the chart says against them. The CRDs
 * are in it when the values ask for them, see `WITHOUT_CRDS`.
 */
export async function renderChart(
  values: object = {},
  release: Release = { name: 'tandem', namespace: 'tandem' },
): Promise<Rendered> {
  const key = JSON.stringify([values, release]);
  const rendering = known.get(key) ?? render(values, release);
  known.set(key, rendering);
  // In a promise of this call: node:test takes who awaits the promise of an earlier file for a part of that file.
  return await rendering;
}

type Release = { readonly name: string; readonly namespace: string };

async function render(values: object, release: Release): Promise<Rendered> {
  const folder = mkdtempSync(join(tmpdir(), 'tandem-values-'));
  try {
    const file = join(folder, 'values.yaml');
    writeFileSync(file, JSON.stringify(withoutCrds(values)));
    const args = ['template', release.name, CHART, `--namespace=${release.namespace}`, `--values=${file}`];
    return rendered(await runHelm(args));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The values, without the CRDs unless they ask for them. */
export function withoutCrds(values: object): object {
  const { configEntries = {} } = values as { readonly configEntries?: object | null };
  if (configEntries === null) return values;
  return { ...values, configEntries: { installCRDs: false, ...configEntries } };
}

/** What helm says against the values. Fails when it takes them. */
export async function refusal(values: object): Promise<string> {
  try {
    await renderChart(values);
  } catch (error) {
    return String(property(error, 'stderr'));
  }
  throw new Error(`helm takes ${JSON.stringify(values)}`);
}

function rendered(text: string): Rendered {
  const documents = text.split(/^---\n/m).filter((each) => each.trim() !== '');
  const find = (kind: string, name: string): readonly KubernetesObject[] =>
    documents
      .filter((each) => each.includes(`\nkind: ${kind}\n`))
      .map(objectOf)
      .filter((object) => object.kind === kind && object.metadata.name === name);
  return {
    text,
    get objects() {
      return documents.map(objectOf);
    },
    has: (kind, name) => find(kind, name).length > 0,
    one: (kind, name) => {
      const [object, second] = find(kind, name);
      if (object === undefined || second !== undefined) throw new Error(`not one ${kind} ${name}`);
      return object;
    },
  };
}

// Most are the same for all values, and to parse them takes longer than to render them.
const parsed = new Map<string, KubernetesObject>();

function objectOf(text: string): KubernetesObject {
  const object = parsed.get(text) ?? parse(text);
  parsed.set(text, object);
  return structuredClone(object);
}

/** A key twice, or an indentation that is none, is an error of the chart. */
function parse(text: string): KubernetesObject {
  const document = parseDocument(text);
  const [problem] = document.errors;
  if (problem !== undefined) throw problem;
  return document.toJS() as KubernetesObject;
}
