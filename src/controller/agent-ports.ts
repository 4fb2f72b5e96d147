/** What the clean-up of agent mode needs of the agents and of the catalog. The edge implements it. */
import type { AgentRegistration } from '../catalog/connect/agent-registration.ts';
import type { AgentState, CheckChange, PodInstance } from '../catalog/connect/agent.ts';
import type { ConnectWrite } from './registrar-ports.ts';

export type PodInstanceOnNode = PodInstance & { readonly node: string };

export type Agents = {
  /** Undefined when the agent does not answer: it or its node is gone, or it starts anew. */
  readonly read: (host: string, signal: AbortSignal) => Promise<AgentState | undefined>;
  readonly deregister: (host: string, id: string, signal: AbortSignal) => Promise<ConnectWrite>;
  readonly register: (
    host: string,
    registration: AgentRegistration,
    signal: AbortSignal,
  ) => Promise<ConnectWrite>;
  /** A TTL check of the service, made when it is new. */
  readonly setCheck: (host: string, change: CheckChange, signal: AbortSignal) => Promise<ConnectWrite>;
  /** What the catalog has of pods on the nodes of this address, without the synthetic ones. Throws when it is not whole. */
  readonly inCatalog: (host: string, signal: AbortSignal) => Promise<readonly PodInstanceOnNode[]>;
  readonly deregisterFromCatalog: (node: string, id: string, signal: AbortSignal) => Promise<ConnectWrite>;
  /** Addresses of all nodes on which the catalog has instances of this owner. */
  readonly hosts: (owner: string, signal: AbortSignal) => Promise<readonly string[]>;
};
