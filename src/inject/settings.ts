/** Everything that the operator decides about injection; the annotations of a pod are read against it. */

import type { Resolver } from './resolver.ts';
import type { LifecycleDefaults } from './lifecycle-options.ts';

export const serviceNames = ['auto', 'service', 'service-account', 'container'] as const;

export const resourceKinds = ['cpu', 'memory'] as const;
export type ResourceKind = (typeof resourceKinds)[number];

/** Kubernetes quantities; `undefined` leaves the field out of the container. */
export type Size = { readonly request: string | undefined; readonly limit: string | undefined };

export type Resources = Readonly<Record<ResourceKind, Size>>;

/** How the sidecar reaches Consul servers in dataplane mode, and how it logs in, in both modes. */
export type ConsulAccess = {
  /** Host names or addresses of the servers; a DNS name, a list, or `exec=…` is passed on as it is. */
  readonly serverAddresses: string;
  /** gRPC port of the servers (dataplane) or of the node's agent (agent mode). */
  readonly grpcPort: number;
  /** HTTP port of the node's agent (agent mode). */
  readonly httpPort: number;
  readonly tls: boolean;
  readonly tlsServerName: string | undefined;
  /** PEM of the CA that signed the certificates of Consul; reaches the container as an environment value. */
  readonly caCertificate: string | undefined;
  /** `certificateIds` of it, once for all pods. */
  readonly caIds: readonly string[];
  /** An ACL auth method of type kubernetes or jwt; undefined means no login. */
  readonly authMethod: string | undefined;
  /** Of the token that a pod logs in with; undefined: that of the API server. */
  readonly authAudience: string | undefined;
};

export type InjectSettings = AgentSettings | DataplaneSettings;

/** Without an owner, the registrar recognizes its instances by the UIDs of pods that it has seen. */
type AgentSettings = SharedSettings & { readonly mode: 'agent'; readonly owner: string | undefined };

/** The owner is part of the name of the node on which the registrar registers, and on which the sidecar asks. */
export type DataplaneSettings = SharedSettings & { readonly mode: 'dataplane'; readonly owner: string };

type SharedSettings = {
  /** Tandem's version, written into the record of what was added. */
  readonly version: string;
  readonly ownNamespace: string | undefined;
  readonly allowNamespaces: readonly string[];
  readonly denyNamespaces: readonly string[];
  /** Inject when the pod has no `connect-inject` annotation. */
  readonly defaultInject: boolean;
  /** Namespaces, besides those of providers, that the default skips; undefined: the namespace itself asked for injection. */
  readonly defaultExclude: readonly string[] | undefined;
  /** Agent mode: the pod is critical until the registrar says that it is ready. */
  readonly criticalUntilReady: boolean;
  /** Agent mode only. */
  readonly sidecarProxy: 'envoy' | 'builtin';
  /** True: the sidecar is an init container with `restartPolicy: Always` (Kubernetes ≥ 1.29). */
  readonly nativeSidecar: boolean;
  /** The API server is one that drops the restart policy of an init container: the pod would wait for its sidecar for ever. */
  readonly lacksNativeSidecar?: true;
  /** What names a service where `connect-service` is absent; `service-account` ignores the annotation. */
  readonly serviceNames: (typeof serviceNames)[number];
  /** With an auth method: what to do with a pod whose service is not named like its ServiceAccount. */
  readonly serviceAccountCheck: 'deny' | 'warn';
  /** Default pause before the SIGTERM of an application; undefined: the cluster has no `preStop` that sleeps. */
  readonly drainSeconds: number | undefined;
  /** User and group of the added containers; undefined leaves both to the cluster. */
  readonly sidecarUser: number | undefined;
  readonly consulImage: string;
  readonly envoyImage: string;
  readonly dataplaneImage: string;
  readonly consul: ConsulAccess;
  /** Worker threads of Envoy. 0 means one per core. */
  readonly concurrency: number;
  readonly lifecycle: LifecycleDefaults;
  /** Already split into words. */
  readonly envoyExtraArgs: readonly string[];
  readonly sidecarResources: Resources;
  readonly initResources: Resources;
  /** `enable-metrics` when the annotation is absent. */
  readonly metrics: boolean;
  readonly prometheusScrapePort: number;
  readonly prometheusScrapePath: string;
  /** Dataplane mode: `enable-metrics-merging` when the annotation is absent. */
  readonly metricsMerging: boolean;
  readonly mergedMetricsPort: number;
  readonly redirect: RedirectSettings;
};

/** What the labels of a namespace say, by the path that the API server calls; undefined: nothing. */
export type NamespaceDefaults = {
  readonly inject: boolean | undefined;
  readonly transparentProxy: boolean | undefined;
};

export const redirectWays = ['init', 'node'] as const;

/** Transparent proxy. */
export type RedirectSettings = {
  /** `transparent-proxy` when the annotation is absent. */
  readonly byDefault: boolean;
  readonly askedBy: 'namespace' | 'flag';
  /** `transparent-proxy-overwrite-probes` when the annotation is absent. */
  readonly overwriteProbes: boolean;
  /** Who writes the rules: an init container of the pod, or the redirector of its node. */
  readonly way: (typeof redirectWays)[number];
  readonly image: string;
  /** `consul-dns` when the annotation is absent. */
  readonly dns: boolean;
  /** The DNS settings of pods in the cluster; undefined if they were not read. */
  readonly resolver: Resolver | undefined;
};
