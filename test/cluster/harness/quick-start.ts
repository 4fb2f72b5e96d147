/** The quick start of the README: its commands as they stand there, by a shell at the root of the clone. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEFAULT_IMAGE, type Cluster } from './cluster.ts';
import { commandsUnder } from './documented.ts';
import { makeNamespace, PRIVILEGED } from './namespaces.ts';
import { clear, RELEASE, released, type Release } from './release.ts';

export type QuickStart = {
  readonly release: Release;
  /** Commands after the installation, in their order. */
  readonly next: readonly string[];
  /** Runs a command with this namespace as that of kubectl. */
  readonly shell: (line: string) => Promise<string>;
  /** Variables with which kubectl works in this namespace. */
  readonly environment: Readonly<Record<string, string>>;
};

/** @param mode which block of commands: the first is agent mode */
export async function quickStart(
  cluster: Cluster,
  namespace: string,
  mode: 'agent' | 'dataplane',
): Promise<QuickStart> {
  const commands = commandsUnder('In a cluster')[mode === 'agent' ? 0 : 1] ?? [];
  const index = commands.findIndex((line) => line.startsWith('helm install '));
  const install = commands[index];
  if (install === undefined) throw new Error('this block of the README has no `helm install`');
  const environment = { ...cluster.environment, KUBECONFIG: await kubeconfigFor(cluster, namespace) };
  const shell = (line: string): Promise<string> => cluster.shell(line, environment);
  await clear(cluster);
  // The second block goes on from the namespace of the first.
  if (mode === 'dataplane') await makeNamespace(cluster, RELEASE, PRIVILEGED);
  for (const line of commands.slice(0, index)) await shell(line);
  const image = cluster.image === DEFAULT_IMAGE ? '' : ` --set global.imageTandem=${cluster.image}`;
  const release = await released(cluster, () => shell(install + image));
  return { release, next: commands.slice(index + 1), shell, environment };
}

async function kubeconfigFor(cluster: Cluster, namespace: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'tandem-kubeconfig-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'kubeconfig');
  const text = await cluster.kubectl(['config', 'view', '--raw', '--flatten', '--minify']);
  writeFileSync(file, text, { mode: 0o600 });
  await cluster.kubectl([
    `--kubeconfig=${file}`,
    'config',
    'set-context',
    '--current',
    `--namespace=${namespace}`,
  ]);
  return file;
}
