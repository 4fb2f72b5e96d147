/** The registration that the webhook wrote into the spec of a pod, read back: the inverse of `registration-variable.ts`. */
import type { Problem } from '../model/problem.ts';
import { TRANSPARENT, type ExposedPath, type ProxyUpstream } from '../model/registration.ts';
import { POD_META_KEYS, isReservedName, PROXY_SUFFIX } from '../model/consul-names.ts';
import {
  asString,
  elementsAt,
  hasNullInList,
  isNestedAtMost,
  isObject,
  parseJson,
  property,
  someText,
  textAt,
  type JsonObject,
} from '../support/json.ts';
import { isPort } from '../support/port.ts';
import { hasControl, hasControlInLines, quote } from '../support/text.ts';
import { META_PREFIX } from '../model/kubernetes-names.ts';
import { meshGatewayModes, PREPARED_QUERY } from './parse-upstreams.ts';
import { SERVICE_NAME, type NameSource } from './service-name.ts';
import { wrongMeta, type PodService } from './service.ts';
import { isHalved } from './user-volumes.ts';

type RegisteredService = {
  readonly serviceId: string;
  readonly proxyId: string;
  /** On which the proxy listens for its peers. */
  readonly inboundPort: number;
  readonly service: Pick<PodService, 'name' | 'port' | 'tags' | 'meta'>;
  readonly upstreams: readonly ProxyUpstream[];
  /** The proxy's config, as Consul accepts it. */
  readonly config: JsonObject;
  /** The traffic of the pod is redirected to the proxy. */
  readonly isTransparent: boolean;
  readonly exposed: readonly ExposedPath[];
};

export type MeshOptions = RegisteredService & {
  /** What decided the name of the service when the pod was admitted. */
  readonly nameSource: NameSource;
  /** Which Kubernetes Service names the pod, when its author chose one. */
  readonly kubernetesService: string | undefined;
};

export type ReadMeshOptions =
  /** One for each service of the pod, the first one first. */
  | { readonly ok: true; readonly services: readonly [MeshOptions, ...MeshOptions[]] }
  /** The containers do not say what the webhook writes. */
  | { readonly ok: false; readonly problems: readonly Problem[] };

type ReadRegistration =
  | { readonly ok: true; readonly registered: RegisteredService }
  /** A sentence without its subject, the registration. */
  | { readonly ok: false; readonly wrong: string };

type PodName = { readonly namespace: string; readonly name: string };

/**
 * Checks everything that Consul would refuse, or take from somebody else: anyone can create a pod with any spec.
 *
 * @param text as a process in the pod sees it
 * @param mode in dataplane mode, no registration was in the spec when ids were still `<pod>-<service>`
 */
export function readRegistration(text: string, pod: PodName, mode: 'agent' | 'dataplane'): ReadRegistration {
  const [service, proxy, ...others] = elementsAt(parseJson(text), 'services');
  if (
    !isObject(service) ||
    !isObject(proxy) ||
    others.length > 0 ||
    property(proxy, 'kind') !== 'connect-proxy'
  )
    return wrong('is not JSON with a service and its proxy');
  const name = textAt(service, 'name');
  if (!SERVICE_NAME.test(name)) return wrong(`has the name ${quote(name)}, which no service can have`);
  if (isReservedName(name)) return wrong(`has the name ${quote(name)}, which is reserved in Consul`);
  const serviceId = textAt(service, 'id');
  const proxyId = textAt(proxy, 'id');
  if (
    !(isOwnId(serviceId, pod) || (mode === 'agent' && isOldId(serviceId, pod, name))) ||
    proxyId !== `${serviceId}${PROXY_SUFFIX}`
  )
    return wrong(`has the ids ${quote(serviceId)} and ${quote(proxyId)}, which are not of this pod`);
  const port = readPort(property(service, 'port'));
  const inboundPort = property(proxy, 'port');
  const tags = readTexts(property(service, 'tags') ?? [])?.filter((tag) => !hasControl(tag));
  const meta = readMeta(property(service, 'meta'));
  const upstreams = readList(property(property(proxy, 'proxy'), 'upstreams') ?? [], readUpstream);
  const config = property(property(proxy, 'proxy'), 'config') ?? {};
  if (port === 'wrong' || !isPort(inboundPort)) return wrong('has an invalid port');
  if (tags === undefined) return wrong('has tags that are not a list of texts');
  if (typeof meta === 'string') return wrong(`has meta that Consul does not accept: ${meta}`);
  if (upstreams === undefined) return wrong('has invalid upstreams');
  if (!isObject(config) || !isNestedAtMost(MAX_DEPTH, config)) return wrong('has an invalid config');
  if (hasNullInList(config)) return wrong('has a config with null in a list, which Consul cannot return');
  const redirection = property(property(proxy, 'proxy'), 'mode') ?? '';
  const exposed = readList(
    property(property(property(proxy, 'proxy'), 'expose'), 'paths') ?? [],
    readExposed,
  );
  if (redirection !== '' && redirection !== TRANSPARENT) return wrong('has a proxy of an unknown mode');
  if (exposed === undefined) return wrong('has invalid exposed paths');
  if (someText([tags, [...meta], upstreams, config, exposed], isHalved))
    return wrong('contains an incomplete character');
  // The webhook never wrote a control character into these, but did into what is left out.
  if (someText([upstreams, exposed], hasControl))
    return wrong('contains a control character, which a terminal would obey');
  return {
    ok: true,
    registered: {
      serviceId,
      proxyId,
      inboundPort,
      service: { name, port, tags, meta },
      upstreams,
      config: withoutControl(config),
      isTransparent: redirection === TRANSPARENT,
      exposed,
    },
  };
}

/**
 * `<namespace>.<pod>.<service>`, which can be of one pod only: a namespace has no dot, and a service has none. The service is
 * what the pod was called at its admission.
 */
function isOwnId(id: string, { namespace, name }: PodName): boolean {
  const prefix = `${namespace}.${name}.`;
  return id.startsWith(prefix) && SERVICE_NAME.test(id.slice(prefix.length));
}

/** `<pod>-<service>`, the former form. With two dots it may be the id of another pod: `shop.web-0.my-app`. */
function isOldId(id: string, { name }: PodName, service: string): boolean {
  return id === `${name}-${service}` && name.split('.').length <= 2;
}

function readPort(raw: unknown): number | undefined | 'wrong' {
  if (raw === undefined) return undefined;
  return isPort(raw) ? raw : 'wrong';
}

/** Without the keys that are written from facts, and, as with tags, without what a terminal would obey. */
function readMeta(raw: unknown): ReadonlyMap<string, string> | string {
  const meta = new Map<string, string>();
  for (const [key, value] of Object.entries(isObject(raw) ? raw : {})) {
    if (POD_META_KEYS.has(key)) continue;
    const text = asString(value);
    const problem = text === undefined ? 'is not a text' : wrongMeta(key, text);
    if (text === undefined || problem !== undefined) return `${META_PREFIX}${quote(key)} ${problem ?? ''}`;
    if (!hasControlInLines(text)) meta.set(key, text);
  }
  return meta;
}

/** Without the keys that hold what a terminal would obey. */
function withoutControl(config: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(config).filter(([key, value]) => !someText([key, value], hasControlInLines)),
  );
}

function readUpstream(raw: unknown): ProxyUpstream | undefined {
  const text = (key: string): string => textAt(raw, key);
  const name = asString(property(raw, 'destination_name'));
  const bindAddress = asString(property(raw, 'local_bind_address'));
  const bindPort = property(raw, 'local_bind_port');
  const type = text('destination_type');
  const isService = type === 'service';
  if (name === undefined || bindAddress === undefined || !isPort(bindPort)) return undefined;
  if (!isService && type !== PREPARED_QUERY) return undefined;
  const ofService = (key: string): string => (isService ? text(key) : '');
  const mode = isService ? property(property(raw, 'mesh_gateway'), 'mode') : undefined;
  return {
    type,
    name,
    namespace: ofService('destination_namespace'),
    partition: ofService('destination_partition'),
    peer: ofService('destination_peer'),
    destinationPort: ofService('destination_port'),
    datacenter: text('datacenter'),
    bindAddress,
    bindPort,
    meshGateway: meshGatewayModes.find((each) => each === mode) ?? '',
  };
}

function readExposed(raw: unknown): ExposedPath | undefined {
  const path = asString(property(raw, 'path'));
  const listenerPort = property(raw, 'listener_port');
  const localPort = property(raw, 'local_path_port');
  const protocol = textAt(raw, 'protocol');
  if (path?.startsWith('/') !== true || !isPort(listenerPort) || !isPort(localPort)) return undefined;
  return ['http', 'http2'].includes(protocol) ? { path, listenerPort, localPort, protocol } : undefined;
}

function readTexts(raw: unknown): readonly string[] | undefined {
  return readList(raw, asString);
}

/** Undefined when it is no list, or one of its elements is not readable. */
function readList<T>(raw: unknown, read: (element: unknown) => T | undefined): readonly T[] | undefined {
  if (!Array.isArray(raw)) return undefined;
  const elements = raw.map(read).filter((each) => each !== undefined);
  return elements.length === raw.length ? elements : undefined;
}

// Far deeper than any config of a proxy.
const MAX_DEPTH = 16;

function wrong(text: string): ReadRegistration {
  return { ok: false, wrong: text };
}
