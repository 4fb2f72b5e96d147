/** Why a Service is in Consul as it is, or is not, for people. */
import type { Explanation, InstanceState } from '../catalog/to-consul/explain-service.ts';
import { hostAndPort } from '../support/ip-address.ts';
import { escapeControl } from '../support/text.ts';

export function explanationText(explanation: Explanation): string {
  const { source, decision, annotations, addressRule, instances, omitted, problems, leftover } = explanation;
  return [
    `${source}: ${decision.kind === 'sync' ? 'synced' : 'not synced'}`,
    `  rule         ${decision.reason}: ${decision.meaning}`,
    ...annotations.map(({ name, value }) => `  annotation   ${name}: ${JSON.stringify(value)}`),
    ...(addressRule === undefined ? [] : [`  addresses    ${addressRule}`]),
    ...instances.map(
      ({ instance: { name, address, port, check }, standing }) =>
        `  instance     ${name} ${hostAndPort(address, port)}${check === undefined ? '' : ` ${check.status}`}  ${stateText(standing)}`,
    ),
    ...leftover.map(
      ({ name, address, port }) => `  leftover     ${name} ${hostAndPort(address, port)}  will be removed`,
    ),
    ...omitted.map(({ what, meaning }) => `  left out     ${what === '' ? '' : `${what}: `}${meaning}`),
    ...problems.map(({ at, message }) => `  problem      ${at}: ${message}`),
  ]
    .map((text) => `${escapeControl(text)}\n`)
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
