/** The flags of `tandem secure`. */
import { rotations, type Rotation } from '../secure/observed.ts';
import {
  NOTHING_BROUGHT,
  stages,
  syncDirections,
  type BroughtSecrets,
  type SyncDirection,
} from '../secure/secure-settings.ts';
import { aclFlags } from './acl-flags.ts';
import { consulFlags } from './consul-settings.ts';
import { isIpAddress } from '../support/ip-address.ts';
import { injectFlags } from './inject-settings.ts';
import { kubeconfigFlag, logLevelFlag, statusListenFlag } from './common-flags.ts';
import { boolean, choiceOf, list, oneOf, parsed, splitList, string, type Parsed } from './flag.ts';
import type { FlagValues } from './parse-flags.ts';
import { ownerName } from './sync-settings.ts';

export const secureFlags = {
  ...kubeconfigFlag,
  ...aclFlags,
  name: string(
    'Prefix of all objects that Tandem makes, such as the name of the release.',
    'NAME',
    undefined,
  ),
  namespace: string(
    'Namespace of the objects and of the agents. Default: that of the pod.',
    'NAME',
    undefined,
    {
      variables: ['POD_NAMESPACE'],
    },
  ),
  stage: oneOf('Stage of the agents; --plan says whether the next one may follow.', stages, 'require'),
  gossip: boolean('Make and keep the gossip key.', true),
  tls: boolean('Make and keep the CA and the certificates of the agents.', true),
  acls: boolean('Bootstrap the ACLs, and keep policies, tokens, roles and auth methods.', true),
  datacenter: string('Datacenter of the agents.', 'NAME', 'dc1'),
  domain: string('Domain of the agents.', 'NAME', 'consul'),
  owner: parsed<string | undefined>(
    'Name of this cluster in Consul. Default: made from the UID of kube-system.',
    'NAME',
    undefined,
    ownerName,
  ),
  serverSelector: string('Label selector of the pods of the servers.', 'SELECTOR', undefined),
  consulCaFile: consulFlags.consulCaFile,
  consulTlsServerName: consulFlags.consulTlsServerName,
  clientSelector: string(
    'Label selector of the pods of client agents. Empty: there are none.',
    'SELECTOR',
    '',
  ),
  serverNames: list('Additional DNS names and IP addresses of the servers.', 'NAMES', []),
  syncDirections: parsed<readonly SyncDirection[]>(
    `Rights of the sync: ${syncDirections.join(', ')}.`,
    'WORDS',
    [],
    directions,
  ),
  consulPrefix: string('Prefix of the Consul services that the sync may write.', 'PREFIX', ''),
  allowNamespaces: injectFlags.allowNamespaces,
  denyNamespaces: injectFlags.denyNamespaces,
  brought: parsed<BroughtSecrets>(
    'Secrets that you bring: gossip=NAME/KEY, ca=NAME/KEY, ca-key=NAME/KEY, server=NAME, client=NAME.',
    'LIST',
    NOTHING_BROUGHT,
    broughtList,
  ),
  helmTest: boolean('Make a read-only role for the ServiceAccount of the tests.', false),
  uiToken: boolean('Keep a read-only token for the user interface in a Secret.', false),
  replicationToken: boolean('Keep a token for the servers of a secondary datacenter in a Secret.', false),
  leaderElection: boolean('With several replicas, let only the one that holds the Lease write.', true),
  ...statusListenFlag('0.0.0.0'),
  ...logLevelFlag,
  plan: boolean('Print the state and the next step, and exit with 3 if one is due.', false),
  rotate: parsed<Rotation | undefined>(
    `Ask the loop to renew one of ${rotations.join(', ')}; exit.`,
    'PART',
    undefined,
    (text) => choiceOf(rotations, text),
  ),
  distrust: boolean(
    'With --rotate=ca: drop older CAs once nothing they signed is served; --plan names pods to restart.',
    false,
  ),
  purge: string('Delete the objects of this name, and exit. Repeat the name.', 'NAME', undefined),
};

// https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-subdomain-names
const SECRET_NAME = '[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?';
// https://kubernetes.io/docs/concepts/configuration/secret/#restriction-names-data
const SECRET_KEY = '[A-Za-z0-9._-]{1,253}';

const BROUGHT_KEYS = { gossip: 'gossip', ca: 'ca', 'ca-key': 'caKey' } as const;

function broughtList(text: string): Parsed<BroughtSecrets> {
  const pairs = splitList(text).map((each) => {
    const [, part = '', secret = '', key] =
      new RegExp(`^([a-z-]+)=(${SECRET_NAME})(?:/(${SECRET_KEY}))?$`).exec(each) ?? [];
    if (part === 'server' || part === 'client') return key === undefined ? [part, secret] : undefined;
    const [, name] = Object.entries(BROUGHT_KEYS).find(([known]) => known === part) ?? [];
    return name === undefined || key === undefined ? undefined : [name, { secret, key }];
  });
  const known = pairs.filter((pair) => pair !== undefined);
  const brought = Object.fromEntries(known) as Partial<BroughtSecrets>;
  return known.length === pairs.length && Object.keys(brought).length === pairs.length
    ? { ok: true, value: { ...NOTHING_BROUGHT, ...brought } }
    : { ok: false, expected: 'pairs such as ca=NAME/KEY or server=NAME, each once' };
}

// RFC 1035, 2.3.4; with what Consul takes for the name of a datacenter.
const LABEL = '[A-Za-z0-9_-]{1,63}';
const DNS_NAME = new RegExp(`^${LABEL}(?:\\.${LABEL})*$`);

export type SecureValues = FlagValues<typeof secureFlags>;

/** Rules between the flags; a sentence for each that is broken. */
export function secureFlagProblems(values: SecureValues): string[] {
  const { name, plan, rotate, purge, gossip, tls, acls, consulPrefix, serverNames } = values;
  const actions = [plan, rotate !== undefined, purge !== undefined].filter(Boolean).length;
  return [
    ...(name === undefined ? ['--name is required'] : []),
    ...(name !== undefined && !/^[a-z0-9]([a-z0-9-]{0,40}[a-z0-9])?$/.test(name)
      ? ['--name: it must have 1 to 42 characters (a-z, 0-9, -) that begin and end with a letter or digit']
      : []),
    ...serverProblems(values),
    ...(actions > 1 ? ['only one of --plan, --rotate and --purge can be given'] : []),
    ...(values.distrust && rotate !== 'ca' ? ['--distrust goes with --rotate=ca'] : []),
    ...(purge !== undefined && purge !== name ? ['--purge must repeat the name of --name'] : []),
    ...(gossip || tls || acls ? [] : ['--gossip, --tls and --acls are all off, so there is nothing to do']),
    ...(['datacenter', 'domain'] as const)
      .filter((key) => !DNS_NAME.test(values[key]))
      .map((key) => `--${key}: ${JSON.stringify(values[key])} is not part of a DNS name`),
    ...serverNames
      .filter((each) => !isIpAddress(each) && !isHostName(each))
      .map((each) => `--server-names: ${JSON.stringify(each)} is neither a DNS name nor an IP address`),
    ...broughtProblems(values),
    ...(/^[a-zA-Z0-9_.-]*$/.test(consulPrefix) ? [] : ['--consul-prefix: no service name can begin with it']),
  ];
}

function serverProblems(values: SecureValues): string[] {
  const { serverSelector, clientSelector, externalServers, bootstrapTokenSecret, owner, acls } = values;
  const { rotate, purge } = values;
  const isExternal = externalServers.length > 0;
  if (rotate !== undefined)
    return [
      ...(isExternal ? ['--rotate: Tandem does not rotate what external servers have; rotate it there'] : []),
      ...(rotate === 'bootstrap-token' && bootstrapTokenSecret !== undefined
        ? ['--rotate=bootstrap-token: the token is yours; put another one into the Secret']
        : []),
    ];
  if (purge !== undefined) return [];
  if (!isExternal) return serverSelector === undefined ? ['--server-selector is required'] : [];
  return [
    ...(serverSelector === undefined && clientSelector === ''
      ? []
      : ['--external-servers: they are not pods; leave out --server-selector and --client-selector']),
    ...(bootstrapTokenSecret === undefined
      ? ['--external-servers needs --bootstrap-token-secret: they are never bootstrapped from here']
      : []),
    ...(owner === undefined ? ['--external-servers needs --owner: other clusters may use them, too'] : []),
    ...(acls ? [] : ['--external-servers: nothing but ACLs is kept there, and --acls is off']),
  ];
}

function broughtProblems(values: SecureValues): string[] {
  const { tls, clientSelector } = values;
  const { ca, caKey, server, client } = values.brought;
  if (!tls) return [];
  const isClientMissing = clientSelector !== '' && client === undefined;
  const isLeafMissing = server === undefined || isClientMissing;
  return [
    ...(ca === undefined && [caKey, server, client].some((each) => each !== undefined)
      ? ['--brought: ca is required with ca-key, server or client']
      : []),
    ...(ca !== undefined && caKey === undefined && isLeafMissing
      ? [
          '--brought: with ca but without ca-key, nobody can sign; server is required, and with clients also client',
        ]
      : []),
  ];
}

/** Also `*.example.com`. Digits alone at the end are an address, or the better part of one (WHATWG URL, 3.5). */
function isHostName(text: string): boolean {
  return text.length <= 253 && DNS_NAME.test(text.replace(/^\*\./, '')) && !/(?:^|\.)[0-9]+$/.test(text);
}

function directions(text: string): Parsed<readonly SyncDirection[]> {
  const words = splitList(text);
  const known = syncDirections.filter((each) => words.includes(each));
  return known.length === new Set(words).size
    ? { ok: true, value: known }
    : { ok: false, expected: `a list of ${syncDirections.join(', ')}` };
}
