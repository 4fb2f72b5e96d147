/** What the clean-up of agent mode needs of the agents and of the catalog. The edge implements it. */
import type { AgentRegistration } from '../catalog/mesh/agent-registration.ts';
import type { AgentState, CheckChange, PodInstance } from '../catalog/mesh/agent-plan.ts';
import type { ConnectWrite, UnreadableNode } from './registrar-ports.ts';

export type PodInstanceOnNode = PodInstance & { readonly node: string };

/** As the catalog has it; anyone who may write there may have written it. */
export type AgentNode = {
  readonly name: string;
  readonly address: string;
  readonly instances: readonly PodInstanceOnNode[];
};

/** A host is an address that Kubernetes gave: requests to it carry a token. */
export type Agents = {
  /** Undefined when the agent does not answer: it or its node is gone, or it is restarting. */
  readonly read: (host: string, signal: AbortSignal) => Promise<AgentState | undefined>;
  readonly deregister: (host: string, id: string, signal: AbortSignal) => Promise<ConnectWrite>;
  readonly register: (
    host: string,
    registration: AgentRegistration,
    signal: AbortSignal,
  ) => Promise<ConnectWrite>;
  /** A TTL check of the service, made when it is new. */
  readonly setCheck: (host: string, change: CheckChange, signal: AbortSignal) => Promise<ConnectWrite>;
  /** What the catalog has of pods on the nodes of this address or name, without the synthetic ones. Throws when it is incomplete. */
  readonly inCatalog: (
    host: string,
    node: string | undefined,
    signal: AbortSignal,
  ) => Promise<readonly PodInstanceOnNode[]>;
  readonly deregisterFromCatalog: (node: string, id: string, signal: AbortSignal) => Promise<ConnectWrite>;
  /** All nodes on which the catalog has instances of this owner. Throws when it is incomplete. */
  readonly nodes: (owner: string, signal: AbortSignal) => Promise<AgentNodes>;
};

type AgentNodes = {
  readonly nodes: readonly AgentNode[];
  /** Anyone who may write to the catalog may have made these nodes; they say nothing about the others. */
  readonly unreadable: readonly UnreadableNode[];
};
