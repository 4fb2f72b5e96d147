/** Nodes, services and checks as Consul gives them; the fields keep Consul's names. */
import { property } from '../support/json.ts';
import {
  listAt,
  listOf,
  mapAt,
  numberIs,
  objectAt,
  optionalNumberIn,
  optionalTextIn,
  textIn,
  textIs,
  textsIn,
} from './decode-consul.ts';

type TaggedAddress = { readonly Address: string; readonly Port: number };

export type NodeEntry = {
  readonly Node: string;
  readonly Address: string;
  readonly Meta: Readonly<Record<string, string>>;
};

export type ServiceEntry = {
  readonly ID: string;
  readonly Service: string;
  /** Empty for a service that is no proxy and no gateway. */
  readonly Kind: string;
  readonly Tags: readonly string[];
  /** Empty when it is that of the node. */
  readonly Address: string;
  readonly TaggedAddresses: Readonly<Record<string, TaggedAddress>>;
  readonly Port: number;
  readonly Meta: Readonly<Record<string, string>>;
  readonly Weights: { readonly Passing: number; readonly Warning: number };
  /** As Consul gave it, with upstreams; of a service that is no proxy it is nearly empty. */
  readonly Proxy: unknown;
};

export type CheckEntry = {
  readonly Node: string;
  readonly CheckID: string;
  readonly Name: string;
  /** `passing`, `warning`, `critical`; Consul takes any text. */
  readonly Status: string;
  readonly Output: string;
  /** Empty for a check of the whole node. */
  readonly ServiceID: string;
  readonly ServiceName: string;
  readonly CreateIndex: number;
  readonly ModifyIndex: number;
};

export type NodeServices = {
  /** Undefined when Consul does not know the node. */
  readonly node: NodeEntry | undefined;
  readonly services: readonly ServiceEntry[];
};

/** Why a transaction was refused; `index` is that of the operation in the body. */
export type OperationError = { readonly index: number; readonly what: string };

export function nodeEntry(value: unknown, place: string): NodeEntry {
  const node = objectAt(value, place);
  return {
    Node: textIn(node, 'Node', place),
    Address: textIn(node, 'Address', place),
    Meta: mapAt(property(node, 'Meta'), `${place}.Meta`, textIs),
  };
}

export function serviceEntry(value: unknown, place: string): ServiceEntry {
  const service = objectAt(value, place);
  return {
    ID: textIn(service, 'ID', place),
    Service: textIn(service, 'Service', place),
    Kind: optionalTextIn(service, 'Kind', place),
    Tags: textsIn(service, 'Tags', place),
    Address: optionalTextIn(service, 'Address', place),
    TaggedAddresses: mapAt(property(service, 'TaggedAddresses'), `${place}.TaggedAddresses`, taggedAddress),
    Port: optionalNumberIn(service, 'Port', place),
    Meta: mapAt(property(service, 'Meta'), `${place}.Meta`, textIs),
    Weights: weights(property(service, 'Weights'), `${place}.Weights`),
    Proxy: property(service, 'Proxy'),
  };
}

export function checkEntry(value: unknown, place: string): CheckEntry {
  const check = objectAt(value, place);
  return {
    Node: textIn(check, 'Node', place),
    CheckID: textIn(check, 'CheckID', place),
    Name: optionalTextIn(check, 'Name', place),
    Status: textIn(check, 'Status', place),
    Output: optionalTextIn(check, 'Output', place),
    ServiceID: optionalTextIn(check, 'ServiceID', place),
    ServiceName: optionalTextIn(check, 'ServiceName', place),
    CreateIndex: optionalNumberIn(check, 'CreateIndex', place),
    ModifyIndex: optionalNumberIn(check, 'ModifyIndex', place),
  };
}

/** The body of `GET /v1/catalog/node-services/<node>`. */
export function nodeServices(json: unknown): NodeServices {
  const answer = objectAt(json, 'answer');
  const node = property(answer, 'Node');
  if (node === undefined) throw new Error('answer.Node is missing');
  return {
    node: node === null ? undefined : nodeEntry(node, 'Node'),
    services: listAt(property(answer, 'Services'), 'Services', serviceEntry),
  };
}

/** The body of `GET /v1/health/node/<node>` and of `GET /v1/health/state/any`. */
export const checkEntries = listOf(checkEntry);

function taggedAddress(value: unknown, place: string): TaggedAddress {
  const address = objectAt(value, place);
  return { Address: textIn(address, 'Address', place), Port: optionalNumberIn(address, 'Port', place) };
}

function weights(value: unknown, place: string): ServiceEntry['Weights'] {
  if (value === undefined || value === null) return { Passing: 1, Warning: 1 };
  const read = (key: string): number => numberIs(property(value, key), `${place}.${key}`);
  return { Passing: read('Passing'), Warning: read('Warning') };
}
