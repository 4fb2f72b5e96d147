/** The Secret of one kind of agent: a folder that the kubelet swaps as a whole, so that everything with one stamp belongs together. */
import { asString, parseJson, property } from '../support/json.ts';
import { certificatesIn, type KnownCertificate } from '../support/known-certificate.ts';

export const NODE_META_STAMP = 'tandem-secrets';

export type AgentSecret = {
  /** Counts its versions; 0 when it is not there, or its configuration is not what was written. */
  readonly stamp: number;
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
  readonly gossip: string | undefined;
  /** Secrets of tokens. */
  readonly tokens: AgentTokens;
  /** Request to renew the leaf that this one answers. */
  readonly answered: string | undefined;
};

export type AgentTokens = {
  readonly agent: string | undefined;
  readonly dns: string | undefined;
  readonly recovery: string | undefined;
};

const ANSWERED = 'answered';
const CONFIGURATION = 'tandem.json';

/**
 * | key          |                                                                                              |
 * | ------------ | -------------------------------------------------------------------------------------------- |
 * | `tandem.json`| configuration of Consul: `encrypt`, `acl.tokens`, and the stamp in `node_meta`               |
 * | `ca.crt`     | every CA that is trusted                                                                     |
 * | `tls.crt`    | the leaf, and behind it its CA as the one before signed it                                   |
 * | `tls.key`    | its key                                                                                      |
 * | `answered`   | request to renew the leaf that this one answers                                              |
 */
export function readAgentSecret(texts: Readonly<Record<string, string>> | undefined): AgentSecret {
  const json = parseJson(texts?.[CONFIGURATION] ?? '');
  const tokens = property(property(json, 'acl'), 'tokens');
  const stamp = Number(asString(property(property(json, 'node_meta'), NODE_META_STAMP)));
  const secret: AgentSecret = {
    stamp,
    ca: texts?.['ca.crt'] ?? '',
    certificate: texts?.['tls.crt'] ?? '',
    key: texts?.['tls.key'] ?? '',
    gossip: asString(property(json, 'encrypt')),
    tokens: {
      agent: asString(property(tokens, 'agent')),
      dns: asString(property(tokens, 'dns')),
      recovery: asString(property(tokens, 'agent_recovery')),
    },
    answered: texts?.[ANSWERED] || undefined,
  };
  // What somebody added by hand would take effect at the next start of an agent.
  const isAsWritten =
    Number.isSafeInteger(stamp) && writeAgentSecret(secret)[CONFIGURATION] === texts?.[CONFIGURATION];
  return isAsWritten ? secret : { ...secret, stamp: 0 };
}

export function writeAgentSecret(secret: AgentSecret): Readonly<Record<string, string>> {
  const { stamp, gossip, tokens } = secret;
  const given = Object.entries({
    agent: tokens.agent,
    dns: tokens.dns,
    agent_recovery: tokens.recovery,
  }).filter(([, token]) => token !== undefined);
  const configuration = {
    ...(gossip === undefined ? {} : { encrypt: gossip }),
    ...(given.length === 0 ? {} : { acl: { tokens: Object.fromEntries(given) } }),
    node_meta: { [NODE_META_STAMP]: String(stamp) },
  };
  return {
    [CONFIGURATION]: `${JSON.stringify(configuration, undefined, 2)}\n`,
    'ca.crt': secret.ca,
    'tls.crt': secret.certificate,
    'tls.key': secret.key,
    [ANSWERED]: secret.answered ?? '',
  };
}

/** What agents serve. */
export function leafOf({ certificate }: Pick<AgentSecret, 'certificate'>): KnownCertificate | undefined {
  return certificatesIn(certificate)[0];
}
