/**
 * The grammar of `connect-service-upstreams`, for variables, registration and validation alike:
 *
 *     upstream    = service-ref ":" port [ ":" [ datacenter ] ] [ options ]
 *                 | "prepared_query:" query-name ":" port [ ":" [ datacenter ] ]
 *     service-ref = name | name ".svc" [ "." ns ".ns" ] [ "." peer ".peer" | "." partition ".ap" | "." dc ".dc" ]
 *     options     = "?" key "=" value { "&" key "=" value }
 *     port        = 1..65535, or the name of a container port
 */
import { LOOPBACK, type ProxyUpstream } from '../model/registration.ts';
import { parsePort } from '../support/port.ts';
import { parseWholeNumber, nearest, quote } from '../support/text.ts';
import { isIpAddress } from '../support/ip-address.ts';

type Failure = { readonly ok: false; readonly expected: string };

type Parsed<T> = { readonly ok: true; readonly value: T } | Failure;

/** The named ports of the pod's containers. */
type NamedPorts = ReadonlyMap<string, number>;

export const PREPARED_QUERY = 'prepared_query';
export const meshGatewayModes: readonly string[] = ['none', 'local', 'remote'];

// Consul refuses nothing here, yet its DNS, its intentions and its config entries can use no other name.
const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,252})$/;
const EXPECTED_NAME = 'a name of letters, digits, "-", "_" and ".", at most 253 characters';
const OPTION_KEYS = ['local_bind_address', 'destination_port', 'mesh_gateway_mode', 'datacenter'];

/** The elements of the list, which commas, spaces, tabs and line breaks separate; empty ones do not count. */
export function splitUpstreams(text: string): string[] {
  return text.split(/[, \t\r\n]+/).filter((element) => element !== '');
}

/** Reads one element. Never throws; `expected` of a failure says what is wrong and what would be right. */
export function parseUpstream(element: string, ports: NamedPorts): Parsed<ProxyUpstream> {
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
): Parsed<ProxyUpstream> {
  if (options !== undefined) return failed('a prepared query takes no options');
  const place = parsePlace(parts, ports);
  if (!place.ok) return place;
  const { name, bindPort, datacenter } = place.value;
  if (!NAME.test(name)) return failed(`${quote(name)} is not ${EXPECTED_NAME}`);
  return { ok: true, value: { ...PLAIN_QUERY, name, bindPort, datacenter } };
}

function service(
  parts: readonly string[],
  optionText: string | undefined,
  ports: NamedPorts,
): Parsed<ProxyUpstream> {
  const [target = '', , third = ''] = parts;
  const misplaced = third === '' ? undefined : noDatacenter(third, /.\.svc(\.|$)/.test(target));
  if (misplaced !== undefined) return failed(misplaced);
  const place = parsePlace(parts, ports);
  if (!place.ok) return place;
  const reference = parseReference(place.value.name);
  if (!reference.ok) return reference;
  const options = parseOptions(optionText);
  if (!options.ok) return options;
  const datacenters = [reference, place, options]
    .map(({ value }) => value.datacenter)
    .filter((name) => name !== '');
  const [datacenter = ''] = datacenters;
  if (datacenters.some((each) => each !== datacenter))
    return failed(`two datacenters, ${datacenters.map(quote).join(' and ')}`);
  if (datacenter !== '' && reference.value.peer !== '')
    return failed('a peer and a datacenter; a peer has its own datacenter');
  const { bindAddress, destinationPort, meshGateway } = options.value;
  const named = { ...reference.value, type: 'service', datacenter, destinationPort, meshGateway };
  return { ok: true, value: { ...named, bindAddress, bindPort: place.value.bindPort } };
}

function failed(expected: string): Failure {
  return { ok: false, expected };
}

type Place = Pick<ProxyUpstream, 'name' | 'bindPort' | 'datacenter'>;

/** `name:port` or `name:port:datacenter`; an empty one is none, as in consul-k8s. */
function parsePlace(parts: readonly string[], ports: NamedPorts): Parsed<Place> {
  const [name = '', portText, datacenter = '', ...rest] = parts;
  if (portText === undefined) return failed('no ":"; expected <service>:<local port>');
  if (name === '') return failed('no service name before ":"');
  if (portText === '') return failed('no local port after ":"');
  if (rest.length > 0) return failed('too many ":"; expected <service>:<local port>[:<datacenter>]');
  const isNamed = parseWholeNumber(portText) === undefined;
  const bindPort = isNamed ? ports.get(portText) : parsePort(portText);
  if (bindPort === undefined)
    return failed(
      `${quote(portText)} is neither a port from 1 to 65535 nor the name of a TCP port of a container`,
    );
  if (datacenter !== '' && !NAME.test(datacenter))
    return failed(`the datacenter ${quote(datacenter)} is not ${EXPECTED_NAME}`);
  return { ok: true, value: { name, bindPort, datacenter } };
}

/**
 * What consul-k8s expects after the second colon, and is no datacenter: options, and of a ".svc" name the destination port
 * (endpoints_controller.go, parseUnlabeledUpstreamExtraFields and parseLabeledUpstreamExtraFields).
 */
function noDatacenter(text: string, isLabelled: boolean): string | undefined {
  const isOptions = text.includes('=');
  const meant = quote(isOptions ? `?${text}` : `?destination_port=${text}`);
  if (isLabelled)
    return `${quote(text)} after the port of a ".svc" name, where consul-k8s expects a destination port or options: write ${meant} there without ":", or .<name>.dc before the port for a datacenter`;
  return isOptions ? `${quote(text)} are options: write ${meant} there without ":"` : undefined;
}

type Labels = Pick<ProxyUpstream, 'namespace' | 'partition' | 'peer' | 'datacenter'>;

const NO_LABELS: Labels = { namespace: '', partition: '', peer: '', datacenter: '' };

/** Without `.svc` every dot belongs to the name: there are no namespaces in the community edition. */
function parseReference(text: string): Parsed<Labels & Pick<ProxyUpstream, 'name'>> {
  const segments = text.split('.');
  const mark = segments.indexOf('svc', 1);
  const name = mark === -1 ? text : segments.slice(0, mark).join('.');
  if (!NAME.test(name)) return failed(`${quote(name)} is not ${EXPECTED_NAME}`);
  if (mark === -1) return { ok: true, value: { ...NO_LABELS, name } };
  const labels = segments.slice(mark + 1).map((segment) => `.${segment}`);
  return parseLabels(name, labels.join(''));
}

/** Namespace, then the place and its kind. */
const LABELS = /^(?:\.([^.]+)\.ns)?(?:\.([^.]+)\.(peer|ap|dc))?$/;

function parseLabels(name: string, text: string): ReturnType<typeof parseReference> {
  const found = LABELS.exec(text);
  const [, namespace = '', place = '', kind] = found ?? [];
  if (found === null || [namespace, place].some((each) => each !== '' && !NAME.test(each)))
    return failed(
      `${quote(text)} after ".svc"; expected [.<name>.ns] and one of .<name>.peer, .<name>.ap, .<name>.dc`,
    );
  const placeAs = (each: string): string => (each === kind ? place : '');
  const labels = { namespace, partition: placeAs('ap'), peer: placeAs('peer'), datacenter: placeAs('dc') };
  return { ok: true, value: { name, ...labels } };
}

type Options = Pick<ProxyUpstream, 'bindAddress' | 'destinationPort' | 'meshGateway' | 'datacenter'>;

const NO_OPTIONS: Options = { bindAddress: LOOPBACK, destinationPort: '', meshGateway: '', datacenter: '' };

const PLAIN_QUERY = { type: PREPARED_QUERY, ...NO_LABELS, ...NO_OPTIONS };

function parseOptions(text: string | undefined): Parsed<Options> {
  if (text === undefined) return { ok: true, value: NO_OPTIONS };
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

function readOptions(found: ReadonlyMap<string, string>): Parsed<Options> {
  const bindAddress = found.get('local_bind_address') ?? LOOPBACK;
  if (!isIpAddress(bindAddress)) return failed(`${quote(bindAddress)} is not an IP address`);
  const meshGateway = found.get('mesh_gateway_mode') ?? '';
  if (meshGateway !== '' && !meshGatewayModes.includes(meshGateway))
    return failed(`mesh_gateway_mode ${quote(meshGateway)}; expected one of ${meshGatewayModes.join(', ')}`);
  const [destinationPort = '', datacenter = ''] = ['destination_port', 'datacenter'].map((key) =>
    found.get(key),
  );
  for (const name of [destinationPort, datacenter])
    if (name !== '' && !NAME.test(name)) return failed(`${quote(name)} is not ${EXPECTED_NAME}`);
  return { ok: true, value: { bindAddress, destinationPort, meshGateway, datacenter } };
}
