/** What the loop reads before each step: the objects in Kubernetes, the agents, and Consul's ACLs and keyring. */
import type { JsonObject } from '../support/json.ts';
import type { AclKind, BindingRule } from './acl-objects.ts';
import type { AgentSecret } from './agent-secret.ts';
import type { Brought } from './brought.ts';
import type { AgentKind, TokenName } from './secure-settings.ts';
import type { SecureState } from './secure-state.ts';
import type { TokenSigners } from './token-signers.ts';

export type SecureObserved = {
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Undefined when its Secret is not there. */
  readonly state: SecureState | undefined;
  /** Rotation → the value of its annotation. */
  readonly requests: Readonly<Partial<Record<Rotation, string>>>;
  readonly bootstrap: BootstrapSecret;
  readonly agentSecrets: Readonly<Record<AgentKind, AgentSecret>>;
  /** Secrets of tokens that were asked for: the secret in it. */
  readonly tokenSecrets: Readonly<Partial<Record<TokenName, string>>>;
  /** Text of the ConfigMap; undefined when it is not there. */
  readonly publishedCa: string | undefined;
  readonly brought: Brought;
  readonly agents: readonly Agent[];
  readonly acl: ObservedAcl;
  readonly keyring: Keyring;
  readonly signers: TokenSigners;
  readonly reviewers: Reviewers;
  readonly memory: Memory;
};

export const rotations = ['gossip', 'ca', 'server-certificate', 'agent-tokens', 'bootstrap-token'] as const;
export type Rotation = (typeof rotations)[number];

/** Follows the time of a request for a CA if earlier CAs are to be distrusted. */
export const DISTRUST = ' distrust';

export function asksDistrust({ requests }: Pick<SecureObserved, 'requests'>): boolean {
  return requests.ca?.endsWith(DISTRUST) === true;
}

/** Secrets of management tokens. */
export type BootstrapSecret = {
  readonly token: string | undefined;
  /** Takes the place of `token` as soon as Consul has it. */
  readonly next: string | undefined;
  /** Was `token` before, and is to be deleted. */
  readonly former: string | undefined;
  /** Why the Secret that the operator keeps it in has none. */
  readonly lack: string | undefined;
};

export type Agent = {
  readonly kind: AgentKind;
  readonly pod: { readonly name: string; readonly uid: string };
  readonly address: string;
  readonly state: SeenAgentState;
};

export type SeenAgentState =
  | { readonly kind: 'silent'; readonly why: string }
  | {
      readonly kind: 'answers';
      /** Of the Secret that it has loaded; 0 for none. */
      readonly stamp: number;
      /** Of the leaf that it serves; undefined without TLS. */
      readonly serial: string | undefined;
      readonly run: AgentRun;
    };

/** What tells the stage in which an agent runs. */
export type AgentRun = {
  readonly acls: boolean;
  /** `allow`, `deny`. */
  readonly defaultPolicy: string;
  readonly verifiesOutgoing: boolean;
  readonly isGossipEncrypted: boolean;
};

/** What the API server answers to the tokens that Consul uses to check logins. */
export type Reviewers = {
  /** Auth methods by whose token it knows nobody. */
  readonly refused: readonly string[];
  /** What the account of those tokens may not do. */
  readonly lacks: readonly ReviewerRight[];
};

export type ReviewerRight = { readonly verb: string; readonly group: string; readonly resource: string };

export type ObservedAcl =
  /** Our token is a management token. */
  | ({ readonly kind: 'known' } & AclContents)
  | { readonly kind: 'off' }
  /** Consul does not know our token. */
  | { readonly kind: 'token-unknown' }
  /** Nobody could be asked, or there is no token yet. */
  | { readonly kind: 'unasked' }
  /** As without a leader: what agents load does not depend on it. */
  | { readonly kind: 'failed'; readonly why: string };

export type AclContents = {
  /** By `aclKey`. */
  readonly objects: ReadonlyMap<string, SeenObject>;
  readonly rules: readonly SeenRule[];
  /** Tokens with one of our descriptions, by accessor. */
  readonly ownTokens: readonly string[];
  /** Whether Consul has it. */
  readonly nextBootstrap: boolean;
  /** Accessor of the former management token, as long as Consul has it. */
  readonly formerBootstrap: string | undefined;
};

export type SeenObject = { readonly id: string; readonly description: string; readonly body: JsonObject };

export type SeenRule = BindingRule & { readonly id: string; readonly description: string };

export function aclKey({ kind, name }: { readonly kind: AclKind; readonly name: string }): string {
  return `${kind}/${name}`;
}

export type Keyring =
  | {
      readonly kind: 'known';
      readonly rings: readonly {
        readonly members: number;
        /** Key → members that have it, and whose first one it is. */
        readonly keys: Readonly<Record<string, number>>;
        readonly primary: Readonly<Record<string, number>>;
      }[];
    }
  | { readonly kind: 'unknown'; readonly why: string };

/** What this process remembers of its own steps; a new process starts without. Milliseconds since the epoch. */
export type Memory = {
  /** UID of an agent's pod → when it was asked to reload. */
  readonly reloads: ReadonlyMap<string, number>;
  /** UID → since when it has not loaded its Secret. */
  readonly behindSince: ReadonlyMap<string, number>;
  /** Auth method → when a token of its reviewer was asked for. */
  readonly reviewers: ReadonlyMap<string, number>;
  /** Key (PEM) that the auth method of pods believes → since when the API server does not list it. */
  readonly keysGoneSince: ReadonlyMap<string, number>;
  /** Consul was bootstrapped by somebody else: the index by which it can be reset. */
  readonly bootstrapClosed: { readonly index: string; readonly at: number } | undefined;
  /** When the leader said that it runs without ACLs, as in the middle of a roll. */
  readonly aclsOffAt: number | undefined;
  /** Since when all members use the key of the Secret first. */
  readonly primarySince: number | undefined;
};
