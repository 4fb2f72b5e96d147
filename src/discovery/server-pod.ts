/** A pod that may be a server of Consul, and the address at which it is one. */
import { ANNOTATION_PREFIX } from '../model/kubernetes-names.ts';
import { hostAndPort, isIpAddress } from '../support/ip-address.ts';
import { isPort, parsePort } from '../support/port.ts';
import { elementsAt, property, textAt } from '../support/json.ts';
import { quote } from '../support/text.ts';

export type ServerPod = {
  /** `namespace/name` */
  readonly key: string;
  readonly phase: string;
  /** Status of each condition of type Ready: there is one, or none. */
  readonly ready: readonly string[];
  readonly podIp: string;
  readonly hostIp: string;
  readonly ports: readonly ContainerPort[];
  /** The annotation; empty when there is none. */
  readonly autoJoinPort: string;
};

/** 0 stands for a port that is not there. */
type ContainerPort = { readonly name: string; readonly containerPort: number; readonly hostPort: number };

export type PodAddress =
  | { readonly kind: 'address'; readonly host: string; readonly port: number | undefined }
  | { readonly kind: 'skip'; readonly reason: 'not-running' | 'not-ready' | 'no-address' }
  /** What somebody should fix. */
  | { readonly kind: 'left-out'; readonly warning: string };

const ANNOTATION = `${ANNOTATION_PREFIX}auto-join-port`;

/** Total: whatever the JSON is, the well-formed parts are kept. */
export function readServerPod(raw: unknown): ServerPod {
  const metadata = property(raw, 'metadata');
  const status = property(raw, 'status');
  const containers = elementsAt(property(raw, 'spec'), 'containers');
  return {
    key: `${textAt(metadata, 'namespace')}/${textAt(metadata, 'name')}`,
    phase: textAt(status, 'phase'),
    ready: elementsAt(status, 'conditions')
      .filter((condition) => property(condition, 'type') === 'Ready')
      .map((condition) => textAt(condition, 'status')),
    podIp: textAt(status, 'podIP'),
    hostIp: textAt(status, 'hostIP'),
    ports: containers.flatMap((container) => elementsAt(container, 'ports')).map(readPort),
    autoJoinPort: textAt(property(metadata, 'annotations'), ANNOTATION),
  };
}

/**
 * As Consul's agent does it (hashicorp/go-discover, provider/k8s):
 *
 * | pod | |
 * | --- | --- |
 * | phase is not Running | not-running |
 * | a Ready condition that is not True | not-ready |
 * | no pod IP, or host IP with host_network | no-address |
 * | one that is no IP address: requests to it would carry a token | left-out |
 * | annotation: name of a container port | that port; with host_network its host port, if it has one |
 * | annotation: 1 to 65535 | that port |
 * | any other annotation | left-out |
 * | no annotation | no port |
 */
export function podAddress(pod: ServerPod, hostNetwork: boolean): PodAddress {
  if (pod.phase !== 'Running') return { kind: 'skip', reason: 'not-running' };
  if (pod.ready.some((status) => status !== 'True')) return { kind: 'skip', reason: 'not-ready' };
  const host = hostNetwork ? pod.hostIp : pod.podIp;
  if (host === '') return { kind: 'skip', reason: 'no-address' };
  if (!isIpAddress(host)) {
    const field = hostNetwork ? 'status.hostIP' : 'status.podIP';
    return leftOut(pod, `${field} is ${quote(host)}, which is not an IP address`);
  }
  if (pod.autoJoinPort === '') return { kind: 'address', host, port: undefined };
  const port = namedPort(pod, pod.autoJoinPort, hostNetwork) ?? parsePort(pod.autoJoinPort);
  if (port !== undefined) return { kind: 'address', host, port };
  const what = hostNetwork ? 'container port with a host port' : 'container port';
  return leftOut(
    pod,
    `${ANNOTATION} is ${quote(pod.autoJoinPort)}, which is neither the name of a ${what} nor a number from 1 to 65535`,
  );
}

function leftOut({ key }: ServerPod, reason: string): PodAddress {
  return { kind: 'left-out', warning: `pod ${key} is left out: ${reason}` };
}

/** The first port of this name that is reachable in this way. */
export function namedPort(pod: ServerPod, name: string, hostNetwork: boolean): number | undefined {
  return pod.ports
    .filter((port) => port.name === name)
    .map(({ containerPort, hostPort }) => (hostNetwork ? hostPort : containerPort))
    .find((port) => port > 0);
}

/** `10.0.0.1`, `10.0.0.1:8301`, `fd00::1`, `[fd00::1]:8301`. */
export function formatAddress(host: string, port: number | undefined): string {
  return port === undefined ? host : hostAndPort(host, port);
}

function readPort(raw: unknown): ContainerPort {
  const number = (key: string): number => {
    const value = property(raw, key);
    return isPort(value) ? value : 0;
  };
  return { name: textAt(raw, 'name'), containerPort: number('containerPort'), hostPort: number('hostPort') };
}
