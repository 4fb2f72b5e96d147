/**
 * The probes and hooks of a transparent pod. The kubelet asks in plain text, and its target now refuses that: HTTP and gRPC
 * use paths that Envoy exposes, TCP a port that accepts connections and passes no data.
 */
import type { ExposedPath } from '../model/registration.ts';
import type { Handshake } from '../redirection/options.ts';
import { property } from '../support/json.ts';
import { isPort } from '../support/port.ts';
import { parseWholeNumber } from '../support/text.ts';
import type { AnnotationReader } from './annotation-reader.ts';
import { annotationKey } from './annotations.ts';
import type { Container, Pod } from './pod.ts';

/** A port that is replaced, with its former value. */
export type RewrittenProbe = {
  readonly container: string;
  /** Path from the container: `livenessProbe`, `lifecycle.preStop`. */
  readonly probe: string;
  /** JSON pointer of the port. */
  readonly path: string;
  /** A number, or the name of a port. */
  readonly before: number | string;
  readonly after: number;
};

type RewrittenProbes = {
  readonly probes: readonly RewrittenProbe[];
  readonly exposed: readonly ExposedPath[];
  readonly handshakes: readonly Handshake[];
};

type Circumstances = {
  /** Ports that stay as they are: excluded ones, and those of the sidecar. */
  readonly isPlain: (port: number) => boolean;
  readonly overwrite: boolean;
  readonly nativeSidecar: boolean;
  /** The sidecar still works when the hooks of a pod that stops are called. */
  readonly carriesLastRequests: boolean;
};

/** The target of a probe or a hook; the API server accepts one handler for each. */
export const HANDLERS = ['httpGet', 'grpc', 'tcpSocket'] as const;

type Handler = (typeof HANDLERS)[number];

type Kind = { readonly at: readonly string[]; readonly from: number; readonly handlers: readonly Handler[] };

/** `from` is the port of the first container; the next one has the next. */
const KINDS = (
  [
    { at: ['livenessProbe'], from: 20_300, handlers: HANDLERS },
    { at: ['readinessProbe'], from: 20_400, handlers: HANDLERS },
    { at: ['startupProbe'], from: 20_500, handlers: HANDLERS },
    { at: ['lifecycle', 'preStop'], from: 20_700, handlers: ['httpGet'] },
    { at: ['lifecycle', 'postStart'], from: 20_800, handlers: ['httpGet'] },
  ] as const satisfies readonly Kind[]
).map((kind) => ({ ...kind, name: kind.at.join('.'), path: kind.at.join('/') }));
/** From the ports of one kind to those of the next. */
const MOST_CONTAINERS = 100;

type Found = {
  readonly container: Container;
  /** As `RewrittenProbe` has it. */
  readonly probe: string;
  /** JSON pointer of the handler. */
  readonly path: string;
  readonly handler: Handler;
  /** Of the handler. */
  readonly fields: unknown;
  /** To which the kubelet connects. */
  readonly port: number;
  readonly after: number;
  /** What Envoy has to pass on; undefined for TCP, and for a path that Envoy cannot expose. */
  readonly exposed: ExposedPath | undefined;
};

export function rewriteProbes(pod: Pod, reader: AnnotationReader, where: Circumstances): RewrittenProbes {
  const containers = probedContainers(pod);
  const isAsked = ({ port }: Found): boolean => !where.isPlain(port);
  const found = probesOf(containers.slice(0, MOST_CONTAINERS)).filter(isAsked);
  const beyond = probesOf(containers.slice(MOST_CONTAINERS)).find(isAsked);
  if (beyond !== undefined && where.overwrite)
    reader.fieldProblem(
      placeOf(beyond),
      `needs a port of its own, and the first ${MOST_CONTAINERS} containers have them all; use a command there, or ${EXCLUDE}`,
    );
  const probes: RewrittenProbe[] = [];
  const exposed: ExposedPath[] = [];
  const handshakes: Handshake[] = [];
  for (const each of found) {
    if (!isRewritten(each, reader, where)) continue;
    const before = property(each.fields, 'port') as number | string;
    const { container, probe, path, handler, port, after } = each;
    probes.push({ container: container.name, probe, path: `${path}/port`, before, after });
    if (each.exposed !== undefined) exposed.push(each.exposed);
    if (handler === 'tcpSocket') handshakes.push({ port: after, to: port });
  }
  return { probes, exposed, handshakes };
}

type Probed = Pick<Found, 'container' | 'path'>;

/** In the order of the spec, containers first: an init container that ends has no probes. */
function probedContainers(pod: Pod): readonly Probed[] {
  const at = (list: 'containers' | 'initContainers'): readonly Probed[] =>
    pod[list].map((container, index) => ({ container, path: `/spec/${list}/${index}` }));
  const others = at('initContainers').filter(({ container }) => container.isNativeSidecar);
  return [...at('containers'), ...others];
}

function probesOf(containers: readonly Probed[]): Found[] {
  const found: Found[] = [];
  // Most probes and hooks are absent, and building empty lists costs more than this check.
  for (const [index, container] of containers.entries())
    for (const kind of KINDS) {
      const probe = findProbe(container, kind, index);
      if (probe !== undefined) found.push(probe);
    }
  return found;
}

function findProbe(
  { container, path }: Probed,
  { at, name, path: within, from, handlers }: (typeof KINDS)[number],
  index: number,
): Found | undefined {
  const asked = at.reduce<unknown>(property, container.probed);
  const handler =
    asked === undefined
      ? undefined
      : handlers.find((each) => (property(asked, each) ?? undefined) !== undefined);
  if (handler === undefined) return undefined;
  const fields = property(asked, handler);
  const port = portOf(container, property(fields, 'port'));
  // Another host is not the pod itself.
  if (port === undefined || (property(fields, 'host') ?? '') !== '') return undefined;
  const after = from + index;
  const exposed = exposedPath(handler, fields, { listenerPort: after, localPort: port });
  return {
    container,
    probe: name,
    path: `${path}/${within}/${handler}`,
    handler,
    fields,
    port,
    after,
    exposed,
  };
}

/** As the kubelet finds it: pkg/probe, ResolveContainerPort. A name without a port is left to the kubelet. */
function portOf({ ports }: Container, port: unknown): number | undefined {
  const number =
    typeof port === 'string'
      ? (ports.find(({ name }) => name === port)?.number ?? parseWholeNumber(port))
      : port;
  return isPort(number) ? number : undefined;
}

function placeOf({ container, probe }: Found): string {
  return `${container.at}.${probe}`;
}

/** Says what is wrong with one that is not. */
function isRewritten(found: Found, reader: AnnotationReader, where: Circumstances): boolean {
  const { handler, port, probe } = found;
  if (!where.overwrite) {
    const result = handler === 'tcpSocket' ? 'always passes' : 'fails';
    reader.fieldWarn(
      'redirected-probe',
      placeOf(found),
      `${result}, because port ${port} is redirected and probes are not overwritten; ${EXCLUDE}`,
    );
    return false;
  }
  const wrong = whyNot(found, where);
  if (wrong !== undefined) reader.fieldProblem(placeOf(found), wrong);
  else if (probe === 'lifecycle.preStop' && !where.carriesLastRequests)
    reader.fieldWarn(
      'redirected-probe',
      placeOf(found),
      `may not reach port ${port}: the classic sidecar stops at the same time; ${EXCLUDE}, use a command, a native sidecar, or tandem/drain-seconds`,
    );
  return wrong === undefined;
}

const EXCLUDE = `exclude the port (${annotationKey('transparent-proxy-exclude-inbound-ports')})`;

function whyNot(
  { container, probe, handler, fields, port, exposed }: Found,
  where: Circumstances,
): string | undefined {
  if (handler === 'httpGet') {
    if (property(fields, 'scheme') === 'HTTPS')
      return `asks port ${port} over HTTPS, which Envoy cannot expose; ${EXCLUDE}, or probe by TCP, gRPC or a command`;
    if (exposed === undefined)
      return `asks for a path that Envoy cannot expose as it is; write one that begins with a single / and escapes other characters than those of a URL, or ${EXCLUDE}`;
  }
  // The kubelet waits for the hook before it starts the next container, and the sidecar is the last one.
  if (!where.nativeSidecar && (container.isNativeSidecar || probe === 'lifecycle.postStart'))
    return `asks port ${port} before a classic sidecar runs; ${EXCLUDE}, use a command, or a native sidecar`;
  return undefined;
}

// RFC 3986, section 3.3: segments of pchar. Two slashes would begin a host (the kubelet reads it as a URL).
const PATH = /^\/(?!\/)(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/]|%[0-9A-Fa-f]{2})*$/;

/**
 * The path that the kubelet asks for, without the query: Envoy compares paths, and answers 404 to one with a query. Undefined
 * for one that reaches it in another form.
 */
function exposable(path: unknown): string | undefined {
  const text = path ?? '';
  if (typeof text !== 'string') return undefined;
  const end = text.search(/[?#]/);
  const plain = end === -1 ? text : text.slice(0, end);
  const absolute = plain.startsWith('/') ? plain : `/${plain}`;
  // "a:b" is a URL of another scheme.
  const isPath = PATH.test(absolute) && (absolute === plain || !plain.includes(':'));
  return isPath ? absolute : undefined;
}

function exposedPath(
  handler: Handler,
  fields: unknown,
  ports: Pick<ExposedPath, 'listenerPort' | 'localPort'>,
): ExposedPath | undefined {
  if (handler === 'grpc') return { path: '/grpc.health.v1.Health/Check', ...ports, protocol: 'http2' };
  const path = handler === 'httpGet' ? exposable(property(fields, 'path')) : undefined;
  return path === undefined ? undefined : { path, ...ports, protocol: 'http' };
}
