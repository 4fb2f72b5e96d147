/** What a pod loses by redirection although its author may rely on it. */
import type { ProxyUpstream } from '../model/registration.ts';
import { asString } from '../support/json.ts';
import { listed } from '../support/listed.ts';
import { parseWholeNumber, quote } from '../support/text.ts';
import type { AnnotationReader } from './annotation-reader.ts';
import { annotationKey } from './annotations.ts';
import { isTcp, longRunning, type Pod } from './pod.ts';
import type { Exclusions } from './redirect-lists.ts';
import type { SidecarPort } from './sidecar-ports.ts';

// A stranger decides how many there are.
const PORTS_NAMED = 20;

const INBOUND = 'transparent-proxy-exclude-inbound-ports';

/** @param isPlain of a port that is not redirected */
export function warnOfPlainClients(
  pod: Pod,
  reader: AnnotationReader,
  isPlain: (port: number) => boolean,
): void {
  const opens = `refuses plain clients now; ${annotationKey(INBOUND)} with the port opens it`;
  let named = 0;
  for (const { at, ports } of longRunning(pod)) {
    for (const port of ports) {
      if (named === PORTS_NAMED) break;
      if (port.hostPort === undefined || port.hostPort <= 0 || !isTcp(port) || isPlain(port.number)) continue;
      named += 1;
      reader.fieldWarn(
        'redirected-port',
        `${at}.ports[${port.index}].hostPort`,
        `leads to port ${port.number}, which ${opens}`,
      );
    }
  }
  const scraped = 'prometheus.io/port';
  const port = parseWholeNumber(asString(pod.annotations[scraped]) ?? '');
  if (port !== undefined && !isPlain(port))
    reader.fieldWarn('redirected-port', scraped, `port ${port} ${opens}`);
}

export function warnOfNothingExcluded(
  { inboundPorts, uids }: Exclusions,
  sidecarUser: number | undefined,
  ownPorts: ReadonlyMap<number, SidecarPort>,
  reader: AnnotationReader,
): void {
  for (const port of inboundPorts) {
    const own = ownPorts.get(port);
    if (own !== undefined)
      reader.warn('no-effect', INBOUND, `${port} has no effect: the sidecar uses it for ${own.purpose}`);
  }
  if (uids.some((uid) => uid === sidecarUser))
    reader.warn(
      'no-effect',
      'transparent-proxy-exclude-uids',
      `${sidecarUser} has no effect: it is the user of the sidecar, which is never redirected`,
    );
}

// A warning has room for 256 characters.
const NAMED = 3;

export function warnOfUpstreams(upstreams: readonly ProxyUpstream[], reader: AnnotationReader): void {
  const services = upstreams.filter(({ type }) => type === 'service');
  if (services.length === 0) return;
  const names = services.map(({ name }) => quote(name));
  reader.warn(
    'local-port-only',
    'connect-service-upstreams',
    `${listed(names, NAMED)}: in the mesh only at the local port; without the upstream, at the address of its Kubernetes Service`,
  );
}
