/** The names of injected pods before they log in, and after they are recreated: the stage `prefer` must not surprise anybody. */
import { readInjection } from '../inject/injected-pod.ts';
import { DEFAULT_ACCOUNT, ofPodAccount } from '../inject/service-name.ts';
import { asString, property } from '../support/json.ts';
import { quote } from '../support/text.ts';
import { firstPods, runningPod } from './named-pods.ts';
import type { SecureSettings } from './secure-settings.ts';

export type PodName = {
  /** `namespace/name` */
  readonly pod: string;
  readonly account: string;
  /** The service that its author named; undefined when the ServiceAccount names it from then on. */
  readonly named: string | undefined;
  /** As it was admitted; a Kubernetes Service may have given it another name since. */
  readonly service: string;
  /** Whether it logs in already. */
  readonly login: boolean;
};

/** Undefined for what has no sidecar of ours, and for what has come to its end. Throws on no input. */
export function readPodName(raw: unknown): PodName | undefined {
  const pod = runningPod(raw);
  const injection = readInjection(raw);
  if (pod === undefined || !('mesh' in injection) || !injection.mesh.ok) return undefined;
  const account = asString(property(property(raw, 'spec'), 'serviceAccountName')) ?? DEFAULT_ACCOUNT;
  const [first, ...others] = injection.mesh.services.map(({ service, nameSource }) => ({
    name: service.name,
    nameSource,
  }));
  if (first === undefined) return undefined;
  const { name, nameSource } = ofPodAccount([first, ...others], { serviceAccount: account });
  return {
    pod,
    account,
    named: nameSource === 'annotation' ? name : undefined,
    service: name,
    login: injection.logsIn,
  };
}

/** Sentences on pods that would not start, would be refused or would have another name when they are recreated in `prefer`. */
export function namesToSettle(
  { stage, acls }: Pick<SecureSettings, 'stage' | 'acls'>,
  pods: readonly PodName[],
): readonly string[] {
  if (!acls || stage === 'require') return [];
  const when = stage === 'accept' ? 'before prefer' : 'before its restart';
  const sentences = pods.flatMap((each) => (each.login ? [] : (sentenceOf(each) ?? [])));
  return firstPods(sentences).map((each) => `${when}: ${each}`);
}

function sentenceOf({ pod, account, named, service }: PodName): string | undefined {
  const wanted = named ?? service;
  if (account === DEFAULT_ACCOUNT)
    return `${pod} has the ServiceAccount "default", which may not log in: when it is recreated, it does not start; give it the ServiceAccount ${quote(wanted)}`;
  if (named !== undefined)
    return named === account
      ? undefined
      : `${pod} is the service ${quote(named)}, and its ServiceAccount is ${quote(account)}: when it is recreated, it is refused; give it the ServiceAccount ${quote(named)}, or annotate ${quote(account)} with consul.hashicorp.com/service-name: ${quote(named)} and set connectInject.serviceAccountCheck=warn`;
  return service === account
    ? undefined
    : `${pod} is the service ${quote(service)}, or that of its Kubernetes Service: when it is recreated, it is ${quote(account)}, like its ServiceAccount`;
}
