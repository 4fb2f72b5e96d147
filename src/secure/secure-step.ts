/** What may be done next: each step is one write, and then everything is observed again. */
import type { AclStep } from './acl-plan.ts';
import type { AgentSecret } from './agent-secret.ts';
import type { BroughtCa } from './brought.ts';
import type { KeyringStep } from './keyring-plan.ts';
import type { Agent, BootstrapSecret } from './observed.ts';
import type { AgentKind, TokenName } from './secure-settings.ts';
import type { KeptToken, SecureState } from './secure-state.ts';

export type SecureStep =
  | { readonly kind: 'keep'; readonly reason: 'nothing-due'; readonly until: number }
  | { readonly kind: 'wait'; readonly reason: WaitReason; readonly detail: string; readonly until: number }
  | {
      readonly kind: 'new-ca';
      readonly reason:
        'restore' | 'no-ca' | 'ca-not-yet-valid' | 'ca-expired' | 'ca-due' | 'asked' | 'brought';
      /** With the CAs before it as they are to leave. */
      readonly before: SecureState;
      /** Undefined: one is made. */
      readonly brought: BroughtCa | undefined;
      /** An earlier CA whose key is known, which also signs the new one. */
      readonly isCrossSigned: boolean;
    }
  | {
      readonly kind: 'make';
      readonly reason: 'missing' | 'asked';
      readonly before: SecureState;
      readonly gossip: 'key' | 'next' | undefined;
      readonly tokens: readonly KeptToken[];
      readonly nextTokens: readonly KeptToken[];
    }
  | {
      readonly kind: 'write-state';
      readonly reason:
        'missing' | 'answer' | 'ca-gone' | 'distrusted' | 'gossip-brought' | 'gossip-used' | 'tokens-loaded';
      readonly after: SecureState;
    }
  | {
      readonly kind: 'write-bootstrap';
      readonly reason: 'missing' | 'asked' | 'next-is-known' | 'former-is-gone';
      readonly after: Pick<BootstrapSecret, 'former'> & {
        /** Undefined: a new one is made. */
        readonly token: string | undefined;
        readonly next: 'new' | undefined;
      };
    }
  | { readonly kind: 'publish-ca'; readonly reason: 'ca-differs'; readonly bundle: string }
  | {
      readonly kind: 'write-secret';
      readonly reason: SecretReason;
      readonly of: AgentKind;
      readonly after: AgentSecret;
      /** Hosts of a new leaf; undefined: it stays. */
      readonly leaf: readonly string[] | undefined;
    }
  | {
      readonly kind: 'write-token-secret';
      readonly reason: 'token-differs';
      readonly of: TokenName;
      readonly token: string;
    }
  | { readonly kind: 'reload'; readonly reason: 'secret-not-loaded'; readonly agent: Agent }
  | { readonly kind: 'bootstrap'; readonly reason: 'acls-not-bootstrapped' }
  | AclStep
  | KeyringStep;

type WaitReason =
  | 'acls-off'
  | 'agent-behind'
  | 'bootstrapped-by-others'
  | 'brought-unusable'
  | 'consul-unavailable'
  | 'no-agent'
  | 'no-token'
  | 'owner-taken'
  | 'token-unknown';

export type SecretReason =
  | 'missing'
  | 'ca-differs'
  | 'leaf-unusable'
  | 'leaf-due'
  | 'other-ca'
  | 'other-hosts'
  | 'other-chain'
  | 'brought'
  | 'gossip-differs'
  | 'tokens-differ'
  | 'asked';

export function wait(reason: WaitReason, detail: string, until: number): SecureStep {
  return { kind: 'wait', reason, detail, until };
}
