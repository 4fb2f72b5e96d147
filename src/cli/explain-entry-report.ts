/** Why a config entry is in Consul as it is, or is not, for people. */
import type { EntryExplanation } from '../catalog/config-entries/explain-entry.ts';
import type { EntryHolder } from '../catalog/config-entries/entry-holder.ts';
import { escapeControl, quote } from '../support/text.ts';

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
    `  in Consul    ${holder === undefined ? 'no such entry is known' : holderText(holder)}`,
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

function holderText(holder: EntryHolder): string {
  switch (holder.kind) {
    case 'ours':
      return 'ours';
    case 'other-owner':
      return `of the cluster ${quote(holder.owner)}, made there from ${quote(holder.object)}`;
    case 'consul-k8s':
      return `of consul-k8s in the datacenter ${quote(holder.datacenter)}`;
    case 'unmanaged':
      return holder.source === ''
        ? 'not made from an object of Kubernetes'
        : `made by ${quote(holder.source)}`;
  }
}
