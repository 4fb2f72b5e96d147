/** Why a Service or a config entry is in Consul as it is, or is not, for people. */
import { whose } from '../catalog/config-entries/decide-entry.ts';
import type { EntryHolder } from '../catalog/config-entries/entry-holder.ts';
import type { EntryExplanation } from '../catalog/config-entries/explain-entry.ts';
import type { Explanation, InstanceState } from '../catalog/to-consul/explain-service.ts';
import { hostAndPort } from '../support/ip-address.ts';
import { terminalLine } from '../support/text.ts';

/** What stands below the heading of an explanation. */
export function line(what: string, text: string): string {
  return `  ${what.padEnd(12)} ${text}`;
}

export function explanationText(explanation: Explanation): string {
  const { source, decision, annotations, addressRule, instances, omitted, problems, leftover } = explanation;
  return [
    `${source}: ${decision.kind === 'sync' ? 'synced' : 'not synced'}`,
    line('rule', `${decision.reason}: ${decision.meaning}`),
    ...annotations.map(({ name, value }) => line('annotation', `${name}: ${JSON.stringify(value)}`)),
    ...(addressRule === undefined ? [] : [line('addresses', addressRule)]),
    ...instances.map(({ instance: { name, address, port, check }, standing }) => {
      const status = check === undefined ? '' : ` ${check.status}`;
      return line('instance', `${name} ${hostAndPort(address, port)}${status}  ${stateText(standing)}`);
    }),
    ...leftover.map(({ name, address, port }) =>
      line('leftover', `${name} ${hostAndPort(address, port)}  will be removed`),
    ),
    ...omitted.map(({ what, meaning }) => line('left out', `${what === '' ? '' : `${what}: `}${meaning}`)),
    ...problems.map(({ at, message }) => line('problem', `${at}: ${message}`)),
  ]
    .map(terminalLine)
    .join('');
}

export function stateText(standing: InstanceState<string>): string {
  switch (standing.kind) {
    case 'unknown':
      return 'Consul was not asked';
    case 'missing':
      return 'not in Consul yet';
    case 'unchanged':
      return 'in Consul';
    case 'differs':
      return `in Consul, with another ${standing.fields.join(', ')}`;
    case 'foreign':
      return `its id belongs to ${standing.owner === undefined ? 'somebody else' : `owner ${standing.owner}`}`;
  }
}

export function entryExplanationText(explanation: EntryExplanation): string {
  const { object, state, message, entry, holder, change, condition, after } = explanation;
  return [
    `${object}: ${state}`,
    line('meaning', message),
    ...(entry === undefined ? [] : [line('entry', entry)]),
    line('in Consul', holderText(holder)),
    ...(change === undefined ? [] : [line('change', `${change.action}: ${change.reason}`)]),
    ...explanation.differences.map((text) => line('differs', text)),
    ...explanation.problems.map((text) => line('problem', text)),
    ...(condition === undefined ? [] : [line('condition', conditionText(condition))]),
    ...(after.length === 0 ? [] : [line('order', `after ${after.join(', ')}`)]),
    ...explanation.mentioned.map((text) => line('named in', text)),
  ]
    .map(terminalLine)
    .join('');
}

function conditionText({ status, reason, message }: NonNullable<EntryExplanation['condition']>): string {
  return `${status} ${reason}${message === '' ? '' : `: ${message}`}`;
}

function holderText(holder: EntryHolder | undefined): string {
  if (holder === undefined) return 'no such entry is known';
  return holder.kind === 'ours' ? 'ours' : `an entry that ${whose(holder)}`;
}
