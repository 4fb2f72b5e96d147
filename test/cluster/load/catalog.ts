/** What is in Consul, seen by whichever of its servers answers, and whether something goes from it meanwhile. */
import { setTimeout as delay } from 'node:timers/promises';
import { at } from '../../real/harness/chart.ts';
import type { ApiClient } from '../../real/harness/api-client.ts';
import { meanwhile } from './meanwhile.ts';

/** The answer of Consul. Rejects when none of its servers has one. @param method GET unless told */
export type Ask = (path: string, method?: string) => Promise<unknown>;

export type Instance = {
  readonly id: string;
  readonly address: string;
  readonly passing: boolean;
};

export type CatalogOutcome = {
  /** How often the catalog was read. */
  readonly reads: number;
  /** Instances that were not there, each with the seconds from the begin in which they were not. */
  readonly missing: readonly string[];
};

// A server on a node that is gone does not answer, and nobody refuses for it.
const SILENCE_MILLISECONDS = 2000;
const POLL_MILLISECONDS = 400;

/** Through the API server, which reaches the pods of every cluster. @param servers how many Consul servers the chart has */
export function consulServers(api: ApiClient, servers: number): Ask {
  let current = 0;
  const askOne = async (path: string, method: string): Promise<unknown> => {
    const proxy = `/api/v1/namespaces/tandem/pods/tandem-server-${current}:8500/proxy${path}`;
    const answer = await Promise.race([api.request(method, proxy), delay(SILENCE_MILLISECONDS)]);
    if (answer?.status === 200) return answer.body;
    throw new Error(`tandem-server-${current}: ${JSON.stringify(answer ?? 'silent')}`);
  };
  return async (path, method = 'GET') => {
    const problems: string[] = [];
    for (let tried = 0; tried < servers; tried += 1) {
      try {
        return await askOne(path, method);
      } catch (error) {
        problems.push(String(error));
        current = (current + 1) % servers;
      }
    }
    throw new Error(`no server of Consul answers to ${method} ${path}: ${problems.join('; ')}`);
  };
}

export async function instancesOf(ask: Ask, service: string): Promise<readonly Instance[]> {
  const found = (await ask(`/v1/health/service/${service}`)) as readonly object[];
  return found.map((entry) => ({
    id: String(at(entry, 'Service', 'ID')),
    address: String(at(entry, 'Service', 'Address')),
    passing: (at(entry, 'Checks') as readonly object[]).every((check) => at(check, 'Status') === 'passing'),
  }));
}

/** Ids by service, as `catalogDuring` wants them: of the instances for which the test holds. */
export async function instanceIds(
  ask: Ask,
  services: readonly string[],
  isWanted: (instance: Instance) => boolean = () => true,
): Promise<Readonly<Record<string, readonly string[]>>> {
  const entries = services.map(async (service) => {
    const found = (await instancesOf(ask, service)).filter(isWanted);
    return [service, found.map(({ id }) => id)] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

/** Reads the catalog about twice a second while the action lasts. A read that fails says nothing. */
export async function catalogDuring(
  ask: Ask,
  wanted: Readonly<Record<string, readonly string[]>>,
  action: () => Promise<unknown>,
): Promise<CatalogOutcome> {
  const begin = performance.now();
  const seconds = (): string => ((performance.now() - begin) / 1000).toFixed(1);
  /** Since when. */
  const gone = new Map<string, string>();
  const missing: string[] = [];
  let reads = 0;
  const readOnce = async (service: string, ids: readonly string[]): Promise<void> => {
    const found = new Set((await instancesOf(ask, service)).map(({ id }) => id));
    reads += 1;
    for (const id of ids) {
      const since = gone.get(id);
      if (!found.has(id)) gone.set(id, since ?? seconds());
      else if (since !== undefined) {
        missing.push(`${id} from ${since} s to ${seconds()} s`);
        gone.delete(id);
      }
    }
  };
  const readAll = async (): Promise<void> => {
    for (const [service, ids] of Object.entries(wanted)) await readOnce(service, ids).catch(() => undefined);
  };
  await meanwhile(readAll, POLL_MILLISECONDS, action);
  for (const [id, since] of gone) missing.push(`${id} from ${since} s to the end`);
  return { reads, missing };
}
