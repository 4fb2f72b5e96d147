/** What an author excludes from redirection: lists of ports, networks and users; each element is read or reported. */
import { LARGEST_UID, LONGEST_LIST } from '../redirection/options.ts';
import { parseCidr, type Cidr } from '../support/cidr.ts';
import { splitCommaList } from '../support/comma-list.ts';
import { parsePort } from '../support/port.ts';
import { parseWholeNumber, quote } from '../support/text.ts';
import type { AnnotationReader } from './annotation-reader.ts';
import { namedPorts, type Pod } from './pod.ts';

export type Exclusions = {
  readonly inboundPorts: readonly number[];
  readonly outboundPorts: readonly number[];
  readonly outboundCidrs: readonly Cidr[];
  readonly uids: readonly number[];
};

export const exclusionNames = [
  'transparent-proxy-exclude-inbound-ports',
  'transparent-proxy-exclude-outbound-ports',
  'transparent-proxy-exclude-outbound-cidrs',
  'transparent-proxy-exclude-uids',
] as const;

type ExclusionName = (typeof exclusionNames)[number];

/** The rest of what a rule can hold is the sidecar's and its exposed paths'. */
export const MOST_EXCLUSIONS = LONGEST_LIST / 2;

export function readExclusions(pod: Pod, reader: AnnotationReader): Exclusions {
  const [inbound, outbound, cidrs, uids] = exclusionNames;
  const ports = reader.has(inbound) ? namedPorts(pod) : new Map<string, number>();
  return {
    inboundPorts: readList(
      inbound,
      reader,
      'a port from 1 to 65535, or the name of a TCP port of a container',
      (text) => ports.get(text) ?? parsePort(text),
    ),
    outboundPorts: readList(outbound, reader, 'a port from 1 to 65535', parsePort),
    outboundCidrs: readList(cidrs, reader, 'an IPv4 or IPv6 address or network', parseCidr),
    uids: readList(uids, reader, `a user id from 0 to ${LARGEST_UID}`, parseUid),
  };
}

function readList<T>(
  name: ExclusionName,
  reader: AnnotationReader,
  expected: string,
  parse: (text: string) => T | undefined,
): readonly T[] {
  const given = reader.text(name);
  if (given === undefined) return [];
  const texts = splitExclusions(given);
  if (texts.length > MOST_EXCLUSIONS) {
    reader.problem(name, `${texts.length} elements; at most ${MOST_EXCLUSIONS} fit into the rules of a pod`);
    return [];
  }
  return texts.flatMap((text) => {
    const element = parse(text);
    if (element === undefined) reader.problem(name, `${quote(text)} is not ${expected}`);
    return element ?? [];
  });
}

/** Its elements, each once. */
export function splitExclusions(text: string): string[] {
  return [...new Set(splitCommaList(text))];
}

function parseUid(text: string): number | undefined {
  const number = parseWholeNumber(text);
  return number !== undefined && number <= LARGEST_UID ? number : undefined;
}
