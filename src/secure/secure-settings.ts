/** What the operator wants of a secure Consul, and the names of its objects. */

export const stages = ['accept', 'prefer', 'require'] as const;
export type SecureStage = (typeof stages)[number];

export const syncDirections = [
  'to-consul',
  'to-kubernetes',
  'registrar-dataplane',
  'registrar-agent',
  'config-entries',
] as const;
export type SyncDirection = (typeof syncDirections)[number];

export type SecureSettings = {
  /** Prefix of every object. */
  readonly name: string;
  readonly namespace: string;
  /** Of this cluster, in descriptions and rules. */
  readonly owner: string;
  readonly stage: SecureStage;
  readonly gossip: boolean;
  readonly tls: boolean;
  readonly acls: boolean;
  /** The servers run elsewhere, and other clusters may use them: nothing but ACL objects is kept, and their names have the owner. */
  readonly external: ExternalServers | undefined;
  /** The Secret that the operator keeps the management token in; undefined: it is made. */
  readonly bootstrapToken: SecretKey | undefined;
  /** There are client agents. */
  readonly clients: boolean;
  readonly datacenter: string;
  readonly domain: string;
  /** Additional DNS names and IP addresses of the servers. */
  readonly serverNames: readonly string[];
  readonly syncDirections: readonly SyncDirection[];
  readonly consulPrefix: string;
  readonly podAuthMethod: boolean;
  readonly authMethodType: AuthMethodType;
  readonly bindingRuleSelector: string;
  /** Of pods that may be injected, and log in; `*` are all. */
  readonly allowNamespaces: readonly string[];
  readonly denyNamespaces: readonly string[];
  readonly helmTest: boolean;
  readonly uiToken: boolean;
  readonly replicationToken: boolean;
  /** The API server as the Consul servers reach it, and its CA (PEM). */
  readonly apiServer: { readonly host: string; readonly ca: string };
  readonly brought: BroughtSecrets;
};

export type SecretKey = { readonly secret: string; readonly key: string };

/** Secrets of the operator, in the namespace of the agents; what is undefined is made here. */
export type BroughtSecrets = {
  readonly gossip: SecretKey | undefined;
  /** The CA that signs first, then others that are trusted: those that signed it among them. */
  readonly ca: SecretKey | undefined;
  /** With it, certificates are made here. */
  readonly caKey: SecretKey | undefined;
  /** With `tls.crt` and `tls.key`. */
  readonly server: string | undefined;
  readonly client: string | undefined;
};

export const NOTHING_BROUGHT: BroughtSecrets = {
  gossip: undefined,
  ca: undefined,
  caKey: undefined,
  server: undefined,
  client: undefined,
};

/** Who checks the tokens of pods: Consul asks the API server, or has its keys. */
export const authMethodTypes = ['kubernetes', 'jwt'] as const;
export type AuthMethodType = (typeof authMethodTypes)[number];

type ExternalServers = {
  /** `http://host:port` or `https://host:port`. */
  readonly addresses: readonly string[];
  /** Name in their certificates; undefined: the host. */
  readonly serverName: string | undefined;
  /** UID of this cluster (of its kube-system): two may have been given the same owner. */
  readonly cluster: string;
};

const agentKinds = ['server', 'client'] as const;
export type AgentKind = (typeof agentKinds)[number];

/** Those whose Secret is kept. */
export function agentKindsOf({
  clients,
  external,
}: Pick<SecureSettings, 'clients' | 'external'>): readonly AgentKind[] {
  if (external !== undefined) return [];
  return clients ? agentKinds : ['server'];
}

/** Tokens, including the one with all rights, go to some server without TLS. */
export function isPlainText({ acls, tls, external }: SecureSettings): boolean {
  const isPlain = external?.addresses.some((address) => address.startsWith('http:')) ?? !tls;
  return acls && isPlain;
}

/** Objects in Kubernetes. */
export function objectNames(name: string) {
  return {
    state: `${name}-secure`,
    bootstrap: `${name}-bootstrap-acl-token`,
    server: `${name}-server-secrets`,
    client: `${name}-client-secrets`,
    ui: `${name}-ui-acl-token`,
    replication: `${name}-acl-replication-acl-token`,
    ca: `${name}-consul-ca`,
    lease: `${name}-secure`,
    reviewer: `${name}-auth-method`,
    sync: `${name}-sync`,
    test: `${name}-test`,
  } as const;
}

/** Tokens that the loop makes, each with a policy of the same name. */
export const tokenNames = ['agent', 'dns', 'ui', 'replication'] as const;
export type TokenName = (typeof tokenNames)[number];

export function tokensOf({
  acls,
  external,
  uiToken,
  replicationToken,
}: SecureSettings): readonly TokenName[] {
  const isOurs = external === undefined;
  const isWanted = { agent: isOurs, dns: isOurs, ui: uiToken, replication: replicationToken };
  return tokenNames.filter((name) => acls && isWanted[name]);
}

/** @param of `agent`, `sync`, `k8s-auth-method` */
export function aclName(
  { name, owner, external }: Pick<SecureSettings, 'name' | 'owner' | 'external'>,
  of: string,
): string {
  return `tandem-${name}-${of}${external === undefined ? '' : `-${owner}`}`;
}

/** Names that a leaf is for, each once; the first is the one that Consul itself asks for. */
export function leafHosts(settings: SecureSettings, kind: AgentKind): readonly string[] {
  const { name, namespace, datacenter, domain, serverNames } = settings;
  const local = ['localhost', '127.0.0.1', '::1'];
  if (kind === 'client') return [`agent.${datacenter}.${domain}`, ...local];
  const service = `${name}-server`;
  const inCluster = [service, `${service}.${namespace}`, `${service}.${namespace}.svc`];
  const own = [`server.${datacenter}.${domain}`, ...inCluster, `*.${service}.${namespace}.svc`, ...local];
  return [...new Set([...own, ...serverNames])];
}
