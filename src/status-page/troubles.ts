/** What is wrong now, since when, and the way to fix it. */
import { byText } from '../model/instance.ts';
import { count, counted } from './count.ts';
import { foreignText, markup, type Markup } from './markup.ts';
import type { Row, Table } from './row.ts';
import type { FilesStatus, PassStatus, Status, TokensStatus, WatchesStatus } from './status.ts';

export type Trouble = {
  /** Bad: a part does not do its work. Else it works, and something in it is left to do. */
  readonly isBad: boolean;
  readonly what: Markup;
  /** ISO 8601, UTC */
  readonly since: string | undefined;
  readonly fix: Markup;
};

// A sentence is read; a list is what the table is for.
const NAMED = 3;

/** @param notReady why the process is not ready; undefined when it is */
export function troublesOf(
  status: Status,
  tables: readonly Table[],
  notReady: string | undefined,
): readonly Trouble[] {
  const { sync, toKubernetes, registrar, webhook, files } = status;
  const isLeader = sync?.leader === true;
  return [
    ...(notReady === undefined ? [] : [unready(notReady, status)]),
    ...(files === undefined ? [] : ofFiles(files)),
    ...(sync === undefined ? [] : ofPasses('Kubernetes to Consul', sync, isLeader)),
    ...(toKubernetes === undefined ? [] : ofPasses('Consul to Kubernetes', toKubernetes, isLeader)),
    ...(registrar === undefined ? [] : ofPasses('The registrar', registrar, isLeader)),
    ...(registrar === undefined ? [] : ofPasses('The clean-up on agents', registrar.agents, isLeader)),
    ...(isLeader && registrar?.tokens?.trouble !== undefined ? [ofTokens(registrar.tokens.trouble)] : []),
    ...(webhook?.certificate.problem === undefined || webhook.certificate.problem === notReady
      ? []
      : [ofCertificate(webhook.certificate.problem)]),
    ...tables.filter(({ isHistory }) => !isHistory).flatMap(ofRows),
  ];
}

function unready(reason: string, { sync, toKubernetes, registrar }: Status): Trouble {
  const watches: WatchesStatus = {
    ...sync?.watches,
    ...prefixed('write namespace', toKubernetes?.watches),
    ...registrar?.watches,
  };
  const behind = Object.entries(watches).flatMap(([kind, { isSynced }]) => (isSynced ? [] : [kind]));
  return behind.length === 0
    ? {
        isBad: true,
        what: markup`Not ready: ${foreignText(reason)}`,
        since: undefined,
        fix: markup`Kubernetes sends it no requests until then. <code>tandem check</code> checks everything that it needs.`,
      }
    : {
        isBad: true,
        what: markup`Not ready: ${foreignText(reason)} (${behind.join(', ')})`,
        since: undefined,
        fix: markup`Nothing is written until the whole list has been read. That needs the API server, and the right to list and watch. <code>tandem check</code> tells you which is missing.`,
      };
}

function ofFiles({ unreadable, repeated }: FilesStatus): readonly Trouble[] {
  const broken: readonly Trouble[] =
    unreadable === undefined
      ? []
      : [
          {
            isBad: true,
            what: markup`The files cannot be read: ${foreignText(unreadable.error)}`,
            since: unreadable.since,
            fix: markup`Correct the file. The files are read again when one changes; until then, what was read before stays.`,
          },
        ];
  const more = repeated.length - NAMED;
  const twice = repeated.slice(0, NAMED).map((each, at): Trouble => ({
    isBad: false,
    what: markup`${foreignText(each)}${at === NAMED - 1 && more > 0 ? `, and so are ${count(more)} more` : undefined}`,
    since: undefined,
    fix: markup`Remove one, or give it another name.`,
  }));
  return [...broken, ...twice];
}

function prefixed(prefix: string, watches: WatchesStatus = {}): WatchesStatus {
  return Object.fromEntries(
    Object.entries(watches).map(([kind, watch]) => [`${kind} of the ${prefix}`, watch]),
  );
}

/** A failure is over with the next success, and none of a replica that no longer leads. */
export function isFailing({ lastFailure, lastSuccess = '' }: PassStatus): boolean {
  return lastFailure !== undefined && lastFailure.at > lastSuccess;
}

function ofPasses(part: string, passes: PassStatus, isLeader: boolean): readonly Trouble[] {
  if (!isLeader) return [];
  const { lastFailure, heldRemovals } = passes;
  const failure: Trouble | undefined =
    lastFailure === undefined || !isFailing(passes)
      ? undefined
      : {
          isBad: true,
          what: markup`${part} fails: ${foreignText(lastFailure.error)}`,
          since: lastFailure.since,
          fix: markup`Tandem retries, and what is there stays. <code>tandem check</code> tells you what is wrong in Consul or in the cluster.`,
        };
  const hold: Trouble | undefined =
    heldRemovals === 0
      ? undefined
      : {
          isBad: true,
          what: markup`${part} holds ${counted(heldRemovals, ['removal', 'removals'])} back, because so many at once may be a mistake`,
          since: undefined,
          fix: markup`Tandem reads both sides again 10 s later, and removes them if the result is the same. To keep them, bring back what is missing, or stop Tandem.`,
        };
  return [failure, hold].filter((each) => each !== undefined);
}

function ofTokens({ kind, reason, since }: NonNullable<TokensStatus['trouble']>): Trouble {
  return {
    isBad: false,
    what: markup`ACL tokens of pods that are gone stay: ${foreignText(reason)}`,
    since,
    fix:
      kind === 'refused'
        ? markup`Give the sync's token <code>acl = "write"</code>, which is the right to create any token. Or leave it as it is: pods work, and <code>consul acl token list</code> shows the tokens that someone has to delete.`
        : markup`Tandem retries. <code>tandem check</code> tells you what is wrong in Consul.`,
  };
}

function ofCertificate(problem: string): Trouble {
  return {
    isBad: true,
    what: markup`The certificate cannot be served: ${problem}`,
    since: undefined,
    fix: markup`Pods that ask for injection wait until there is one. Check what renews its files or its Secret.`,
  };
}

function ofRows({ id, nouns, rows }: Table): readonly Trouble[] {
  const wrong = rows.filter(({ states }) => states.includes('problem'));
  if (wrong.length === 0) return [];
  const since = wrong.flatMap((row) => row.since ?? []).toSorted(byText)[0];
  const verb = wrong.length === 1 ? 'has a problem' : 'have problems';
  return [
    {
      isBad: false,
      what: markup`${counted(wrong.length, nouns)} ${verb}: ${namesOf(wrong)}`,
      since,
      fix: markup`<a href="?state=problem#${id}">Each row says what to do</a>`,
    },
  ];
}

function namesOf(rows: readonly Row[]): Markup {
  const named = rows
    .slice(0, NAMED)
    .map(({ name }, at) => markup`${at === 0 ? '' : ', '}${foreignText(name)}`);
  const more = rows.length - named.length;
  return markup`${named}${more === 0 ? undefined : ` and ${count(more)} more`}`;
}
