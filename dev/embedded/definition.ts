/** What clients send: the fields that Consul knows, and the entries of the catalog that they become. */
import { isObject } from '../../src/support/json.ts';
import type { CatalogCheck, CatalogNode, CatalogService, Texts, Weights } from './catalog.ts';

type Kind = 'text' | 'number' | 'boolean' | 'texts' | 'map' | 'object' | 'list';
type Fields = Readonly<Record<string, Kind>>;

/** An object of which each field is known and of its type; a `null` is as good as nothing, as in Go. */
export type Definition = Readonly<Record<string, unknown>>;

export const nodeFields: Fields = {
  ID: 'text',
  Node: 'text',
  Address: 'text',
  Datacenter: 'text',
  TaggedAddresses: 'map',
  Meta: 'map',
  CreateIndex: 'number',
  ModifyIndex: 'number',
};

export const serviceFields: Fields = {
  Kind: 'text',
  ID: 'text',
  Service: 'text',
  Tags: 'texts',
  Address: 'text',
  TaggedAddresses: 'object',
  Meta: 'map',
  Port: 'number',
  Weights: 'object',
  EnableTagOverride: 'boolean',
  Proxy: 'object',
  Connect: 'object',
  Locality: 'object',
  Namespace: 'text',
  Partition: 'text',
  PeerName: 'text',
  SocketPath: 'text',
  CreateIndex: 'number',
  ModifyIndex: 'number',
};

export const checkFields: Fields = {
  Node: 'text',
  CheckID: 'text',
  Name: 'text',
  Status: 'text',
  Notes: 'text',
  Output: 'text',
  ServiceID: 'text',
  ServiceName: 'text',
  ServiceTags: 'texts',
  Type: 'text',
  Interval: 'text',
  Timeout: 'text',
  ExposedPort: 'number',
  Definition: 'object',
  Namespace: 'text',
  Partition: 'text',
  CreateIndex: 'number',
  ModifyIndex: 'number',
};

const is: Readonly<Record<Kind, (value: unknown) => boolean>> = {
  text: (value) => typeof value === 'string',
  number: (value) => Number.isInteger(value),
  boolean: (value) => typeof value === 'boolean',
  texts: (value) => Array.isArray(value) && value.every((element) => typeof element === 'string'),
  map: (value) => isObject(value) && Object.values(value).every((element) => typeof element === 'string'),
  object: isObject,
  list: (value) => Array.isArray(value),
};

/**
 * @param place name of the object in a message
 * @throws Error with Go's own words for a field that is unknown, or of another type
 */
export function definition(value: unknown, fields: Fields, place: string): Definition {
  if (!isObject(value)) throw new Error(`json: cannot unmarshal a value that is no object into ${place}`);
  const known = Object.entries(value).filter(([key, field]) => {
    const kind = Object.hasOwn(fields, key) ? fields[key] : undefined;
    if (kind === undefined) throw new Error(`json: unknown field ${JSON.stringify(key)}`);
    if (field !== null && !is[kind](field))
      throw new Error(`json: cannot unmarshal ${typeof field} into field ${place}.${key}`);
    return field !== null;
  });
  return Object.fromEntries(known);
}

export function textOf(from: Definition, key: string): string {
  const value = from[key];
  return typeof value === 'string' ? value : '';
}

export function numberOf(from: Definition, key: string): number {
  const value = from[key];
  return typeof value === 'number' ? value : 0;
}

type Indexes = 'CreateIndex' | 'ModifyIndex';

export function nodeOf(from: Definition, datacenter: string): Omit<CatalogNode, Indexes> {
  return {
    ID: textOf(from, 'ID'),
    Node: textOf(from, 'Node'),
    Address: textOf(from, 'Address'),
    Datacenter: textOf(from, 'Datacenter') || datacenter,
    TaggedAddresses: sorted(from['TaggedAddresses']),
    Meta: sorted(from['Meta']),
  };
}

// What Consul fills in for a service that is no proxy.
const NO_PROXY = { Mode: '', MeshGateway: {}, Expose: {} };

export function serviceOf(from: Definition): Omit<CatalogService, Indexes> {
  const [kind, port, tagged] = [textOf(from, 'Kind'), numberOf(from, 'Port'), from['TaggedAddresses']];
  return {
    ...(kind === '' ? {} : { Kind: kind }),
    ID: textOf(from, 'ID') || textOf(from, 'Service'),
    Service: textOf(from, 'Service'),
    Tags: (from['Tags'] ?? []) as readonly string[],
    Address: textOf(from, 'Address'),
    ...(tagged === undefined ? {} : { TaggedAddresses: tagged as Readonly<Record<string, unknown>> }),
    Meta: sorted(from['Meta']),
    ...(port === 0 ? {} : { Port: port }),
    Weights: weightsOf(from['Weights']),
    EnableTagOverride: from['EnableTagOverride'] === true,
    Proxy: { ...NO_PROXY, ...(from['Proxy'] as Definition | undefined) },
    Connect: (from['Connect'] ?? {}) as Definition,
    PeerName: '',
  };
}

/** @param service the one that the check is of; undefined for a check of the node */
export function checkOf(from: Definition, service: CatalogService | undefined): Omit<CatalogCheck, Indexes> {
  return {
    Node: textOf(from, 'Node'),
    CheckID: textOf(from, 'CheckID') || textOf(from, 'Name'),
    Name: textOf(from, 'Name'),
    Status: textOf(from, 'Status') || 'critical',
    Notes: textOf(from, 'Notes'),
    Output: textOf(from, 'Output'),
    ServiceID: textOf(from, 'ServiceID'),
    ServiceName: service?.Service ?? '',
    ServiceTags: service?.Tags ?? [],
    Type: textOf(from, 'Type'),
    Interval: textOf(from, 'Interval'),
    Timeout: textOf(from, 'Timeout'),
    ExposedPort: numberOf(from, 'ExposedPort'),
    Definition: (from['Definition'] ?? {}) as Definition,
  };
}

// Weights that make no sense are 1/1 in Consul, and no error.
function weightsOf(value: unknown): Weights {
  const weights = (value ?? {}) as Definition;
  const [passing, warning] = [weights['Passing'], weights['Warning']].map(Number);
  const isSound = [passing, warning].every((weight = NaN) => weight >= 0 && weight <= 65535);
  if (!isSound || passing === undefined || passing < 1 || warning === undefined)
    return { Passing: 1, Warning: 1 };
  return { Passing: passing, Warning: warning };
}

/** Go writes maps with sorted keys, and an empty one that was never set as `null`. */
function sorted(value: unknown): Texts | null {
  if (value === undefined) return null;
  return Object.fromEntries(
    Object.entries(value as Texts).toSorted(([left], [right]) => (left < right ? -1 : 1)),
  );
}
