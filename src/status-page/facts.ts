/** The facts about each part, beside the tables. */
import { viewOfController, type Value } from './controller-views.ts';
import { count, foreignText, markup, moment, type Markup } from './markup.ts';
import type { Table } from './row.ts';
import type { ControllerStatus, Status, WebhookStatus } from './status.ts';
import { isFailing } from './troubles.ts';

type Fact = { readonly key: string; readonly html: Markup };

/** The facts of one part; a process has the same keys as long as it runs. */
export type Card = { readonly id: string; readonly title: string; readonly facts: readonly Fact[] };

export function cardsOf(
  status: Status,
  tables: readonly Table[],
  notReady: string | undefined,
): readonly Card[] {
  const { controllers, webhook } = status;
  const card = (id: string, title: string, facts: Readonly<Record<string, Value>>): Card => ({
    id,
    title,
    facts: Object.entries(facts).map(([name, value]) => factOf(id, name, value)),
  });
  return [
    card('process', 'This process', processFacts(status, notReady)),
    ...controllers.map((each) => {
      const { title, tableId, facts } = viewOfController(each);
      const rows = tables.find(({ id }) => id === tableId)?.rows ?? [];
      return card(each.controller, title, { ...controllerFacts(each), ...facts(each, rows) });
    }),
    ...(webhook === undefined ? [] : [card('webhook', 'Webhook', webhookFacts(webhook))]),
  ];
}

function factOf(card: string, name: string, { text, isBad = false }: Value): Fact {
  return {
    key: `${card}.${name}`,
    html: markup`<dt>${name}</dt><dd${isBad ? markup` class="bad"` : undefined}>${text}</dd>`,
  };
}

function processFacts(
  { process: replica, controllers }: Status,
  notReady: string | undefined,
): Readonly<Record<string, Value>> {
  const ready = {
    Ready:
      notReady === undefined
        ? { text: markup`yes` }
        : { text: markup`no: ${foreignText(notReady)}`, isBad: true },
  };
  if (replica === undefined) return ready;
  const kinds = new Set(controllers.flatMap(({ watches }) => Object.keys(watches)));
  return {
    ...ready,
    Leader: { text: replica.leader ? markup`this replica` : markup`another replica` },
    Owner: { text: markup`${foreignText(replica.owner)}, on Consul node ${foreignText(replica.node)}` },
    Writes: { text: replica.dryRun ? markup`nothing (dry run)` : markup`what differs` },
    Watched: { text: markup`${kinds.size === 0 ? 'a folder' : [...kinds].join(', ')}` },
  };
}

/** Of every controller. */
function controllerFacts(status: ControllerStatus): Readonly<Record<string, Value>> {
  const { lastSuccess, lastFailure, heldRemovals, backlog } = status;
  return {
    'Last success': { text: lastSuccess === undefined ? markup`none yet` : moment(lastSuccess) },
    'Last failure':
      lastFailure === undefined
        ? { text: markup`none` }
        : {
            text: isFailing(status)
              ? markup`${moment(lastFailure.at)}, still failing`
              : markup`${moment(lastFailure.at)}: ${foreignText(lastFailure.error)}`,
            isBad: isFailing(status),
          },
    'Held removals': {
      text: markup`${heldRemovals === 0 ? 'none' : count(heldRemovals)}`,
      isBad: heldRemovals > 0,
    },
    ...(backlog === undefined ? {} : { Backlog: backlogFact(backlog) }),
  };
}

// Five times what a change takes in a cluster without a backlog.
const BEHIND_SECONDS = 10;

function backlogFact({ keys, seconds }: NonNullable<ControllerStatus['backlog']>): Value {
  const isBad = keys > 0 && seconds >= BEHIND_SECONDS;
  return keys === 0
    ? { text: markup`none` }
    : { text: markup`${count(keys)}, the oldest for ${count(Math.round(seconds))} s`, isBad };
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
