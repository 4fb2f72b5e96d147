/** The name of a pod's service in Consul, as far as it is known at admission, and what decided it. */
import { isDnsLabel } from '../support/dns-name.ts';
import { quote } from '../support/text.ts';
import type { AnnotationReader } from './annotation-reader.ts';
import { MOST_SERVICES } from './names.ts';
import type { Pod } from './pod.ts';
import { isReservedName } from '../model/consul-names.ts';
import type { InjectSettings } from './settings.ts';
import { canNameContainers, checkNames, commaParts, isSeveral } from './several-services.ts';

/** The registrar may let a Kubernetes Service rename what only a container named. */
export type NameSource = 'annotation' | 'service-account' | 'container';

export type ServiceName = { readonly name: string; readonly nameSource: NameSource };

export const SERVICE_NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;

const ANNOTATION = 'connect-service';
/**
 * The ServiceAccount of every pod that names no other, so binding rules leave it out (`connectInject.aclBindingRuleSelector`, as in consul-k8s).
 */
export const DEFAULT_ACCOUNT = 'default';

type Naming = Pick<InjectSettings, 'mode' | 'serviceNames' | 'serviceAccountCheck' | 'consul'>;

export type ServiceNames = readonly [ServiceName, ...ServiceName[]];

export function readServiceNames(pod: Pod, reader: AnnotationReader, settings: Naming): ServiceNames {
  const chosen = choose(pod, reader, settings);
  if (isSeveral(chosen.name)) return readSeveral(chosen.name, pod, reader, settings);
  if (isUsable(chosen, reader)) checkServiceAccount(chosen.name, pod, reader, settings);
  return [chosen];
}

function readSeveral(text: string, pod: Pod, reader: AnnotationReader, settings: Naming): ServiceNames {
  const names = commaParts(text);
  checkNames(names, reader);
  const [first = '', ...others] = names.slice(0, MOST_SERVICES);
  const services: ServiceNames = [ofAnnotation(first), ...others.map(ofAnnotation)];
  const unusable = services.filter(
    (each) => !isUsable(each, reader) || !canNameContainers(each.name, reader, settings),
  );
  if (unusable.length === 0) checkServiceAccount(ofPodAccount(services, pod).name, pod, reader, settings);
  return services;
}

function ofAnnotation(name: string): ServiceName {
  return { name, nameSource: 'annotation' };
}

/** The one of a pod's services that logs in to Consul as the ServiceAccount of the pod. */
export function ofPodAccount<T extends ServiceName>(
  services: readonly [T, ...T[]],
  pod: Pick<Pod, 'serviceAccount'>,
): T {
  return services.find(({ name }) => name === pod.serviceAccount) ?? services[0];
}

function choose(pod: Pod, reader: AnnotationReader, { serviceNames, consul }: Naming): ServiceName {
  const given = reader.text(ANNOTATION);
  const ofServiceAccount: ServiceName = { name: pod.serviceAccount, nameSource: 'service-account' };
  if (serviceNames === 'service-account') {
    if (given !== undefined && given !== pod.serviceAccount)
      reader.warn(
        'no-effect',
        ANNOTATION,
        `has no effect: with --service-names=service-account the service is ${quote(pod.serviceAccount)}, like the ServiceAccount`,
      );
    return ofServiceAccount;
  }
  if (given !== undefined) return ofAnnotation(given);
  if (serviceNames === 'auto' && consul.authMethod !== undefined) return ofServiceAccount;
  return { name: pod.containers[0]?.name ?? '', nameSource: 'container' };
}

const SOURCES = {
  annotation: '',
  'service-account': ' (the ServiceAccount of the pod)',
  container: ' (the name of the first container)',
} as const;

function isUsable({ name, nameSource }: ServiceName, reader: AnnotationReader): boolean {
  const found = (): string => `${quote(name)}${SOURCES[nameSource]}`;
  if (!SERVICE_NAME.test(name)) {
    reader.problem(
      ANNOTATION,
      `${found()} is not a letter or digit followed by at most 63 of A-Z a-z 0-9 _ -`,
    );
    return false;
  }
  if (isReservedName(name)) {
    reader.problem(
      ANNOTATION,
      `${found()} is reserved: Consul's servers are "consul", and proxies end in "-sidecar-proxy"; choose another name`,
    );
    return false;
  }
  if (!isDnsLabel(name))
    reader.warn('no-dns-label', ANNOTATION, `${found()} is not a DNS label; Consul DNS cannot answer for it`);
  return true;
}

/**
 * The token of a login allows the service of the ServiceAccount and no other, and the token of the registrar, which
 * writes the registration in dataplane mode, must not give a pod more than that.
 */
function checkServiceAccount(
  name: string,
  { serviceAccount }: Pod,
  reader: AnnotationReader,
  { serviceAccountCheck, consul: { authMethod } }: Naming,
): void {
  if (authMethod === undefined) return;
  const method = `the auth method ${quote(authMethod)}`;
  // A binding rule may accept it nevertheless, which the webhook cannot see.
  if (name === DEFAULT_ACCOUNT && serviceAccount === DEFAULT_ACCOUNT)
    reader.warn(
      'default-service-account',
      ANNOTATION,
      `is not set, and neither is serviceAccountName: the pod does not start unless a binding rule of ${method} lets "default" log in; give it a ServiceAccount with the name of its service`,
    );
  if (name === serviceAccount) return;
  const message = `${quote(name)} is not the ServiceAccount of the pod, ${quote(serviceAccount)}, the only service that its login by ${method} allows`;
  if (serviceAccountCheck === 'warn')
    reader.warn(
      'other-service-account',
      ANNOTATION,
      `${message} unless that has the annotation consul.hashicorp.com/service-name: ${quote(name)}`,
    );
  else
    reader.problem(
      ANNOTATION,
      `${message}; set serviceAccountName to ${quote(name)}, or ${ANNOTATION} to ${quote(serviceAccount)}. Where ServiceAccounts name their services by the annotation consul.hashicorp.com/service-name, the webhook needs --service-account-check=warn`,
    );
}
