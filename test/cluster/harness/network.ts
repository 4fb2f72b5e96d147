/** The network of a cluster as this machine sees it: one link to the switch, and routes to pods and Services over it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { startProcess } from '../../real/harness/processes.ts';
import type { AddressPlan, Route } from './address-plan.ts';
import { command } from './command.ts';
import { SWITCH_SCRIPT } from './node-scripts.ts';

export type Network = {
  /** Process in whose network namespace the bridge is. */
  readonly switchPid: number;
  /** This machine reaches Services through that node, as if its kube-proxy ran here. */
  readonly routeServices: (address: string) => Promise<void>;
};

/** At most 15 characters, as a name of a link has. */
export function linkName(id: string): string {
  return `tandem-${id}`;
}

export async function machineRoutes(): Promise<readonly Route[]> {
  const output = await command('ip', ['-json', '-4', 'route', 'show', 'table', 'all']);
  const routes = JSON.parse(output) as readonly { readonly dst?: string; readonly dev?: string }[];
  return routes.map(({ dst = '', dev = '' }) => ({ destination: dst, device: dev }));
}

/**
 * Rejects when there is a link of that name already.
 *
 * @param atEnd gets what takes it back
 */
export async function startNetwork(
  plan: AddressPlan,
  atEnd: (end: () => Promise<void>) => void,
): Promise<Network> {
  const link = linkName(plan.id);
  const holder = await startProcess({
    name: 'the switch of the cluster',
    command: 'unshare',
    args: ['--net', 'sh', '-c', SWITCH_SCRIPT],
    environment: { LINK: link, KEEPER: String(process.pid) },
    ready: async (log) => log.includes('joined'),
  });
  atEnd(async () => {
    await holder.stop('SIGKILL');
    await removeLink(plan.id);
  });
  await command('ip', ['address', 'add', `${plan.host}/24`, 'dev', link]);
  await command('ip', ['link', 'set', link, 'up']);
  for (const { address, pods } of plan.nodes) await command('ip', ['route', 'add', pods, 'via', address]);
  return {
    switchPid: holder.pid,
    routeServices: async (address) => {
      await command('ip', ['route', 'replace', plan.services, 'via', address]);
    },
  };
}

/** Undefined when there is none. A link that is made anew under the same name has another one. */
export async function linkIndex(id: string): Promise<number | undefined> {
  const output = await command('ip', ['-json', 'link', 'show', linkName(id)]).catch(() => '[]');
  return (JSON.parse(output) as readonly { readonly ifindex: number }[])[0]?.ifindex;
}

/** Routes go with it. The kernel takes a moment to remove it by itself, once the switch has ended. */
export async function removeLink(id: string): Promise<void> {
  for (let tries = 0; tries < 100; tries += 1) {
    await command('ip', ['link', 'delete', linkName(id)]).catch(() => undefined);
    if ((await linkIndex(id)) === undefined) return;
    await sleep(50);
  }
  throw new Error(`the link ${linkName(id)} cannot be removed`);
}
