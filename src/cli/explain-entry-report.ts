/** Why a config entry is in Consul as it is, or is not, for people. */
import { whose } from '../catalog/config-entries/decide-entry.ts';
import type { EntryExplanation } from '../catalog/config-entries/explain-entry.ts';
import type { EntryHolder } from '../catalog/config-entries/entry-holder.ts';
import { escapeControl } from '../support/text.ts';

export function entryExplanationText(explanation: EntryExplanation): string {
  const {
    object,
    state,
    message,
    entry,
    holder,
    change,
    differences,
    problems,
    after,
    condition,
    mentioned,
  } = explanation;
  return [
    `${object}: ${state}`,
    `  meaning      ${message}`,
    ...(entry === undefined ? [] : [`  entry        ${entry}`]),
    `  in Consul    ${holderText(holder)}`,
    ...(change === undefined ? [] : [`  change       ${change.action}: ${change.reason}`]),
    ...differences.map((text) => `  differs      ${text}`),
    ...problems.map((text) => `  problem      ${text}`),
    ...(condition === undefined
      ? []
      : [`  condition    ${condition.status} ${condition.reason}${said(condition.message)}`]),
    ...(after.length === 0 ? [] : [`  order        after ${after.join(', ')}`]),
    ...mentioned.map((text) => `  named in     ${text}`),
  ]
    .map((text) => `${escapeControl(text)}\n`)
    .join('');
}

function said(message: string): string {
  return message === '' ? '' : `: ${message}`;
}

function holderText(holder: EntryHolder | undefined): string {
  if (holder === undefined) return 'no such entry is known';
  return holder.kind === 'ours' ? 'ours' : `an entry that ${whose(holder)}`;
}
