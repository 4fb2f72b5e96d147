/**
 * The grammar of `connect-service-upstreams`, for variables, registration and validation alike:
 *
 *     upstream    = service-ref ":" port [ ":" datacenter ] [ options ]
 *                 | "prepared_query:" query-name ":" port [ ":" datacenter ]
 *     service-ref = name | name ".svc" [ "." ns ".ns" ] [ "." peer ".peer" | "." partition ".ap" | "." dc ".dc" ]
 *     options     = "?" key "=" value { "&" key "=" value }
 *     port        = 1..65535, or the name of a container port
 */
import { LOOPBACK } from '../model/registration.ts';
import { parseWholeNumber, nearest, quote } from '../support/text.ts';
import { isIpAddress } from '../support/ip-address.ts';
import {
  PREPARED_QUERY,
  meshGatewayModes,
  type MeshGatewayMode,
  type ServiceUpstream,
  type Upstream,
} from './upstream.ts';

type ParsedUpstream =
  { readonly ok: true; readonly upstream: Upstream } | { readonly ok: false; readonly expected: string };

/** The named ports of the pod's containers. */
type NamedPorts = ReadonlyMap<string, number>;

// Consul refuses nothing here, yet its DNS, its intentions and its config entries can use no other name.
const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,252})$/;
const EXPECTED_NAME = 'a name of letters, digits, "-", "_" and ".", at most 253 characters';
const OPTION_KEYS = ['local_bind_address', 'destination_port', 'mesh_gateway_mode', 'datacenter'];

/** The elements of the list, which commas, spaces, tabs and line breaks separate; empty ones do not count. */
export function splitUpstreams(text: string): string[] {
  return text.split(/[, \t\r\n]+/).filter((element) => element !== '');
}

/** Reads one element. Never throws; `expected` of a failure says what is wrong and what would be right. */
export function parseUpstream(element: string, ports: NamedPorts): ParsedUpstream {
  const [reference = '', ...more] = element.split('?');
  if (more.length > 1) return failed('more than one "?"; options are joined with "&"');
  const parts = reference.split(':');
  if (parts[0] === PREPARED_QUERY && parts.length > 2) return preparedQuery(parts.slice(1), more[0], ports);
  return service(parts, more[0], ports);
}

function preparedQuery(
  parts: readonly string[],
  options: string | undefined,
  ports: NamedPorts,
): ParsedUpstream {
  if (options !== undefined) return failed('a prepared query takes no options');
  const place = parsePlace(parts, ports);
  if (!place.ok) return place;
  const { name, localBindPort, datacenter } = place;
  if (!NAME.test(name)) return failed(`${quote(name)} is not ${EXPECTED_NAME}`);
  return {
    ok: true,
    upstream: {
      kind: 'prepared-query',
      name,
      ...(datacenter === undefined ? {} : { datacenter }),
      localBindAddress: LOOPBACK,
      localBindPort,
    },
  };
}

function service(
  parts: readonly string[],
  optionText: string | undefined,
  ports: NamedPorts,
): ParsedUpstream {
  const [target = '', , third] = parts;
  if (third !== undefined && /.\.svc(\.|$)/.test(target)) return failed(thirdPart(third));
  const place = parsePlace(parts, ports);
  if (!place.ok) return place;
  const reference = parseReference(place.name);
  if (!reference.ok) return reference;
  const options = parseOptions(optionText);
  if (!options.ok) return options;
  const datacenters = [reference.datacenter, place.datacenter, options.datacenter].filter(
    (name) => name !== undefined,
  );
  if (new Set(datacenters).size > 1)
    return failed(`two datacenters, ${datacenters.map(quote).join(' and ')}`);
  const [datacenter] = datacenters;
  if (datacenter !== undefined && reference.labels.peer !== undefined) {
    return failed('a peer and a datacenter; a peer has its own datacenter');
  }
  return {
    ok: true,
    upstream: {
      kind: 'service',
      name: reference.name,
      ...reference.labels,
      ...(datacenter === undefined ? {} : { datacenter }),
      localBindAddress: LOOPBACK,
      localBindPort: place.localBindPort,
      ...options.values,
    },
  };
}

type Failure = { readonly ok: false; readonly expected: string };

function failed(expected: string): Failure {
  return { ok: false, expected };
}

type Place = {
  readonly ok: true;
  readonly name: string;
  readonly localBindPort: number;
  readonly datacenter?: string;
};

/** `name:port` or `name:port:datacenter`. */
function parsePlace(parts: readonly string[], ports: NamedPorts): Place | Failure {
  const [name = '', portText, datacenter, ...rest] = parts;
  if (portText === undefined) return failed('no ":"; expected <service>:<local port>');
  if (name === '') return failed('no service name in front of ":"');
  if (portText === '') return failed('no local port behind ":"');
  if (rest.length > 0) return failed('too many ":"; expected <service>:<local port>[:<datacenter>]');
  const localBindPort = parsePort(portText, ports);
  if (localBindPort === undefined) {
    return failed(
      `${quote(portText)} is neither a port from 1 to 65535 nor the name of a TCP port of a container`,
    );
  }
  if (datacenter === undefined) return { ok: true, name, localBindPort };
  if (!NAME.test(datacenter)) return failed(`the datacenter ${quote(datacenter)} is not ${EXPECTED_NAME}`);
  return { ok: true, name, localBindPort, datacenter };
}

function parsePort(text: string, ports: NamedPorts): number | undefined {
  if (!/^[0-9]/.test(text) || parseWholeNumber(text) === undefined) return ports.get(text);
  const port = Number(text);
  return port >= 1 && port <= 65535 ? port : undefined;
}

type Reference = {
  readonly ok: true;
  readonly name: string;
  readonly labels: Pick<ServiceUpstream, 'namespace' | 'partition' | 'peer'>;
  readonly datacenter?: string;
};

/** In consul-k8s it is the destination port, or options (endpoints_controller.go, processLabeledUpstream), and no datacenter. */
function thirdPart(text: string): string {
  const meant = text.includes('=') ? `?${text}` : `?destination_port=${text}`;
  return `${quote(text)} behind the port of a ".svc" name, where consul-k8s takes a destination port or options: write ${quote(meant)} there without ":", or .<name>.dc in front of the port for a datacenter`;
}

/** Without `.svc` every dot belongs to the name: there are no namespaces in the community edition. */
function parseReference(text: string): Reference | Failure {
  const segments = text.split('.');
  const mark = segments.indexOf('svc', 1);
  const name = mark === -1 ? text : segments.slice(0, mark).join('.');
  if (!NAME.test(name)) return failed(`${quote(name)} is not ${EXPECTED_NAME}`);
  return mark === -1 ? { ok: true, name, labels: {} } : parseLabels(name, segments.slice(mark + 1));
}

/**
 *     .svc [ .<namespace>.ns ] then at most one of .<name>.peer, .<name>.ap, .<name>.dc
 */
function parseLabels(name: string, segments: readonly string[]): Reference | Failure {
  const pairs = pairUp(segments);
  const [first, ...others] = pairs;
  const namespace = first?.label === 'ns' ? first.value : undefined;
  const rest = namespace === undefined ? pairs : others;
  const [place, excess] = rest;
  const wrong = rest.find(({ label, value }) => !['peer', 'ap', 'dc'].includes(label) || !NAME.test(value));
  if ((namespace !== undefined && !NAME.test(namespace)) || wrong !== undefined || excess !== undefined) {
    return failed(
      `${quote(`.${segments.join('.')}`)} behind ".svc"; expected [.<name>.ns] and one of .<name>.peer, .<name>.ap, .<name>.dc`,
    );
  }
  const labels = {
    ...(namespace === undefined ? {} : { namespace }),
    ...(place?.label === 'peer' ? { peer: place.value } : {}),
    ...(place?.label === 'ap' ? { partition: place.value } : {}),
  };
  return { ok: true, name, labels, ...(place?.label === 'dc' ? { datacenter: place.value } : {}) };
}

function pairUp(segments: readonly string[]): { value: string; label: string }[] {
  const pairs = [];
  for (let index = 0; index < segments.length; index += 2) {
    pairs.push({ value: segments[index] ?? '', label: segments[index + 1] ?? '' });
  }
  return pairs;
}

type Options = {
  readonly ok: true;
  readonly values: Partial<Pick<ServiceUpstream, 'localBindAddress' | 'destinationPort' | 'meshGatewayMode'>>;
  readonly datacenter?: string;
};

function parseOptions(text: string | undefined): Options | Failure {
  if (text === undefined) return { ok: true, values: {} };
  const found = new Map<string, string>();
  for (const option of text.split('&')) {
    const [key = '', ...rest] = option.split('=');
    const value = rest.join('=');
    if (!OPTION_KEYS.includes(key)) return failed(unknownOption(key));
    if (value === '') return failed(`the option ${quote(key)} has no value`);
    if (found.has(key)) return failed(`the option ${quote(key)} twice`);
    found.set(key, value);
  }
  return readOptions(found);
}

function unknownOption(key: string): string {
  const near = nearest(key, OPTION_KEYS);
  const hint = near === undefined ? `expected one of ${OPTION_KEYS.join(', ')}` : `did you mean ${near}?`;
  return `unknown option ${quote(key)}; ${hint}`;
}

function readOptions(found: ReadonlyMap<string, string>): Options | Failure {
  const address = found.get('local_bind_address');
  if (address !== undefined && !isIpAddress(address)) return failed(`${quote(address)} is no IP address`);
  const mode = found.get('mesh_gateway_mode');
  const meshGatewayMode = meshGatewayModes.find((known): known is MeshGatewayMode => known === mode);
  if (mode !== undefined && meshGatewayMode === undefined) {
    return failed(`mesh_gateway_mode ${quote(mode)}; expected one of ${meshGatewayModes.join(', ')}`);
  }
  const destinationPort = found.get('destination_port');
  const datacenter = found.get('datacenter');
  for (const name of [destinationPort, datacenter]) {
    if (name !== undefined && !NAME.test(name)) return failed(`${quote(name)} is not ${EXPECTED_NAME}`);
  }
  return {
    ok: true,
    values: {
      ...(address === undefined ? {} : { localBindAddress: address }),
      ...(destinationPort === undefined ? {} : { destinationPort }),
      ...(meshGatewayMode === undefined ? {} : { meshGatewayMode }),
    },
    ...(datacenter === undefined ? {} : { datacenter }),
  };
}
