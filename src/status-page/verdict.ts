/** The first thing to read: whether all is well, and if not, what is wrong, since when, and how to fix it. */
import { byText } from '../model/instance.ts';
import { viewOfController } from './controller-views.ts';
import { markup, moment, type Markup } from './markup.ts';
import type { Status } from './status.ts';
import type { Trouble } from './troubles.ts';

export type Verdict = {
  readonly kind: 'good' | 'idle' | 'warn' | 'bad';
  readonly title: string;
  readonly sentence: Markup;
  readonly troubles: readonly Trouble[];
};

/**
 * | what is | title |
 * | --- | --- |
 * | a part of the sync fails or waits | Not in sync |
 * | only the webhook has a trouble | Not ready |
 * | another replica leads | Standing by |
 * | nothing was reconciled yet | Starting |
 * | rows with problems | In sync, with something to fix |
 * | else | In sync, or Ready without a sync |
 */
export function verdictOf(status: Status, troubles: readonly Trouble[]): Verdict {
  return { ...judge(status, troubles), troubles };
}

function judge(status: Status, troubles: readonly Trouble[]): Omit<Verdict, 'troubles'> {
  const { process: replica } = status;
  if (troubles.some(({ isBad }) => isBad)) {
    const title = replica === undefined ? 'Not ready' : 'Not in sync';
    return { kind: 'bad', title, sentence: lastSuccess(status) };
  }
  if (replica === undefined) {
    const sentence = markup`Pods are admitted, and the certificate is valid.`;
    return { kind: 'good', title: 'Ready', sentence };
  }
  if (!replica.leader) {
    const sentence = markup`Another replica is the leader and writes. This one takes over when the leader is gone.`;
    return { kind: 'idle', title: 'Standing by', sentence };
  }
  if (oldestSuccess(status) === undefined)
    return { kind: 'idle', title: 'Starting', sentence: markup`The first comparison is not done yet.` };
  const dryRun = replica.dryRun ? markup`Dry run: nothing is written. ` : undefined;
  const sentence = markup`${dryRun}${lastSuccess(status)}`;
  return troubles.length === 0
    ? { kind: 'good', title: 'In sync', sentence }
    : { kind: 'warn', title: 'In sync, with something to fix', sentence };
}

export function verdictMarkup({ kind, title, sentence, troubles }: Verdict): Markup {
  return markup`<div class="verdict ${kind}"><h2 id="verdict">${title}</h2><p>${sentence}</p>${
    troubles.length === 0 ? undefined : markup`<ul class="troubles">${troubles.map(item)}</ul>`
  }</div>`;
}

function item({ isBad, what, since, fix }: Trouble): Markup {
  return markup`<li${isBad ? markup` class="bad"` : undefined}><p class="what">${what}${
    since === undefined ? undefined : markup` <span class="since">since ${moment(since)}</span>`
  }</p><p class="fix">${fix}</p></li>`;
}

/** Of the controller that is behind the others; those that only clean up have time. */
function oldestSuccess({ controllers }: Status): string | undefined {
  const comparing = controllers.filter((each) => viewOfController(each).table !== undefined);
  const times = comparing.map((each) => each.lastSuccess ?? '');
  // Nothing is before the empty text.
  return times.toSorted(byText)[0] || undefined;
}

function lastSuccess(status: Status): Markup {
  const time = oldestSuccess(status);
  if (status.process?.leader !== true) return markup``;
  return time === undefined
    ? markup`No comparison has succeeded yet.`
    : markup`Last compared ${moment(time)}`;
}
