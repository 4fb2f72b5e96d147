/** What is redirected in a pod and what is not; `tandem/redirect` carries it to the node. */
import { formatCidr, parseCidr, type Cidr } from '../support/cidr.ts';
import { isObject, parseJson } from '../support/json.ts';
import { LARGEST_PORT } from '../support/port.ts';
import { quote } from '../support/text.ts';

/** TCP ports and users that are named here are not redirected; all others are, in both families. */
export type RedirectOptions = {
  /** Those of the sidecar, its exposed paths, and what the author excludes. */
  readonly inboundPorts: readonly number[];
  readonly outboundPorts: readonly number[];
  readonly outboundCidrs: readonly Cidr[];
  /** Traffic of these users is not redirected; the sidecar's is one of them. */
  readonly uids: readonly number[];
  /** For TCP probes. */
  readonly handshakes: readonly Handshake[];
  /** Where the sidecar answers DNS on the loopback address; undefined leaves DNS alone. */
  readonly dnsPort: number | undefined;
};

/** A connection to `port` is opened at `to`, and carries nothing in either direction. */
export type Handshake = { readonly port: number; readonly to: number };

/** Inbound traffic of the pod is sent to Envoy's public listener, outbound traffic to the outbound one (Consul's default). */
export const INBOUND_PORT = 20_000;
export const OUTBOUND_PORT = 15_001;

/** Linux: -1 as an unsigned number of 32 bits means "no user". */
export const LARGEST_UID = 4_294_967_294;
/** Of each list: each entry costs the node an element of a rule. */
export const LONGEST_LIST = 1024;
/** A probe each: three of the containers that have ports for them. A rule each, unlike the elements of a list. */
const MOST_HANDSHAKES = 300;
/** In characters: the webhook writes at most 50,000, and the redirector holds the text of every pod that waits. */
export const LONGEST_TEXT = 65_536;

/** Another form gets another number: the node never guesses what a newer webhook meant. */
const VERSION = 1;

/** Compact JSON. */
export function formatRedirectOptions(options: RedirectOptions): string {
  const { inboundPorts, outboundPorts, uids, handshakes, dnsPort, outboundCidrs } = options;
  const written = {
    version: VERSION,
    inboundPorts,
    outboundPorts,
    uids,
    handshakes,
    dnsPort,
    outboundCidrs: outboundCidrs.map(formatCidr),
  } satisfies Record<keyof RedirectOptions | 'version', unknown>;
  return JSON.stringify(written);
}

/** The text is refused unless all of it is as `formatRedirectOptions` writes it; `problem` names the place. */
type ParsedOptions =
  | { readonly kind: 'options'; readonly options: RedirectOptions }
  | { readonly kind: 'invalid'; readonly problem: string };

/** Reads what anybody may have written. */
export function parseRedirectOptions(text: string): ParsedOptions {
  if (text.length > LONGEST_TEXT)
    return { kind: 'invalid', problem: `is longer than ${LONGEST_TEXT} characters` };
  const value = parseJson(text);
  if (!isObject(value)) return { kind: 'invalid', problem: 'is not a JSON object' };
  const { version, inboundPorts, outboundPorts, outboundCidrs, uids, handshakes, dnsPort, ...others } = value;
  if (version !== VERSION)
    return { kind: 'invalid', problem: `version: must be ${VERSION}, which this version of Tandem reads` };
  try {
    for (const key of Object.keys(others)) throw new Invalid(`${quote(key)}: is not known`);
    return {
      kind: 'options',
      options: {
        inboundPorts: list('inboundPorts', inboundPorts, port),
        outboundPorts: list('outboundPorts', outboundPorts, port),
        outboundCidrs: list('outboundCidrs', outboundCidrs, cidr),
        uids: list('uids', uids, uid),
        handshakes: list('handshakes', handshakes, handshake, MOST_HANDSHAKES),
        dnsPort: dnsPort === undefined ? undefined : port('dnsPort', dnsPort),
      },
    };
  } catch (error) {
    if (error instanceof Invalid) return { kind: 'invalid', problem: error.message };
    throw error;
  }
}

class Invalid extends Error {}

type Parse<T> = (at: string, value: unknown) => T;

function list<T>(at: string, value: unknown, parse: Parse<T>, most = LONGEST_LIST): readonly T[] {
  if (!Array.isArray(value) || value.length > most)
    throw new Invalid(`${at}: must be a list of at most ${most} elements`);
  return value.map((element: unknown, index) => parse(`${at}[${index}]`, element));
}

function number(min: number, max: number, what: string): Parse<number> {
  return (at, value) => {
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
    throw new Invalid(`${at}: must be ${what}, ${min} to ${max}`);
  };
}

const port = number(1, LARGEST_PORT, 'a port');
const uid = number(0, LARGEST_UID, 'a user id');

function cidr(at: string, value: unknown): Cidr {
  const parsed = typeof value === 'string' ? parseCidr(value) : undefined;
  if (parsed === undefined) throw new Invalid(`${at}: must be an IP address or network`);
  return parsed;
}

function handshake(at: string, value: unknown): Handshake {
  if (!isObject(value) || Object.keys(value).some((key) => key !== 'port' && key !== 'to'))
    throw new Invalid(`${at}: must be an object of port and to`);
  return { port: port(`${at}.port`, value['port']), to: port(`${at}.to`, value['to']) };
}
