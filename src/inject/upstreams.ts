/** The upstreams of a pod, validated together: a local port can be used once. */
import { LOOPBACK, type ProxyUpstream } from '../model/registration.ts';
import { formatCidr, parseCidr } from '../support/cidr.ts';
import { listed } from '../support/listed.ts';
import { quote } from '../support/text.ts';
import type { AnnotationReader } from './annotation-reader.ts';
import { UNPRIVILEGED_PORT_START, UNPRIVILEGED_PORTS } from './names.ts';
import { parseUpstream, splitUpstreams } from './parse-upstreams.ts';
import { isTcp, namedPorts, type Container, type Pod } from './pod.ts';
import type { InjectSettings } from './settings.ts';
import type { SidecarPort } from './sidecar-ports.ts';

const NAME = 'connect-service-upstreams';

// The registration of an upstream is about 130 bytes, and all of them travel in one environment value, which Linux limits
// to 131,072 bytes (MAX_ARG_STRLEN). It also bounds the work that one annotation can ask for.
const MAX_UPSTREAMS = 1000;

/**
 * @param listeners containers that run beside the sidecar
 * @param sidecarPorts by number
 * @param proxy who listens
 */
export function readUpstreams(
  pod: Pod,
  reader: AnnotationReader,
  listeners: readonly Container[],
  sidecarPorts: ReadonlyMap<number, SidecarPort>,
  proxy: InjectSettings['sidecarProxy'],
): readonly ProxyUpstream[] {
  const elements = splitUpstreams(reader.text(NAME) ?? '');
  if (elements.length > MAX_UPSTREAMS) {
    reader.problem(NAME, `${elements.length} upstreams; at most ${MAX_UPSTREAMS} fit into a pod`);
    return [];
  }
  const ports = namedPorts(pod);
  const declared = declaredPorts(listeners);
  const used = new Map<string, string>();
  const upstreams: ProxyUpstream[] = [];
  for (const element of elements) {
    const parsed = parseUpstream(element, ports);
    const wrong = parsed.ok ? conflict(parsed.value, element) : parsed.expected;
    if (wrong !== undefined) reader.problem(NAME, `${quote(element)}: ${wrong}`);
    else if (parsed.ok) upstreams.push(parsed.value);
  }
  warnOfLowPorts(upstreams, pod, reader);
  return upstreams;

  function conflict(
    { bindAddress: address, bindPort: port }: ProxyUpstream,
    element: string,
  ): string | undefined {
    const ours = sidecarPorts.get(port);
    if (ours !== undefined) return `the sidecar uses port ${port} for ${ours.purpose}`;
    const place = placeOf(address);
    const container = isOwnLoopback(place) ? undefined : declared.get(port);
    // The author declared this port for this very use, because its name is the local port.
    if (
      container !== undefined &&
      !element
        .split('?')[0]
        ?.split(':')
        .some((part) => ports.get(part) === port)
    ) {
      return `the container ${quote(container)} declares port ${port}`;
    }
    const other = clashing(place, proxy)
      .map((each) => used.get(`${each} ${port}`))
      .find((found) => found !== undefined);
    used.set(`${place} ${port}`, element);
    if (!used.has(`* ${port}`)) used.set(`* ${port}`, element);
    return other === undefined ? undefined : `port ${port} is already used by ${quote(other)}`;
  }
}

/**
 * Only the node decides whether they can be bound. containerd since 2.0 and Docker let every user of a pod listen on any port; CRI-O
 * and older versions of containerd keep those below 1024 for root (`enable_unprivileged_ports` of containerd, `default_sysctls` of CRI-O).
 */
function warnOfLowPorts(upstreams: readonly ProxyUpstream[], pod: Pod, reader: AnnotationReader): void {
  const start = pod.unprivilegedPortStart ?? UNPRIVILEGED_PORTS.min;
  const low = upstreams.filter(({ bindPort }) => bindPort < start);
  if (low.length === 0) return;
  const names = low.map(({ name, bindPort }) => quote(`${name}:${bindPort}`));
  reader.warn(
    'low-port',
    NAME,
    `${listed(names, 1)}: some nodes let only root listen below port ${start}, and the sidecar is not root; take a higher port, or set the sysctl ${UNPRIVILEGED_PORT_START} to "0"`,
  );
}

/** 127.0.0.2 and the like: a container that listens on all addresses of the pod rarely means these. */
function isOwnLoopback(place: string): boolean {
  return place.startsWith('127.') && place !== LOOPBACK;
}

/** One text for each address, which can be written in several ways, such as `::1` and `0:0:0:0:0:0:0:1`. */
function placeOf(address: string): string {
  const cidr = address.includes(':') ? parseCidr(address) : undefined;
  return cidr === undefined ? address : formatCidr(cidr);
}

const WILDCARDS = ['0.0.0.0', '::'].map(placeOf);

/** Envoy shares ports (SO_REUSEPORT), so it refuses nothing but the same address; Consul's proxy does not, and a wildcard takes all. */
function clashing(place: string, proxy: InjectSettings['sidecarProxy']): readonly string[] {
  if (proxy === 'envoy') return [place];
  return WILDCARDS.includes(place) ? ['*'] : [place, ...WILDCARDS];
}

function declaredPorts(listeners: readonly Container[]): ReadonlyMap<number, string> {
  const declared = new Map<number, string>();
  for (const { name, ports } of listeners) {
    for (const port of ports) if (isTcp(port) && !declared.has(port.number)) declared.set(port.number, name);
  }
  return declared;
}
