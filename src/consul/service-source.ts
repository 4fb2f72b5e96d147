/** Consul's services as the loop to Kubernetes needs them: one blocking query for the list, and a pool for their instances. */
import type { ConsulInstance, ConsulList } from '../catalog/to-kubernetes/consul-service.ts';
import type { HealthRule } from '../catalog/to-kubernetes/to-k8s-settings.ts';
import type { ServiceEvents, ServiceSource } from '../controllers/to-k8s-ports.ts';
import { TandemError } from '../support/errors.ts';
import { requireWhole, type Answer } from './answer.ts';
import type { AskedRight } from './authorize.ts';
import { checkSignals, type CheckNews, type CheckSignals } from './check-signals.ts';
import type { ConsulCalls } from './client.ts';
import { follow } from './follow.ts';
import { createHealthPool, type HealthPool } from './health-pool.ts';
import { readServiceHealth, readServices, type ReadOptions, type ServiceHealth } from './read.ts';
import { rightsToAll, rightToRead, type RightsToAll } from './rights-to-all.ts';

type ServiceSourceOptions = {
  readonly client: ConsulCalls;
  /** As of the client. */
  readonly isAnonymous: boolean;
  /** An instance with this key in its meta was registered by this cluster. */
  readonly owner: { readonly meta: string; readonly value: string };
  /** An expression of Consul's filter language over the fields of `/v1/catalog/service`; empty: none. */
  readonly filter: string;
  /** Which instances are healthy. */
  readonly healthRule: HealthRule;
  /** Services whose instances are wanted. */
  readonly wanted: (list: ConsulList) => readonly string[];
  readonly random?: () => number;
};

// Proxies and gateways have a kind (Consul, "Service Definition", `kind`).
const PLAIN = 'ServiceKind == ""';
const NEEDED_RULES = 'node_prefix "" { policy = "read" } and service_prefix "" { policy = "read" }';

const LIST = 'the list of services';
const instancesOf = (name: string): string => `the instances of ${JSON.stringify(name)}`;

export function serviceSource(options: ServiceSourceOptions): ServiceSource {
  const { client, isAnonymous, healthRule, wanted, random = Math.random } = options;
  let ending: AbortSignal | undefined;
  const showsAll = isAnonymous ? rightsToAll(client, () => ending) : () => Promise.resolve(true);
  const asked = { ...options, showsAll };
  const readPlain = (query: ReadOptions) => readServices(client, { ...query, filter: PLAIN });
  const missing = (services: Names): readonly AskedRight[] =>
    [...(list?.services.keys() ?? [])].flatMap((name) =>
      Object.hasOwn(services, name) ? [] : [rightToRead('service', name), ...missingNodes(pool?.get(name))],
    );
  let list: ConsulList | undefined;
  let pool: HealthPool<Known> | undefined;
  let signals: CheckSignals | undefined;

  async function take(
    answer: Answer<Names>,
    running: HealthPool<Known>,
    events: ServiceEvents,
    signal: AbortSignal,
  ): Promise<void> {
    const gone = missing(answer.value);
    list = await wholeList(asked, answer, list === undefined || gone.length > 0 ? gone : undefined, {
      signal,
    });
    const names = wanted(list);
    if (names.length > running.slots) {
      signals?.listChanged();
      signals ??= checkSignals({
        client,
        healthRule,
        onNews: (news, until) => readChanged(running, news, until),
        onFailure: events.failed,
        random,
      });
    } else {
      await signals?.stop();
      signals = undefined;
    }
    running.follow(names);
    events.changed();
  }

  return {
    list: () => list,
    health: (name) => pool?.get(name)?.instances,
    run: async (events, signal) => {
      ending = signal;
      const running: HealthPool<Known> = createHealthPool({
        read: async (name, query) => {
          const answer = await readInstances(client, name, healthRule, query);
          const known = running.get(name);
          const gone = missingNodes(known, answer.value);
          if (known === undefined || gone.length > 0) await requireAll(showsAll, gone, instancesOf(name));
          return answer;
        },
        onChange: events.changed,
        onFailure: events.failed,
        random,
      });
      pool = running;
      await follow(readPlain, {
        signal,
        random,
        onFailure: events.failed,
        onAnswer: (answer) => take(answer, running, events, signal),
      });
      await Promise.all([signals?.stop(), running.stop()]);
    },
    refresh: async (signal) => {
      const query: ReadOptions = { signal, consistency: 'consistent' };
      const answer = await readPlain(query);
      list = await wholeList(asked, answer, missing(answer.value), query);
      pool?.follow(wanted(list));
      await pool?.refresh(signal);
    },
  };
}

type Names = Readonly<Record<string, readonly string[]>>;

type Known = {
  /** Of the answer. */
  readonly index: number;
  readonly instances: readonly ConsulInstance[];
  readonly nodes: readonly string[];
  /** There are instances, and each has a check of its own, which shows when it comes and goes. */
  readonly isChecked: boolean;
};

async function readChanged(pool: HealthPool<Known>, news: CheckNews, signal: AbortSignal): Promise<void> {
  await pool.refresh(signal, (name, known) => isConcerned(name, known, news));
  // What no check shows: another address or port under the same id.
  if (news.kind === 'instances') pool.suspect();
}

function isConcerned(name: string, known: Known | undefined, news: CheckNews): boolean {
  // A service that was never read has its first turn soon.
  if (news.kind === 'began') return known !== undefined;
  const changed = news.services.get(name);
  // At this very index its turn has seen the same; an older index may be from before a snapshot was restored.
  if (changed !== undefined && changed !== known?.index) return true;
  if (known === undefined) return false;
  return (news.kind === 'instances' && !known.isChecked) || known.nodes.some((node) => news.nodes.has(node));
}

/**
 * @param missing what was there before; undefined: no reason to doubt that it is the whole
 * @throws TandemError TANDEM_CONSUL_FORBIDDEN or TANDEM_CONSUL_ANSWER_INVALID when it is not the whole
 */
async function wholeList(
  { client, showsAll, owner, filter }: ServiceSourceOptions & { readonly showsAll: RightsToAll },
  plain: Answer<Names>,
  missing: readonly AskedRight[] | undefined,
  options: ReadOptions,
): Promise<ConsulList> {
  const read = async (expression: string): Promise<ReadonlySet<string>> => {
    const answer = await readServices(client, { ...options, filter: expression });
    return new Set(Object.keys(whole(answer, LIST)));
  };
  const services = new Map(Object.entries(whole(plain, LIST)));
  // Consul lists itself, so an empty answer is not a list, whoever gave it.
  if (services.size === 0)
    throw new TandemError(
      'TANDEM_CONSUL_ANSWER_INVALID',
      'Consul returned an empty list of services; nothing is changed',
    );
  if (missing !== undefined) await requireAll(showsAll, missing, LIST);
  const [own, filtered] = await Promise.all([
    read(`ServiceMeta[${JSON.stringify(owner.meta)}] == ${JSON.stringify(owner.value)}`),
    filter === '' ? undefined : read(`${PLAIN} and (${filter})`),
  ]);
  return { services, own, filtered };
}

/** Consul hides instances by their node: of what is hidden and was not before, the node is missing. */
function missingNodes(before: Known | undefined, now?: Known): readonly AskedRight[] {
  const nodes = new Set(now?.nodes);
  return (before?.nodes ?? []).filter((node) => !nodes.has(node)).map((node) => rightToRead('node', node));
}

async function requireAll(
  showsAll: RightsToAll,
  missing: readonly AskedRight[],
  what: string,
): Promise<void> {
  whole({ value: undefined, filteredByAcls: !(await showsAll(missing)) }, what);
}

async function readInstances(
  client: ConsulCalls,
  name: string,
  healthRule: HealthRule,
  options: ReadOptions,
): Promise<Answer<Known>> {
  const answer = await readServiceHealth(client, name, options);
  const all = whole(answer, instancesOf(name));
  const entries = all.filter(({ service }) => service.Kind === '');
  const value = {
    index: answer.index,
    instances: entries.map((entry) => instanceOf(entry, healthRule)),
    nodes: [...new Set(entries.map(({ node }) => node.Node))],
    isChecked: entries.length > 0 && entries.every(hasOwnCheck),
  };
  return { ...answer, value };
}

function hasOwnCheck({ checks }: ServiceHealth): boolean {
  return checks.some(({ ServiceID }) => ServiceID !== '');
}

function instanceOf({ node, service, checks, zone }: ServiceHealth, rule: HealthRule): ConsulInstance {
  return {
    address: service.Address || node.Address,
    port: service.Port,
    zone,
    // Maintenance mode is a critical check (Consul, "Enable Maintenance Mode").
    isHealthy: checks.every(({ Status }) =>
      rule === 'passing' ? Status === 'passing' : Status !== 'critical',
    ),
  };
}

function whole<T>(answer: Pick<Answer<T>, 'value' | 'filteredByAcls'>, what: string): T {
  requireWhole([answer], `of ${what}`, NEEDED_RULES);
  return answer.value;
}
