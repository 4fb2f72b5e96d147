/** What there is to know of each part, beside the tables. */
import { count } from './count.ts';
import { foreignText, markup, moment, type Markup } from './markup.ts';
import type { Row, Table } from './row.ts';
import { isWaiting } from './services-table.ts';
import type {
  PassStatus,
  RegistrarStatus,
  Status,
  SyncStatus,
  TokensStatus,
  ToK8sStatus,
  WebhookStatus,
} from './status.ts';
import { isFailing } from './troubles.ts';

export type Fact = { readonly key: string; readonly html: Markup };

/** The facts of one part; a process has the same keys as long as it runs. */
export type Card = { readonly id: string; readonly title: string; readonly facts: readonly Fact[] };

export function cardsOf(
  status: Status,
  tables: readonly Table[],
  notReady: string | undefined,
): readonly Card[] {
  const { sync, toKubernetes, registrar, webhook } = status;
  const rowsOf = (id: string): readonly Row[] => tables.find((table) => table.id === id)?.rows ?? [];
  const card = (id: string, title: string, facts: Readonly<Record<string, Value>>): Card => ({
    id,
    title,
    facts: Object.entries(facts).map(([name, value]) => factOf(id, name, value)),
  });
  return [
    card('process', 'This process', processFacts(status, notReady)),
    ...(sync?.toConsul !== true
      ? []
      : [
          card('to-consul', 'Kubernetes to Consul', {
            ...passFacts(sync),
            Services: standing(rowsOf('services'), 'in Consul', sync.sources.filter(isWaiting).length),
            Instances: instances(sync),
          }),
        ]),
    ...(toKubernetes === undefined
      ? []
      : [
          card('to-kubernetes', 'Consul to Kubernetes', {
            ...passFacts(toKubernetes),
            Services: standing(rowsOf('from-consul'), 'in Kubernetes'),
            Objects: objects(toKubernetes),
            'Name conflicts': inTheWay(toKubernetes),
          }),
        ]),
    ...(registrar === undefined
      ? []
      : [
          card('registrar', 'Injected pods', {
            ...passFacts(registrar),
            Pods: standing(rowsOf('pods'), 'in Consul'),
            Instances: onNodes(registrar.instances),
            'Last cleanup on agents': passText(registrar.agents),
            ...(registrar.tokens === undefined
              ? {}
              : { 'Tokens of pods that are gone': tokensFact(registrar.tokens) }),
          }),
        ]),
    ...(webhook === undefined ? [] : [card('webhook', 'Webhook', webhookFacts(webhook))]),
  ];
}

function tokensFact({ trouble }: TokensStatus): Value {
  return trouble === undefined ? { text: markup`deleted` } : { text: markup`stay`, isBad: true };
}

type Value = { readonly text: Markup; readonly isBad?: boolean };

function factOf(card: string, name: string, { text, isBad = false }: Value): Fact {
  return {
    key: `${card}.${name}`,
    html: markup`<dt>${name}</dt><dd${isBad ? markup` class="bad"` : undefined}>${text}</dd>`,
  };
}

function processFacts(
  { sync, toKubernetes, registrar }: Status,
  notReady: string | undefined,
): Readonly<Record<string, Value>> {
  const ready = {
    Ready:
      notReady === undefined
        ? { text: markup`yes` }
        : { text: markup`no: ${foreignText(notReady)}`, isBad: true },
  };
  if (sync === undefined) return ready;
  const watched = [
    ...Object.entries(sync.watches),
    ...Object.entries(toKubernetes?.watches ?? {}),
    ...Object.entries(registrar?.watches ?? {}),
  ];
  const kinds = new Set(watched.map(([kind]) => kind));
  return {
    ...ready,
    Leader: { text: sync.leader ? markup`this replica` : markup`another replica` },
    Owner: { text: markup`${foreignText(sync.owner)}, on Consul node ${foreignText(sync.node)}` },
    Writes: { text: sync.dryRun ? markup`nothing (dry run)` : markup`what differs` },
    Watched: { text: markup`${kinds.size === 0 ? 'a folder' : [...kinds].join(', ')}` },
  };
}

function passFacts(passes: PassStatus): Readonly<Record<string, Value>> {
  const { lastSuccess, lastFailure, heldRemovals } = passes;
  return {
    'Last success': { text: lastSuccess === undefined ? markup`none yet` : moment(lastSuccess) },
    'Last failure':
      lastFailure === undefined
        ? { text: markup`none` }
        : {
            text: isFailing(passes)
              ? markup`${moment(lastFailure.at)}, still failing`
              : markup`${moment(lastFailure.at)}: ${foreignText(lastFailure.error)}`,
            isBad: isFailing(passes),
          },
    'Held removals': {
      text: markup`${heldRemovals === 0 ? 'none' : count(heldRemovals)}`,
      isBad: heldRemovals > 0,
    },
  };
}

function passText(passes: PassStatus): Value {
  if (passes.lastFailure !== undefined && isFailing(passes))
    return { text: markup`fails: ${foreignText(passes.lastFailure.error)}`, isBad: true };
  return { text: passes.lastSuccess === undefined ? markup`not yet` : moment(passes.lastSuccess) };
}

/** @param waiting so many of those that are in step have nothing there yet */
function standing(rows: readonly Row[], where: string, waiting = 0): Value {
  const having = (state: Row['states'][number]): number =>
    rows.filter(({ states }) => states.includes(state)).length;
  const problems = having('problem');
  return {
    text: markup`${count(having('in') - waiting)} ${where}, ${waiting === 0 ? undefined : markup`${count(waiting)} waiting, `}${count(having('out'))} left out, ${count(problems)} with problems`,
    isBad: problems > 0,
  };
}

const NOT_KNOWN: Value = { text: markup`not known yet` };

function instances({ instances: found }: SyncStatus): Value {
  if (found === undefined) return NOT_KNOWN;
  const { owned, desired, foreign } = found;
  return {
    text: markup`${count(owned)} of ${count(desired)} desired in Consul; ${count(foreign)} of other owners on the node`,
  };
}

function onNodes(found: RegistrarStatus['instances']): Value {
  if (found === undefined) return NOT_KNOWN;
  return {
    text: markup`${count(found.owned)} in Consul; ${count(found.foreign)} of other owners on these nodes`,
  };
}

function objects({ owned, namespace, mode }: ToK8sStatus): Value {
  if (owned === undefined) return NOT_KNOWN;
  return { text: markup`${count(owned)} in namespace ${foreignText(namespace)} (${mode})` };
}

function inTheWay({ conflicts }: ToK8sStatus): Value {
  if (conflicts === undefined || conflicts.length === 0) return { text: markup`none` };
  return {
    text: markup`${conflicts.map((name, at) => markup`${at === 0 ? '' : ', '}${foreignText(name)}`)}`,
    isBad: true,
  };
}

function webhookFacts({ certificate, admissions }: WebhookStatus): Readonly<Record<string, Value>> {
  const { issued, expires, problem } = certificate;
  const counts = Object.entries(admissions.counts).map(([result, times]) => `${count(times)} ${result}`);
  return {
    'Certificate issued': { text: issued === undefined ? markup`none` : moment(issued) },
    'Certificate expires': {
      text:
        problem !== undefined ? markup`${problem}` : expires === undefined ? markup`none` : moment(expires),
      isBad: problem !== undefined,
    },
    Admissions: { text: markup`${counts.length === 0 ? 'none' : counts.join(', ')}` },
    'Counted since': { text: moment(admissions.since) },
  };
}
