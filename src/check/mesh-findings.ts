/** What the Consul services mean for sidecars with redirected traffic. */
import { firstOf } from '../support/listed.ts';
import { quote } from '../support/text.ts';
import { failure, ok, warning, type Finding, type Probe } from './finding.ts';
import { clusterFix, consulFix, type Failed } from './fix-of.ts';

export type MeshFacts = {
  readonly proxies: Probe<readonly SidecarInstance[]>;
  /** A service that no intention names may call another one. */
  readonly isAllowedByDefault: Probe<boolean>;
};

/** An instance of a sidecar in the catalog. */
export type SidecarInstance = {
  readonly node: string;
  readonly id: string;
  /** The service that it stands for. */
  readonly service: string;
  /** Its tagged address `virtual`; empty when it has none. */
  readonly address: string;
};

/** Of a sidecar with redirected traffic. */
export type SidecarLimit = {
  /** `namespace/name` of its pod. */
  readonly pod: string;
  readonly bytes: number;
};

export type SidecarLimits = {
  readonly ofPods: Probe<readonly SidecarLimit[]>;
  /** Bytes: what the next pod gets; undefined: no limit. */
  readonly byDefault: number | undefined;
};

const MIB = 2 ** 20;
/**
 * The memory of a sidecar, in bytes: Envoy 1.36.4 with two workers (`--sidecar-proxy-concurrency`) and Consul 1.20.6, by `VmRSS`.
 * Each service that it may reach is a cluster and a filter chain of the outbound listener:
 *
 * | services | 0 | 100 | 250 | 500 | 1,000 |
 * | --- | --- | --- | --- | --- | --- |
 * | MiB | 58 | 73 | 98 | 136 | 215 |
 *
 * That is 0.16 MiB for each. Further instances of a service add little.
 */
const NOTHING = 58 * MIB;
const EACH = 0.16 * MIB;
/** Endpoints, requests in flight and consul-dataplane itself need memory, too. */
const TIGHT = 0.8;

const READ_ALL =
  'give its policy node_prefix "" { policy = "read" } and service_prefix "" { policy = "read" }';

/** @param limits undefined where the cluster was not asked */
export function meshFindings(
  { proxies, isAllowedByDefault }: MeshFacts,
  limits: SidecarLimits | undefined,
): readonly Finding[] {
  return [
    ...(limits === undefined ? [] : memoryFindings(proxies, isAllowedByDefault, limits)),
    ...addressFindings(proxies),
  ];
}

function memoryFindings(
  proxies: MeshFacts['proxies'],
  isAllowedByDefault: MeshFacts['isAllowedByDefault'],
  { ofPods, byDefault }: SidecarLimits,
): readonly Finding[] {
  if (isAllowedByDefault.kind === 'failed')
    return [unknownMemory('whether services may call each other by default', isAllowedByDefault)];
  if (!isAllowedByDefault.value)
    return [
      ok('sidecar-memory', 'nothing is allowed by default: a sidecar has the services that intentions name'),
    ];
  if (proxies.kind === 'failed') return [unknownMemory('how many services a sidecar may reach', proxies)];
  const services = new Set(proxies.value.map(({ service }) => service)).size;
  const ofDefault = byDefault === undefined ? [] : [{ pod: 'a new pod', bytes: byDefault }];
  const known = ofPods.kind === 'seen' && ofPods.value.length > 0 ? ofPods.value : ofDefault;
  return [
    limitFinding(services, known, known === ofDefault ? failure : warning),
    ...(ofPods.kind === 'seen'
      ? []
      : [
          warning(
            'sidecar-memory',
            `the limits of the sidecars that run are not known: ${ofPods.reason}`,
            clusterFix(ofPods, 'allow this account to list pods'),
          ),
        ]),
  ];
}

function unknownMemory(what: string, failed: Failed): Finding {
  return warning('sidecar-memory', `cannot tell ${what}: ${failed.reason}`, consulFix(failed, READ_ALL));
}

/** @param hit the status of a limit that is too low. The author of a pod chooses its limit, so it is not a failure of the mesh */
function limitFinding(
  services: number,
  limits: readonly SidecarLimit[],
  hit: typeof failure | typeof warning,
): Finding {
  const needed = NOTHING + services * EACH;
  const seen = `${services} services are allowed by default: a sidecar with redirected traffic needs about ${mebibytes(needed)}`;
  const [least] = limits.toSorted((a, b) => a.bytes - b.bytes);
  if (least === undefined) return ok('sidecar-memory', `${seen}, and has no limit`);
  const against = `${seen}, and that of ${least.pod} may have ${mebibytes(least.bytes)}`;
  if (needed < TIGHT * least.bytes) return ok('sidecar-memory', against);
  const tight = limits.filter(({ bytes }) => needed >= TIGHT * bytes).length;
  const judge = needed < least.bytes ? warning : hit;
  return judge(
    'sidecar-memory',
    `${against}, which is enough for about ${Math.max(0, Math.floor((least.bytes - NOTHING) / EACH))} services${tight > 1 ? `; ${tight} pods are as tight` : ''}`,
    'raise consul.hashicorp.com/sidecar-proxy-memory-limit or connectInject.sidecarProxy.resources, or deny by default in Consul and write intentions',
  );
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / MIB)} MiB`;
}

// One line each, and two clusters may clash with all their addresses.
const SHOWN = 10;

function addressFindings(proxies: MeshFacts['proxies']): readonly Finding[] {
  if (proxies.kind === 'failed')
    return [
      warning(
        'addresses',
        `cannot tell whether two services have one address: ${proxies.reason}`,
        consulFix(proxies, READ_ALL),
      ),
    ];
  const held = proxies.value.filter(({ address }) => address !== '');
  const byAddress = Map.groupBy(held, ({ address }) => address);
  const clashes = [...byAddress.values()].filter(
    (holders) => new Set(holders.map(({ service }) => service)).size > 1,
  );
  if (clashes.length === 0)
    return [ok('addresses', `each of ${byAddress.size} virtual addresses belongs to one service`)];
  return firstOf(clashes, SHOWN, clashFinding, (left) =>
    failure('addresses', `${left} more addresses have two owners`, 'see above'),
  );
}

function clashFinding(holders: readonly SidecarInstance[]): Finding {
  const [first] = holders;
  const other = holders.find(({ service }) => service !== first?.service);
  const seen = `the virtual address ${first?.address ?? ''} belongs to ${[first, other].map(ownerText).join(' and to ')}: every Envoy that may reach both refuses its outbound listener`;
  return failure(
    'addresses',
    seen,
    'deregister the one that is wrong in Consul; if both are of this cluster, see "tandem explain pod" of each, which names the Service',
  );
}

function ownerText(proxy: SidecarInstance | undefined): string {
  return proxy === undefined
    ? ''
    : `${quote(proxy.service)} (${quote(proxy.id)} on the node ${quote(proxy.node)})`;
}
