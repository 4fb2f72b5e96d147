/** The service that a pod offers: port, tags and meta, from its annotations, beside its name. */
import { META_KEY, META_PAIRS, META_VALUE_BYTES, POD_META_KEYS } from '../model/consul-names.ts';
import { asString, type JsonObject } from '../support/json.ts';
import { isPort } from '../support/port.ts';
import { hasControlInLines, mustBeString, parseWholeNumber, quote } from '../support/text.ts';
import type { AnnotationReader } from './annotation-reader.ts';
import { ANNOTATION_PREFIX, META_PREFIX } from '../model/kubernetes-names.ts';
import { splitTags } from '../support/tags.ts';
import { isTcp, longRunning, namedPorts, type Pod } from './pod.ts';
import type { ServiceName, ServiceNames } from './service-name.ts';
import { isSeveral, portTexts } from './several-services.ts';

export type PodService = ServiceName & {
  /** Undefined: the pod is a client only. */
  readonly port: number | undefined;
  /** What `connect-service-port` says, or would say. */
  readonly portText: string | undefined;
  readonly tags: readonly string[];
  readonly meta: ReadonlyMap<string, string>;
};

export type PodServices = readonly [PodService, ...PodService[]];

/** Every service has the same tags and meta. */
export function readPodServices(pod: Pod, reader: AnnotationReader, names: ServiceNames): PodServices {
  const [named, ...others] = names;
  if (others.length === 0) return [readPodService(pod, reader, named)];
  const [text = '', ...texts] = portTexts(reader);
  const both = { tags: readTags(reader), meta: readMeta(pod.annotations, reader) };
  const serviceOf = (name: ServiceName, given: string): PodService => ({
    ...name,
    ...(given === '' ? { port: undefined, portText: undefined } : portOf(given, pod, reader)),
    ...both,
  });
  return [serviceOf(named, text), ...others.map((each, index) => serviceOf(each, texts[index] ?? ''))];
}

export function readPodService(pod: Pod, reader: AnnotationReader, named: ServiceName): PodService {
  const { port, portText } = readPort(pod, reader);
  return {
    ...named,
    port,
    portText,
    tags: readTags(reader),
    meta: readMeta(pod.annotations, reader),
  };
}

function readPort(pod: Pod, reader: AnnotationReader): Pick<PodService, 'port' | 'portText'> {
  const given = reader.text('connect-service-port');
  if (given === undefined) {
    const [container] = pod.containers;
    const first = container?.ports.find(isTcp);
    if (container !== undefined && container.ports.length > 0 && first === undefined)
      reader.warn(
        'no-tcp-port',
        'connect-service-port',
        `the container ${quote(container.name)} declares no TCP port, and the mesh carries TCP only: the pod is a client only, unless a TCP port is named here`,
      );
    return { port: first?.number, portText: first && (first.name ?? String(first.number)) };
  }
  if (isSeveral(given)) {
    reader.problem(
      'connect-service-port',
      `${quote(given)} are several ports, and the pod is one service; name one port, or as many services in connect-service`,
    );
    return { port: undefined, portText: given };
  }
  return portOf(given, pod, reader);
}

function portOf(given: string, pod: Pod, reader: AnnotationReader): Pick<PodService, 'port' | 'portText'> {
  const number = namedPorts(pod).get(given) ?? parseWholeNumber(given);
  const other = otherProtocol(pod, given, number);
  if (number === undefined && other !== undefined) {
    reader.problem(
      'connect-service-port',
      `${quote(given)} is a ${protocolName(other)} port, and the mesh carries TCP only`,
    );
  } else if (!isPort(number)) {
    reader.problem(
      'connect-service-port',
      `${quote(given)} is neither the name of a TCP port of a container that keeps running nor a number from 1 to 65535`,
    );
  } else if (other !== undefined) {
    reader.warn(
      'no-tcp-port',
      'connect-service-port',
      `port ${number} is declared as a ${protocolName(other)} port only, and the mesh carries TCP only`,
    );
  }
  return { port: number, portText: given };
}

/** The protocol of the port when the pod declares it for one that is not TCP, and for no other. */
function otherProtocol(pod: Pod, given: string, number: number | undefined): string | undefined {
  const declared = longRunning(pod)
    .flatMap(({ ports }) => ports)
    .filter((port) => port.name === given || port.number === number);
  return declared.some(isTcp) ? undefined : declared[0]?.protocol;
}

function protocolName(protocol: string): string {
  return protocol === 'UDP' || protocol === 'SCTP' ? protocol : quote(protocol);
}

function readTags(reader: AnnotationReader): string[] {
  const tags = (['service-tags', 'connect-service-tags'] as const).flatMap((name) => {
    const { kept, left } = splitTags(reader.text(name) ?? '');
    if (left !== undefined) reader.warn('control-character', name, left);
    return kept;
  });
  return [...new Set(tags)];
}

function readMeta(annotations: JsonObject, reader: AnnotationReader): ReadonlyMap<string, string> {
  const meta = new Map<string, string>();
  const prefix = `${ANNOTATION_PREFIX}${META_PREFIX}`;
  for (const name of Object.keys(annotations).filter((each) => each.startsWith(prefix))) {
    const key = name.slice(prefix.length);
    const value = asString(annotations[name])?.trim();
    const wrong = value === undefined ? mustBeString(annotations[name]) : wrongMeta(key, value);
    if (wrong !== undefined) reader.problem(`${META_PREFIX}${key}`, wrong);
    else if (hasControlInLines(value ?? ''))
      reader.warn(
        'control-character',
        `${META_PREFIX}${key}`,
        `${quote(value ?? '')} is left out: it holds a control character`,
      );
    else meta.set(key, value ?? '');
  }
  const room = META_PAIRS - POD_META_KEYS.size;
  if (meta.size > room)
    reader.problem(
      `${META_PREFIX}…`,
      `${meta.size} annotations; Consul takes ${META_PAIRS} pairs, of which ${room} are free`,
    );
  return meta;
}

export function wrongMeta(key: string, value: string): string | undefined {
  if (!META_KEY.test(key)) return 'the key is not 1 to 128 characters of A-Z a-z 0-9 _ -';
  if (key.startsWith('consul-')) return 'Consul keeps keys that start with "consul-" for itself';
  if (POD_META_KEYS.has(key)) return 'is written by Tandem and cannot be set';
  if (value.includes('\0')) return 'the value holds a NUL character';
  const bytes = new TextEncoder().encode(value).length;
  return bytes > META_VALUE_BYTES
    ? `the value has ${bytes} bytes; Consul takes ${META_VALUE_BYTES}`
    : undefined;
}
