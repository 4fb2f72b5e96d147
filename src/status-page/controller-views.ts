/** What the page shows of each controller beyond what it shows of every one. A new controller has its entry here. */
import { configEntriesTable } from './config-entries-table.ts';
import { consulServicesTable } from './consul-services-table.ts';
import { count, foreignText, markup, type Markup } from './markup.ts';
import { podsTable } from './pods-table.ts';
import type { Row, Table } from './row.ts';
import { isWaiting, servicesTable } from './services-table.ts';
import type {
  ControllerName,
  ControllerStatus,
  RegistrarStatus,
  StatusOf,
  ToConsulStatus,
  ToK8sStatus,
} from './status.ts';

/** Of a fact. */
export type Value = { readonly text: Markup; readonly isBad?: boolean };

type ControllerView<S> = {
  /** Of its card. */
  readonly title: string;
  /** Of a sentence. */
  readonly subject: string;
  /** Undefined for one that only cleans up. */
  readonly tableId?: string;
  readonly table?: (status: S, isLeader: boolean) => Table;
  /** @param rows of its table */
  readonly facts: (status: S, rows: readonly Row[]) => Readonly<Record<string, Value>>;
};

const views: { readonly [N in ControllerName]: ControllerView<StatusOf<N>> } = {
  'to-consul': {
    title: 'Kubernetes to Consul',
    subject: 'Kubernetes to Consul',
    tableId: 'services',
    table: servicesTable,
    facts: (status, rows) => ({
      Services: rowCounts(rows, 'in Consul', status.rows.filter(isWaiting).length),
      Instances: instances(status),
    }),
  },
  'to-kubernetes': {
    title: 'Consul to Kubernetes',
    subject: 'Consul to Kubernetes',
    tableId: 'from-consul',
    table: consulServicesTable,
    facts: (status, rows) => ({
      Services: rowCounts(rows, 'in Kubernetes'),
      Objects: objects(status),
      'Name conflicts': listed(status.conflicts ?? []),
    }),
  },
  registrar: {
    title: 'Injected pods',
    subject: 'The registrar',
    tableId: 'pods',
    table: podsTable,
    facts: (status, rows) => ({ Pods: rowCounts(rows, 'in Consul'), Instances: onNodes(status) }),
  },
  agents: {
    title: 'Cleanup on agents',
    subject: 'The cleanup on agents',
    facts: () => ({}),
  },
  tokens: {
    title: 'Tokens of deleted pods',
    subject: 'The cleanup of tokens',
    facts: ({ rows }) => ({
      Tokens: rows.length === 0 ? { text: markup`deleted` } : { text: markup`stay`, isBad: true },
    }),
  },
  'config-entries': {
    title: 'Config entries',
    subject: 'The sync of config entries',
    tableId: 'config-entries',
    table: configEntriesTable,
    facts: ({ counts, missing, kept }, rows) => ({
      Objects: rowCounts(rows, 'in Consul'),
      Entries:
        counts === undefined ? NOT_KNOWN : { text: markup`${count(counts['owned'] ?? 0)} of this cluster` },
      'Missing CRDs': listed(missing),
      'Without an object': listed(kept),
    }),
  },
  secure: {
    title: 'Secure Consul',
    subject: 'The loop that keeps Consul secure',
    facts: ({ stage, step, rows }) => {
      const loaded = rows.filter(({ reason }) => reason === 'loaded').length;
      return {
        Stage: { text: markup`${stage}` },
        'Next step': step === undefined ? NOT_KNOWN : { text: foreignText(step) },
        Agents: { text: markup`${count(loaded)} have loaded their Secret` },
        Attention: listed(rows.flatMap(({ problems }) => problems)),
      };
    },
  },
};

export function viewOfController(status: ControllerStatus): ControllerView<ControllerStatus> {
  return views[status.controller] as ControllerView<ControllerStatus>;
}

/** @param waiting how many of those in sync have nothing there yet, or nothing new */
function rowCounts(rows: readonly Row[], where: string, waiting = 0): Value {
  const having = (state: Row['states'][number]): number =>
    rows.filter(({ states }) => states.includes(state)).length;
  const problems = having('problem');
  return {
    text: markup`${count(having('in') - waiting)} ${where}, ${waiting === 0 ? undefined : markup`${count(waiting)} waiting, `}${count(having('out'))} left out, ${count(problems)} with problems`,
    isBad: problems > 0,
  };
}

const NOT_KNOWN: Value = { text: markup`not known yet` };

function listed(texts: readonly string[]): Value {
  if (texts.length === 0) return { text: markup`none` };
  return { text: foreignText(texts.join('; ')), isBad: true };
}

function instances({ counts }: ToConsulStatus): Value {
  if (counts === undefined) return NOT_KNOWN;
  const { owned = 0, desired = 0, foreign = 0 } = counts;
  return {
    text: markup`${count(owned)} of ${count(desired)} desired in Consul; ${count(foreign)} of other owners on the node`,
  };
}

function onNodes({ counts }: RegistrarStatus): Value {
  if (counts === undefined) return NOT_KNOWN;
  const { owned = 0, foreign = 0 } = counts;
  return { text: markup`${count(owned)} in Consul; ${count(foreign)} of other owners on these nodes` };
}

function objects({ counts, namespace, mode }: ToK8sStatus): Value {
  if (counts === undefined) return NOT_KNOWN;
  const { owned = 0 } = counts;
  return { text: markup`${count(owned)} in namespace ${foreignText(namespace)} (${mode})` };
}
