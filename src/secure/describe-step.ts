/** A step in words and fields; no key and no token is ever in them. */
import type { SecureStep } from './secure-step.ts';

export const stepKinds = [
  'new-ca',
  'make',
  'write-state',
  'write-bootstrap',
  'publish-ca',
  'write-secret',
  'write-token-secret',
  'reload',
  'bootstrap',
  'put',
  'put-auth-method',
  'put-rule',
  'delete-rule',
  'put-bootstrap',
  'delete-token',
  'keyring',
] as const satisfies readonly SecureStep['kind'][];

export type StepWords = {
  readonly step: SecureStep['kind'];
  readonly reason: string;
  /** What it is about; undefined when the kind says it. */
  readonly object: string | undefined;
};

export function describeStep(step: SecureStep): StepWords {
  return { step: step.kind, reason: step.reason, object: objectOf(step) };
}

/** `put policy/tandem-consul-agent (missing)`. */
export function stepText(step: SecureStep): string {
  const { reason, object } = describeStep(step);
  return `${step.kind}${object === undefined ? '' : ` ${object}`} (${reason})`;
}

function objectOf(step: SecureStep): string | undefined {
  switch (step.kind) {
    case 'make':
      return [
        ...(step.gossip === undefined ? [] : ['gossip key']),
        ...[...step.tokens, ...step.nextTokens].map((name) => `token ${name}`),
      ].join(', ');
    case 'write-secret':
    case 'write-token-secret':
      return step.of;
    case 'reload':
      return step.agent.pod.name;
    case 'put':
    case 'put-auth-method':
      return `${step.object.kind}/${step.object.name}`;
    case 'put-rule':
      return `${step.rule.method}: ${step.rule.bindName}`;
    case 'delete-rule':
      return step.id;
    case 'delete-token':
      return step.accessor;
    case 'keyring':
      return step.operation;
    case 'wait':
      return step.detail;
    case 'keep':
    case 'new-ca':
    case 'write-state':
    case 'write-bootstrap':
    case 'publish-ca':
    case 'bootstrap':
    case 'put-bootstrap':
      return undefined;
  }
}
