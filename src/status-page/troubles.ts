/** What is wrong now, since when, and the way to fix it. */
import { byText } from '../model/instance.ts';
import { count, counted, foreignText, markup, type Markup } from './markup.ts';
import type { Row, Table } from './row.ts';
import { viewOfController } from './controller-views.ts';
import type { ControllerStatus, FilesStatus, Status } from './status.ts';

export type Trouble = {
  /** Bad: a part does not do its work. Otherwise the part works, and something in it needs attention. */
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
  const { process, controllers, webhook, files } = status;
  // Failures of a replica that no longer leads are over.
  const leading = process?.leader === true ? controllers : [];
  return [
    ...(notReady === undefined ? [] : [unready(notReady, status)]),
    ...(files === undefined ? [] : ofFiles(files)),
    ...leading.flatMap(ofController),
    ...(webhook?.certificate.problem === undefined || webhook.certificate.problem === notReady
      ? []
      : [ofCertificate(webhook.certificate.problem)]),
    ...tables.filter(({ isHistory }) => !isHistory).flatMap(ofRows),
  ];
}

function unready(reason: string, { controllers }: Status): Trouble {
  const behind = new Set(
    controllers.flatMap(({ controller, watches }) =>
      Object.entries(watches).flatMap(([kind, watch]) =>
        watch.isSynced ? [] : controller === 'to-kubernetes' ? `${kind} of the write namespace` : kind,
      ),
    ),
  );
  const isSynced = behind.size === 0;
  return {
    isBad: true,
    what: markup`Not ready: ${foreignText(reason)}${isSynced ? undefined : ` (${[...behind].join(', ')})`}`,
    since: undefined,
    fix: isSynced
      ? markup`Kubernetes sends it no requests until then. <code>tandem check</code> checks everything that it needs.`
      : markup`Nothing is written until the whole list has been read. That needs the API server, and the right to list and watch. <code>tandem check</code> tells you which is missing.`,
  };
}

function ofFiles({ unreadable, repeated, invalid }: FilesStatus): readonly Trouble[] {
  const troubles = [
    ...ofList(repeated, 'and so are', markup`Remove one, or give it another name.`),
    ...ofList(invalid, 'and', markup`Correct the object. <code>tandem config</code> lists all problems.`),
  ];
  if (unreadable !== undefined)
    troubles.unshift({
      isBad: true,
      what: markup`The files cannot be read: ${foreignText(unreadable.error)}`,
      since: unreadable.since,
      fix: markup`Correct the file. The files are read again when one changes; until then, what was read before stays.`,
    });
  return troubles;
}

/** The first ones by name, and how many more there are. */
function ofList(sentences: readonly string[], and: string, fix: Markup): readonly Trouble[] {
  const more = sentences.length - NAMED;
  return sentences.slice(0, NAMED).map((each, at): Trouble => ({
    isBad: false,
    what: markup`${foreignText(each)}${at === NAMED - 1 && more > 0 ? `, ${and} ${count(more)} more` : undefined}`,
    since: undefined,
    fix,
  }));
}

/** A failure is over with the next success. */
export function isFailing({ lastFailure, lastSuccess = '' }: ControllerStatus): boolean {
  return lastFailure !== undefined && lastFailure.at > lastSuccess;
}

function ofController(status: ControllerStatus): readonly Trouble[] {
  if (status.controller === 'tokens') return ofTokens(status);
  const { lastFailure, heldRemovals } = status;
  const { subject } = viewOfController(status);
  const troubles: Trouble[] = [];
  if (lastFailure !== undefined && isFailing(status))
    troubles.push({
      isBad: true,
      what: markup`${subject} fails: ${foreignText(lastFailure.error)}`,
      since: lastFailure.since,
      fix: markup`Tandem retries, and what is there stays. <code>tandem check</code> tells you what is wrong in Consul or in the cluster.`,
    });
  if (heldRemovals > 0)
    troubles.push({
      isBad: true,
      what: markup`${subject} holds ${counted(heldRemovals, ['removal', 'removals'])} back until both sides are read again`,
      since: undefined,
      fix: markup`So many at once may be a mistake: Tandem reads both sides again 10 s later, and removes them if the result is the same. A new leader waits for new lists of the cluster. To keep them, bring back what is missing, or stop Tandem.`,
    });
  return troubles;
}

/** Why the tokens of pods that are gone stay, when they do. */
export function tokensTrouble(
  tokens: ControllerStatus,
):
  | { readonly kind: 'refused' | 'failed'; readonly reason: string; readonly since: string | undefined }
  | undefined {
  const { lastFailure, rows } = tokens;
  const [stay] = rows;
  if (stay?.refused !== undefined) return { kind: 'refused', reason: stay.refused, since: stay.since };
  if (lastFailure === undefined || !isFailing(tokens)) return undefined;
  return { kind: 'failed', reason: lastFailure.error, since: lastFailure.since };
}

/** Nothing waits for them: pods work, and the tokens can be deleted later. */
function ofTokens(tokens: ControllerStatus): readonly Trouble[] {
  const trouble = tokensTrouble(tokens);
  if (trouble === undefined) return [];
  const { kind, reason, since } = trouble;
  return [
    {
      isBad: false,
      what: markup`ACL tokens of pods that are gone stay: ${foreignText(reason)}`,
      since,
      fix:
        kind === 'refused'
          ? markup`Give the sync's token <code>acl = "write"</code>, which is the right to create any token. Or leave it as it is: pods work, and <code>consul acl token list</code> shows the tokens that someone has to delete.`
          : markup`Tandem retries. <code>tandem check</code> tells you what is wrong in Consul.`,
    },
  ];
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
