/** Nodes, services and checks as Consul returns them; the fields keep Consul's names. */
import { property } from '../support/json.ts';
import {
  fields,
  listAt,
  listOf,
  mapOf,
  numberIs,
  objectAt,
  optionalNumber,
  optionalText,
  textIs,
} from './decode-consul.ts';

export type NodeEntry = ReturnType<typeof nodeEntry>;
export type ServiceEntry = ReturnType<typeof serviceEntry>;
export type CheckEntry = ReturnType<typeof checkEntry>;

export type NodeServices = {
  /** Undefined when Consul does not know the node. */
  readonly node: NodeEntry | undefined;
  readonly services: readonly ServiceEntry[];
};

/** Why a transaction was refused; `index` is that of the operation in the body. */
export type OperationError = { readonly index: number; readonly what: string };

export const nodeEntry = fields({
  /** Empty for a node that no agent has. */
  ID: optionalText,
  Node: textIs,
  Address: textIs,
  Meta: mapOf(textIs),
});

export const serviceEntry = fields({
  ID: textIs,
  Service: textIs,
  /** Empty for a service that is no proxy and no gateway. */
  Kind: optionalText,
  /** Which Go writes as `null`, `[]`, or leaves out. */
  Tags: (value, place) => listAt(value ?? null, place, textIs),
  /** Empty when it is that of the node. */
  Address: optionalText,
  TaggedAddresses: mapOf(fields({ Address: textIs, Port: optionalNumber })),
  Port: optionalNumber,
  Meta: mapOf(textIs),
  Weights: (value, place) =>
    value === undefined || value === null ? { Passing: 1, Warning: 1 } : weights(value, place),
  /** As Consul gave it, with upstreams; of a service that is no proxy it is nearly empty. */
  Proxy: (value) => value,
});

const weights = fields({ Passing: numberIs, Warning: numberIs });

export const checkEntry = fields({
  Node: textIs,
  CheckID: textIs,
  Name: optionalText,
  /** `passing`, `warning`, `critical`; Consul takes any text. */
  Status: textIs,
  Output: optionalText,
  /** Empty for a check of the whole node. */
  ServiceID: optionalText,
  ServiceName: optionalText,
  CreateIndex: optionalNumber,
  ModifyIndex: optionalNumber,
});

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
