/** Whether the traffic of a pod is redirected into its sidecar (transparent proxy), and what is left out. */
import type { ExposedPath } from '../model/registration.ts';
import { LONGEST_LIST, OUTBOUND_PORT, type RedirectOptions } from '../redirection/options.ts';
import { quote } from '../support/text.ts';
import type { AnnotationReader } from './annotation-reader.ts';
import { DNS_PORT, readConsulDns } from './consul-dns.ts';
import type { Resolver } from './resolver.ts';
import type { Lifecycle } from './lifecycle-options.ts';
import type { Metrics } from './metrics-options.ts';
import { DATAPLANE_DEFAULT_GRACEFUL_PORT, READY_PORT } from './names.ts';
import type { Pod } from './pod.ts';
import { rewriteProbes, type RewrittenProbe } from './probe-rewrite.ts';
import { exclusionNames, readExclusions } from './redirect-lists.ts';
import { warnOfNothingExcluded, warnOfPlainClients } from './redirect-warnings.ts';
import type { InjectSettings, RedirectSettings } from './settings.ts';
import type { SidecarPort } from './sidecar-ports.ts';

export type Redirect = {
  readonly way: RedirectSettings['way'];
  readonly askedBy: 'annotation' | RedirectSettings['askedBy'];
  readonly options: RedirectOptions;
  readonly probes: readonly RewrittenProbe[];
  readonly exposed: readonly ExposedPath[];
  /** The DNS settings of the pod; undefined leaves them alone. */
  readonly dns: Resolver | undefined;
};

/** What the sidecar of the pod listens on, and for whom. */
type Sidecar = {
  readonly ports: readonly SidecarPort[];
  readonly isNative: boolean;
  readonly drainSeconds: number;
  readonly metrics: Metrics | undefined;
  readonly lifecycle: Lifecycle | undefined;
};

/** Undefined for a pod that is not transparent. */
export function readRedirect(
  pod: Pod,
  reader: AnnotationReader,
  settings: InjectSettings,
  sidecar: Sidecar,
): Redirect | undefined {
  const { redirect } = settings;
  const askedBy = reader.has('transparent-proxy') ? 'annotation' : redirect.askedBy;
  const isTransparent = reader.boolean('transparent-proxy', redirect.byDefault);
  const overwrite = reader.boolean('transparent-proxy-overwrite-probes', redirect.overwriteProbes);
  if (!isTransparent) {
    // If neither the author nor the namespace decides, an exclusion shows that something is meant to be redirected.
    if (askedBy === 'flag') checkExclusions(reader);
    if (reader.has('consul-dns') && reader.boolean('consul-dns', false))
      reader.warn('no-effect', 'consul-dns', 'has no effect without transparent proxy');
    return undefined;
  }
  for (const why of notPossible(settings)) reader.problem('transparent-proxy', why);
  const exclusions = readExclusions(pod, reader);
  const ownPorts = new Map([OUTBOUND, ...sidecar.ports].map((port) => [port.number, port]));
  const excluded = new Set(exclusions.inboundPorts);
  const isPlain = (port: number): boolean => ownPorts.has(port) || excluded.has(port);
  warnOfPlainClients(pod, reader, isPlain);
  warnOfNothingExcluded(exclusions, settings.sidecarUser, ownPorts, reader);
  const { probes, exposed, handshakes } = rewriteProbes(pod, reader, {
    isPlain,
    overwrite,
    nativeSidecar: sidecar.isNative,
    carriesLastRequests: carriesLastRequests(settings, sidecar),
  });
  const dns = readConsulDns(pod, reader, settings);
  const inboundPorts = [
    ...reachedPorts(settings, sidecar),
    ...exposed.map(({ listenerPort }) => listenerPort),
    ...exclusions.inboundPorts,
  ];
  if (inboundPorts.length > LONGEST_LIST)
    reader.problem(
      'transparent-proxy-exclude-inbound-ports',
      `with the ports of the sidecar, ${inboundPorts.length} ports are not redirected; at most ${LONGEST_LIST} fit into the rules`,
    );
  return {
    way: redirect.way,
    askedBy,
    options: {
      ...exclusions,
      inboundPorts,
      uids: [...(settings.sidecarUser === undefined ? [] : [settings.sidecarUser]), ...exclusions.uids],
      handshakes,
      dnsPort: dns && DNS_PORT,
    },
    dns,
    probes,
    exposed,
  };
}

/** A classic sidecar is asked to stop together with the application. */
function carriesLastRequests({ mode }: InjectSettings, sidecar: Sidecar): boolean {
  const graceSeconds = mode === 'dataplane' ? (sidecar.lifecycle?.shutdownGraceSeconds ?? 0) : 0;
  return sidecar.isNative || sidecar.drainSeconds > 0 || graceSeconds > 0;
}

/** Why no pod can be transparent, whatever it asks for; empty when nothing prevents it. */
export function notPossible({
  mode,
  sidecarProxy,
  sidecarUser,
}: Pick<InjectSettings, 'mode' | 'sidecarProxy' | 'sidecarUser'>): string[] {
  return [
    ...(mode === 'agent' && sidecarProxy === 'builtin'
      ? [
          "Consul's built-in proxy has no outbound listener; transparent proxy needs Envoy (--sidecar-proxy=envoy)",
        ]
      : []),
    ...(sidecarUser === undefined
      ? [
          'transparent proxy tells the traffic of the sidecar by its user, which the cluster chooses with --sidecar-run-as-user=none; name a user there',
        ]
      : []),
  ];
}

/** Ports of the sidecar that the kubelet and Prometheus call. */
function reachedPorts({ mode }: InjectSettings, { metrics, lifecycle }: Sidecar): number[] {
  return [
    ...(metrics === undefined ? [] : [metrics.port]),
    ...(mode === 'agent' ? [] : [lifecycle?.gracefulPort ?? DATAPLANE_DEFAULT_GRACEFUL_PORT, READY_PORT]),
  ];
}

const OUTBOUND: SidecarPort = { number: OUTBOUND_PORT, purpose: 'outbound traffic of the mesh' };

/** Besides those of every sidecar. */
export function redirectPorts(redirect: Redirect | undefined): readonly SidecarPort[] {
  if (redirect === undefined) return [];
  const ofProbes = redirect.probes.map((each) => new ProbePort(each));
  const ofDns =
    redirect.dns === undefined ? [] : [{ number: DNS_PORT, purpose: 'the DNS of Consul', isOfBoth: true }];
  return [OUTBOUND, ...ofDns, ...ofProbes];
}

/** A class, because its purpose is rarely needed: a getter on each object would cost more than the text. */
class ProbePort implements SidecarPort {
  readonly number: number;
  readonly #probe: RewrittenProbe;

  constructor(probe: RewrittenProbe) {
    this.number = probe.after;
    this.#probe = probe;
  }

  get purpose(): string {
    const { container, probe } = this.#probe;
    return `the ${probe} of the container ${quote(container)}`;
  }
}

function checkExclusions(reader: AnnotationReader): void {
  for (const name of exclusionNames) {
    if ((reader.text(name) ?? '').trim() === '') continue;
    reader.problem(
      name,
      'relies on transparent proxy, which is off for this pod: traffic is not redirected, so all traffic except that to upstreams would bypass the mesh. Set transparent-proxy: "true", or "false" to go without it',
    );
  }
}
