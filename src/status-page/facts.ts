/** What there is to know at a glance, above the tables. */
import { foreignText, markup, moment, type Markup } from './markup.ts';
import { statesOf } from './services-table.ts';
import type { Status, SyncStatus, WebhookStatus } from './status.ts';

type Fact = {
  readonly name: string;
  readonly value: Markup;
  readonly isBad: boolean;
};

export function factsMarkup(status: Status, notReady: string | undefined): Markup {
  const facts = [
    readiness(notReady),
    ...(status.sync === undefined ? [] : syncFacts(status.sync)),
    ...(status.webhook === undefined ? [] : webhookFacts(status.webhook)),
  ];
  return markup`${facts.map(
    ({ name, value, isBad }) =>
      markup`<div${isBad ? markup` class="bad"` : undefined}><dt>${name}</dt><dd>${value}</dd></div>`,
  )}`;
}

function fact(name: string, value: Markup, isBad = false): Fact {
  return { name, value, isBad };
}

function readiness(notReady: string | undefined): Fact {
  return notReady === undefined
    ? fact('Ready', markup`yes`)
    : fact('Ready', markup`no: ${foreignText(notReady)}`, true);
}

function syncFacts(sync: SyncStatus): readonly Fact[] {
  const { leader, lastSuccess, heldRemovals, owner, node } = sync;
  return [
    fact('Leader', leader ? markup`this replica` : markup`not this replica`),
    fact('Last success', lastSuccess === undefined ? markup`none yet` : moment(lastSuccess)),
    lastFailure(sync),
    ...(leader ? [services(sync), instances(sync)] : []),
    fact(
      'Held removals',
      heldRemovals === 0 ? markup`none` : markup`${heldRemovals} wait for a second look at both sides`,
      heldRemovals > 0,
    ),
    ...watches(sync),
    fact('Owner', markup`${foreignText(owner)}, on node ${foreignText(node)} of Consul`),
  ];
}

/** A failure is over with the next success. */
function lastFailure({ lastFailure: failure, lastSuccess = '' }: SyncStatus): Fact {
  if (failure === undefined) return fact('Last failure', markup`none`);
  const text = markup`${moment(failure.at)}: ${foreignText(failure.error)}`;
  return fact('Last failure', text, failure.at > lastSuccess);
}

function services({ sources }: SyncStatus): Fact {
  const problems = sources.filter((source) => statesOf(source).includes('problem')).length;
  const synced = sources.filter((source) => source.synced).length;
  const text = `${count(synced)} synced, ${count(sources.length - synced)} left out, ${count(problems)} with problems`;
  return fact('Services', markup`${text}`, problems > 0);
}

function instances({ instances: found }: SyncStatus): Fact {
  const { desired = 0, owned = 0, foreign = 0 } = found ?? {};
  return fact(
    'Instances',
    markup`${count(owned)} in Consul of ${count(desired)} wanted; ${count(foreign)} of others on the node`,
  );
}

function watches({ watches: found }: SyncStatus): readonly Fact[] {
  const all = Object.entries(found);
  if (all.length === 0) return [];
  const behind = all.filter(([, { isSynced }]) => !isSynced).map(([kind]) => kind);
  return [
    behind.length === 0
      ? fact('Watched', markup`${all.map(([kind]) => kind).join(', ')}`)
      : fact('Watched', markup`not listed yet: ${behind.join(', ')}`, true),
  ];
}

function webhookFacts({ certificate, admissions }: WebhookStatus): readonly Fact[] {
  const { issued, expires, problem } = certificate;
  const counted = Object.entries(admissions.counts).map(([result, number]) => `${count(number)} ${result}`);
  return [
    fact(
      'Certificate',
      issued === undefined || expires === undefined
        ? markup`${problem}`
        : markup`issued ${moment(issued)}, expires ${moment(expires)}${problem === undefined ? undefined : `; ${problem}`}`,
      problem !== undefined,
    ),
    fact(
      'Admissions',
      markup`${counted.length === 0 ? 'none' : counted.join(', ')} since ${moment(admissions.since)}`,
    ),
  ];
}

/** `10,000`, the same on every machine. */
export function count(number: number): string {
  return String(number).replaceAll(/\B(?=(?:\d{3})+$)/g, ',');
}
