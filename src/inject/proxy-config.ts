/** `proxy-config-map`: what the author of a pod adds to the configuration of its proxy. */
import { hasNullInList, isObject, parseJson, someText, type JsonObject } from '../support/json.ts';
import { hasControlInLines, quote } from '../support/text.ts';
import type { AnnotationReader } from './annotation-reader.ts';
import { unusableJson } from './user-volumes.ts';

const NAME = 'proxy-config-map';

// Far above any configuration in use, and an eighth of the room in a registration.
const MAX_LENGTH = 16_384;

/** Keys that would move listeners on which probes, checks and peers rely, each with a hint for the author. */
const OURS: ReadonlyMap<string, string> = new Map([
  ['bind_address', 'peers and checks reach the proxy at the address of the pod'],
  ['bind_port', 'peers and checks reach the proxy on port 20000'],
  ['envoy_prometheus_bind_addr', 'use enable-metrics and prometheus-scrape-port'],
  ['envoy_ready_bind_address', 'the probes of the pod use it'],
  ['envoy_ready_bind_port', 'the probes of the pod use it'],
]);

// Consul stores it, and then closes the connection of everyone who asks for the node of the proxy (1.20.6: its lib.MapWalk
// panics).
const NULL_IN_LIST = 'has null in a list, which Consul cannot return; leave it out';

// Consul returns it to everybody who may read the service, and a terminal would obey it.
const CONTROL = 'holds a control character; leave it out';

export function readProxyConfig(reader: AnnotationReader): JsonObject {
  const text = reader.text(NAME);
  if (text === undefined || text.trim() === '') return {};
  const config = text.length > MAX_LENGTH ? undefined : parseJson(text);
  if (!isObject(config)) {
    reader.problem(NAME, `${quote(text)} is not a JSON object of at most ${MAX_LENGTH} characters`);
    return {};
  }
  const wrong = unusableJson(config) ?? unfitForConsul(config);
  if (wrong !== undefined) {
    reader.problem(NAME, `${quote(text)} ${wrong}`);
    return {};
  }
  for (const [key, why] of OURS)
    if (Object.hasOwn(config, key)) reader.problem(NAME, `${quote(key)} is written by Tandem: ${why}`);
  return config;
}

function unfitForConsul(config: JsonObject): string | undefined {
  if (hasNullInList(config)) return NULL_IN_LIST;
  return someText(config, hasControlInLines) ? CONTROL : undefined;
}
