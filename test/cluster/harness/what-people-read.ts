/** What `npm run cluster` says of a cluster that is up or was taken down. */
import type { ClusterFolder, Keeper } from './cluster-folder.ts';
import type { TakenDown } from './take-down.ts';

export type Wanted = {
  readonly network: string | undefined;
  readonly withTandem: boolean;
  /** Folder of the clone that asks. */
  readonly clone: string;
};

type Up = {
  /** `10-64` */
  readonly id: string;
  readonly keeper: Pick<Keeper, 'clone' | 'since' | 'hasTandem'>;
};

/** Of a cluster that is up already: whose it is, and what of it is not as it was asked for now. */
export function alreadyUp({ id, keeper }: Up, { network, withTandem, clone }: Wanted): string {
  const { since, hasTandem } = keeper;
  const range = `${id.replace('-', '.')}.0.0/16`;
  const from = since === undefined ? '' : `, since ${new Date(since).toTimeString().slice(0, 5)}`;
  const lines = [`A cluster is up already${from}${startedIn(keeper)}.`];
  if (keeper.clone !== undefined && keeper.clone !== clone)
    lines.push('Its images are made of the sources there, not of those here.');
  if (hasTandem === false && withTandem) lines.push('It was started without Tandem.');
  if (network !== undefined && network !== range)
    lines.push(`Its addresses are in ${range}; --network=${network} is for a new one.`);
  lines.push('For a new cluster, of the sources as they are now, take this one down first.');
  return lines.join('\n');
}

export type NextSteps = {
  readonly kubeconfig: string;
  /** Folders of kubectl and helm. */
  readonly folders: readonly string[];
  readonly hasTandem: boolean;
  readonly installCommands: readonly string[];
  readonly nextCommands: readonly string[];
};

/** How to use a cluster, and what is in it. */
export function howToGoOn(steps: NextSteps): string {
  const { kubeconfig, folders, hasTandem, installCommands, nextCommands } = steps;
  const indented = (lines: readonly string[]): string => lines.map((line) => `  ${line}`).join('\n');
  const install = hasTandem ? '' : `\nInstall Tandem:\n${indented(installCommands)}\n`;
  return `
Use it from here:
  export KUBECONFIG=${kubeconfig} PATH=${['$PATH', ...folders].join(':')}
${install}
Try:
${indented(hasTandem ? nextCommands : ['kubectl get nodes,pods --all-namespaces', ...nextCommands])}

Its nodes reach no registry. They have the images of the examples, and some of these are
stand-ins: CONTRIBUTING.md, "The images of the cluster".

Take it down:
  npm run cluster -- down`;
}

export function takenDown({ ended, left }: TakenDown): string {
  const named = (clusters: readonly ClusterFolder[]): string =>
    clusters.map(({ path, keeper }) => `${path}${startedIn(keeper ?? {})}`).join('; ');
  const lines = [ended.length === 0 ? 'No cluster was taken down.' : `Taken down: ${named(ended)}`];
  if (left.length > 0)
    lines.push(`Not taken down, because a command that is still going owns them: ${named(left)}`);
  else if (ended.length === 0) return 'No cluster was up.';
  return lines.join('\n');
}

function startedIn({ clone }: Pick<Keeper, 'clone'>): string {
  return clone === undefined ? '' : `, started in ${clone}`;
}
