/** What the operator brings, checked before it is used: as long as it is unusable, agents keep what they have. */
import { lifeProblem, certificatesIn, isSignedBy, isSigningKey } from '../support/known-certificate.ts';
import { isForBothSides, isNamed, isSigningCa, isUsablePair, chainsTo } from './certificates.ts';
import {
  agentKindsOf,
  leafHosts,
  type AgentKind,
  type SecretKey,
  type SecureSettings,
} from './secure-settings.ts';
import { isGossipKey } from './secure-state.ts';

/** Texts by key; undefined when there is no such Secret. */
export type BroughtTexts = Readonly<Record<string, string>> | undefined;

export type Unusable = { readonly kind: 'unusable'; readonly secret: string; readonly why: string };
type BroughtPart<T> = { readonly kind: 'usable'; readonly value: T } | Unusable;

/** PEM. */
export type BroughtCa = {
  readonly certificate: string;
  /** Empty when the operator keeps it. */
  readonly key: string;
  readonly others: string;
};

export type BroughtLeaf = { readonly certificate: string; readonly key: string };

/** Undefined is what nobody brings. */
export type Brought = {
  readonly gossip: BroughtPart<string> | undefined;
  readonly ca: BroughtPart<BroughtCa> | undefined;
  readonly server: BroughtPart<BroughtLeaf> | undefined;
  readonly client: BroughtPart<BroughtLeaf> | undefined;
};

/** Names of Secrets, each once. */
export function broughtSecrets({ brought }: Pick<SecureSettings, 'brought'>): readonly string[] {
  const { gossip, ca, caKey, server, client } = brought;
  const names = [gossip?.secret, ca?.secret, caKey?.secret, server, client];
  return [...new Set(names.filter((name) => name !== undefined))];
}

type Judging = {
  readonly secrets: ReadonlyMap<string, BroughtTexts>;
  /** PEM of the CAs that agents trust already. */
  readonly trusted: readonly string[];
  /** Milliseconds since the epoch. */
  readonly now: number;
};

export function readBrought(settings: SecureSettings, judging: Judging): Brought {
  const ca = settings.tls ? caIn(settings, judging) : undefined;
  const own = ca?.kind === 'usable' ? certificatesIn(ca.value.certificate + ca.value.others) : [];
  const trusted = [...judging.trusted, ...own.map(({ pem }) => pem)];
  const leaf = (of: AgentKind): BroughtPart<BroughtLeaf> | undefined => {
    const secret = settings.brought[of];
    const isWanted = settings.tls && agentKindsOf(settings).includes(of);
    return secret === undefined || !isWanted
      ? undefined
      : leafIn(settings, of, secret, { ...judging, trusted });
  };
  return {
    gossip: settings.gossip ? gossipIn(settings, judging) : undefined,
    ca,
    server: leaf('server'),
    client: leaf('client'),
  };
}

/** What cannot be used, as sentences that name no content. */
export function unusableParts({ gossip, ca, server, client }: Brought): readonly Unusable[] {
  return [ca, server, client, gossip].filter((part) => part?.kind === 'unusable');
}

function textAt({ secrets }: Judging, { secret, key }: SecretKey): BroughtPart<string> {
  const texts = secrets.get(secret);
  if (texts === undefined) return unusable(secret, 'it is not there');
  const text = texts[key]?.trim() ?? '';
  return text === '' ? unusable(secret, `it has no ${key}`) : { kind: 'usable', value: text };
}

function gossipIn({ brought: { gossip } }: SecureSettings, judging: Judging): Brought['gossip'] {
  if (gossip === undefined) return undefined;
  const text = textAt(judging, gossip);
  if (text.kind === 'unusable') return text;
  if (!isGossipKey(text.value))
    return unusable(gossip.secret, `its ${gossip.key} is not a gossip key; consul keygen makes one`);
  // As Consul itself writes it, by which keys are compared.
  return { kind: 'usable', value: Buffer.from(text.value, 'base64').toString('base64') };
}

function caIn({ brought: { ca, caKey } }: SecureSettings, judging: Judging): Brought['ca'] {
  if (ca === undefined) return undefined;
  const text = textAt(judging, ca);
  if (text.kind === 'unusable') return text;
  const keyText = caKey === undefined ? undefined : textAt(judging, caKey);
  if (keyText?.kind === 'unusable') return keyText;
  const key = keyText === undefined ? '' : `${keyText.value}\n`;
  const all = certificatesIn(text.value);
  const signing = key === '' ? all[0] : all.find(({ pem }) => isUsablePair({ certificate: pem, key }));
  const at = `its ${ca.key}`;
  if (all.length === 0) return unusable(ca.secret, `${at} is not a certificate (PEM)`);
  if (signing === undefined)
    return unusable(ca.secret, `${at} is not the certificate of the key in ${caKey?.secret}`);
  if (!isSigningCa(signing.pem))
    return unusable(ca.secret, `${at} is not a certificate of a CA that may sign for servers and clients`);
  if (key !== '' && !isSigningKey(key))
    return unusable(caKey?.secret ?? '', `its ${caKey?.key} is neither an RSA nor an EC key`);
  const life = lifeProblem(signing, judging.now);
  if (life !== undefined) return unusable(ca.secret, `${at} ${life}`);
  const others = all.filter(({ id }) => id !== signing.id).map(({ pem }) => pem);
  if (!leadsToRoot(signing.pem, others))
    return unusable(ca.secret, `${at} is signed by another CA, whose certificate has to follow it`);
  return { kind: 'usable', value: { certificate: signing.pem, key, others: others.join('') } };
}

function leafIn(
  settings: SecureSettings,
  of: AgentKind,
  secret: string,
  judging: Judging,
): BroughtPart<BroughtLeaf> {
  const certificate = textAt(judging, { secret, key: 'tls.crt' });
  if (certificate.kind === 'unusable') return certificate;
  const key = textAt(judging, { secret, key: 'tls.key' });
  if (key.kind === 'unusable') return key;
  const pair = { certificate: `${certificate.value}\n`, key: `${key.value}\n` };
  const [leaf, ...behind] = certificatesIn(pair.certificate);
  if (leaf === undefined) return unusable(secret, 'its tls.crt is not a certificate (PEM)');
  if (!isUsablePair(pair)) return unusable(secret, 'its tls.key is not the key of its tls.crt');
  const life = lifeProblem(leaf, judging.now);
  if (life !== undefined) return unusable(secret, `its tls.crt ${life}`);
  const [host = ''] = leafHosts(settings, of);
  if (!isNamed(leaf.pem, host)) return unusable(secret, `its tls.crt is not for ${host}`);
  if (!isForBothSides(leaf.pem))
    return unusable(secret, 'its tls.crt is not for servers and clients (serverAuth, clientAuth)');
  const between = behind.map(({ pem }) => pem);
  return chainsTo(leaf.pem, between, judging.trusted)
    ? { kind: 'usable', value: pair }
    : unusable(secret, `its tls.crt is of a CA that is not in ${settings.brought.ca?.secret}`);
}

function unusable(secret: string, why: string): Unusable {
  return { kind: 'unusable', secret, why };
}

function leadsToRoot(pem: string, others: readonly string[]): boolean {
  return chainsTo(
    pem,
    others,
    [pem, ...others].filter((each) => isSignedBy(each, each)),
  );
}
