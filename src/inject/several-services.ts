/**
 * A pod with several services, as in consul-k8s: `connect-service: web,admin` with `connect-service-port: 8080,9090`. Each has a
 * sidecar of its own, whose containers end in its name.
 */
import { isDnsLabel } from '../support/dns-name.ts';
import type { JsonObject } from '../support/json.ts';
import { quote } from '../support/text.ts';
import type { AnnotationReader } from './annotation-reader.ts';
import {
  ACCOUNT_VOLUME,
  DATAPLANE_CONTAINER,
  ENVOY_CONTAINER,
  INIT_CONTAINER,
  MOST_SERVICES,
} from './names.ts';
import { repeated, type Pod } from './pod.ts';
import type { InjectSettings } from './settings.ts';

const SERVICE = 'connect-service';
const PORT = 'connect-service-port';

export function isSeveral(text: string): boolean {
  return text.includes(',');
}

export function commaParts(text: string): readonly string[] {
  return text.split(',').map((each) => each.trim());
}

// Kubernetes takes 63 characters for the name of a container.
const NAME_LENGTH = 63;
const LONGEST = { agent: ENVOY_CONTAINER, dataplane: DATAPLANE_CONTAINER } as const;

/** What consul-k8s calls the volume with the token of a service that is not the ServiceAccount of the pod. */
export function accountVolume(service: string): string {
  return service + ACCOUNT_VOLUME;
}

/** What is wrong with names that are valid one by one, but not together in one pod. */
export function checkNames(names: readonly string[], reader: AnnotationReader): void {
  if (names.length > MOST_SERVICES)
    reader.problem(SERVICE, `names ${names.length} services; a pod has at most ${MOST_SERVICES}`);
  for (const name of repeated(names))
    reader.problem(SERVICE, `${quote(name)} appears twice; name each service of the pod once`);
}

export function canNameContainers(
  name: string,
  reader: AnnotationReader,
  { mode }: Pick<InjectSettings, 'mode'>,
): boolean {
  const most = NAME_LENGTH - LONGEST[mode].length - 1;
  if (isDnsLabel(name) && name.length <= most) return true;
  reader.problem(
    SERVICE,
    `${quote(name)} is one of several services, after which containers are named: 1 to ${most} of a-z 0-9 and -, starting and ending with a letter or digit`,
  );
  return false;
}

/** A missing value is a problem, and counts as empty. */
export function portTexts(reader: AnnotationReader): readonly string[] {
  const services = commaParts(reader.text(SERVICE) ?? '').length;
  const text = reader.text(PORT);
  const ports = text === undefined ? [] : commaParts(text);
  if (ports.length !== services)
    reader.problem(
      PORT,
      `${text === undefined ? 'is missing' : `${quote(text)} names ${count(ports.length)}`}, and ${SERVICE} names ${services} services; name one port for each, in their order, such as 8080,9090`,
    );
  return ports;
}

function count(ports: number): string {
  return ports === 1 ? 'one port' : `${ports} ports`;
}

type Asked = {
  readonly services: readonly { readonly port: number | undefined }[];
  readonly otherAccounts: readonly string[];
  readonly redirect: object | undefined;
  readonly extraArgs: readonly string[];
  readonly userVolumes: readonly JsonObject[];
};

/** What prevents several services in the rest of the pod. */
export function checkSeveral(pod: Pod, mesh: Asked, reader: AnnotationReader): void {
  for (const port of repeated(mesh.services.flatMap((each) => each.port ?? [])))
    reader.problem(PORT, `port ${port} is that of two services; give each service of the pod its own`);
  if (mesh.redirect !== undefined)
    reader.problem(
      'transparent-proxy',
      'is not possible in a pod with several services, as in consul-k8s; set it to "false", or split the pod into one for each service',
    );
  if (mesh.extraArgs.some((each) => each.startsWith('--base-id')))
    reader.problem(
      'envoy-extra-args',
      '--base-id is set by Tandem for each sidecar of several services; leave it out',
    );
  const prefixes = [INIT_CONTAINER, ENVOY_CONTAINER, DATAPLANE_CONTAINER].map((each) => `${each}-`);
  for (const { name } of [...pod.initContainers, ...pod.containers])
    if (prefixes.some((prefix) => name.startsWith(prefix)))
      reader.fieldProblem('spec', `the container name ${quote(name)} is reserved for Tandem`);
  const ofUser = new Set(mesh.userVolumes.map((each) => each['name']));
  for (const volume of mesh.otherAccounts.map(accountVolume))
    if (pod.volumes.includes(volume) || ofUser.has(volume))
      reader.fieldProblem('spec.volumes', `the volume name ${quote(volume)} is reserved for Tandem`);
}
