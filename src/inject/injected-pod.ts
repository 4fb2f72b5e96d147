/**
 * What an injected pod says about its place in the mesh. It is read from the containers that the webhook added: their arguments and
 * variables cannot change while the pod lives, unlike its annotations, which anyone who may patch the pod can edit.
 */
import { asString, elementsAt, property, textAt } from '../support/json.ts';
import { ANNOTATION_PREFIX } from '../model/kubernetes-names.ts';
import { indexed } from '../model/instance.ts';
import { environmentOf, expand, type Variables } from './expand.ts';
import { readLegacyOptions } from './legacy-dataplane.ts';
import {
  DATAPLANE_CONTAINER,
  INIT_CONTAINER,
  KUBERNETES_SERVICE,
  MOST_SERVICES,
  REGISTRATION,
  SERVICE_NAME_SOURCE,
} from './names.ts';
import { readRegistration, type MeshOptions, type ReadMeshOptions } from './read-registration.ts';
import { SERVICE_NAME, type NameSource } from './service-name.ts';

const nameSources: readonly NameSource[] = ['annotation', 'service-account', 'container'];

/**
 * | in the spec | injection |
 * | --- | --- |
 * | the init container, with a registration | agent |
 * | the container of the dataplane, with a registration | dataplane |
 * | several of either, with the name of a service behind theirs | the same |
 * | the same, as it was before it had one | dataplane, `legacy` |
 * | neither, and signs of consul-k8s | by-consul-k8s |
 * | neither | none |
 */
export type Injection =
  | { readonly kind: 'agent'; readonly logsIn: boolean; readonly mesh: ReadMeshOptions }
  | {
      readonly kind: 'dataplane';
      readonly logsIn: boolean;
      /** The node of Consul on which the sidecar looks for its registration. */
      readonly asksOn: AskedNode;
      readonly mesh: ReadMeshOptions;
    }
  /** `service` as the annotation names it. */
  | { readonly kind: 'by-consul-k8s'; readonly service: string | undefined }
  /** It claims to be injected, and is not. */
  | { readonly kind: 'none' };

export type AskedNode =
  | { readonly kind: 'of-owner'; readonly owner: string }
  | { readonly kind: 'legacy' }
  | { readonly kind: 'other' };

/** @param pod as the API server has it. Throws on no input. */
export function readInjection(pod: unknown): Injection {
  const spec = property(pod, 'spec');
  const fields = fieldsOf(pod);
  // A pod with several services has a container for each, with its name behind: none of them has the plain name.
  const injection =
    injectionBy(spec, fields, (name, plain) => name === plain) ??
    injectionBy(spec, fields, (name, plain) => name.startsWith(`${plain}-`));
  if (injection !== undefined) return injection;
  const sidecar = containersIn(spec, ANYWHERE).find((each) => property(each, 'name') === DATAPLANE_CONTAINER);
  const args = argumentsOf(sidecar);
  if (args.get('-proxy-node-name') === LEGACY_NODE && args.has('-proxy-id')) {
    const proxyId = expand(args.get('-proxy-id') ?? '', environmentOf(sidecar, fields)) ?? '';
    const mesh = readLegacyOptions(pod, proxyId);
    return { kind: 'dataplane', logsIn: logsInByDataplane(args), asksOn: { kind: 'legacy' }, mesh };
  }
  return isOfConsulK8s(pod, args) ? { kind: 'by-consul-k8s', service: namedService(pod) } : { kind: 'none' };
}

function namedService(pod: unknown): string | undefined {
  const annotations = property(property(pod, 'metadata'), 'annotations');
  const name = textAt(annotations, `${ANNOTATION_PREFIX}connect-service`);
  return SERVICE_NAME.test(name) ? name : undefined;
}

/** @param isCalled of the name of a container, and that of the only one of its kind */
function injectionBy(
  spec: unknown,
  fields: Variables,
  isCalled: (name: string, plain: string) => boolean,
): Injection | undefined {
  const carriers = (lists: readonly ContainerList[], plain: string): readonly Carrier[] =>
    containersIn(spec, lists)
      .filter((each) => isCalled(textAt(each, 'name'), plain))
      .map((each) => ({ args: argumentsOf(each), variables: environmentOf(each, fields) }))
      .filter(({ variables }) => variables.has(REGISTRATION));
  const inits = carriers(['initContainers'], INIT_CONTAINER);
  if (inits.length > 0) {
    const logsIn = inits.some(({ variables }) => logsInByInit(variables));
    return { kind: 'agent', logsIn, mesh: meshOf('agent', inits, fields) };
  }
  const sidecars = carriers(ANYWHERE, DATAPLANE_CONTAINER);
  const asked = sidecars.map(({ args }) => askedNode(args));
  const asksOn = asked.find(({ kind }) => kind === 'other') ?? asked[0];
  if (asksOn === undefined) return undefined;
  const logsIn = sidecars.some(({ args }) => logsInByDataplane(args));
  return { kind: 'dataplane', logsIn, asksOn, mesh: meshOf('dataplane', sidecars, fields) };
}

/** @param variables of the init container in agent mode */
export function logsInByInit(variables: Variables): boolean {
  return variables.has('TANDEM_AUTH_METHOD');
}

/** @param args of consul-dataplane, by flag */
export function logsInByDataplane(args: ReadonlyMap<string, string>): boolean {
  return args.get('-credential-type') === 'login';
}

/** Values of the downward API that a registration can use. */
function fieldsOf(pod: unknown): Variables {
  const metadata = property(pod, 'metadata');
  const status = property(pod, 'status');
  const fields: readonly (readonly [string, unknown])[] = [
    ['metadata.name', property(metadata, 'name')],
    ['metadata.namespace', property(metadata, 'namespace')],
    ['metadata.uid', property(metadata, 'uid')],
    ['spec.nodeName', property(property(pod, 'spec'), 'nodeName')],
    // The kubelet starts no container before it knows them; the addresses themselves are read from the status.
    ['status.podIP', property(status, 'podIP') ?? ''],
    ['status.hostIP', property(status, 'hostIP') ?? ''],
  ];
  return new Map(fields.filter((each): each is [string, string] => typeof each[1] === 'string'));
}

/** A container that has a registration. */
type Carrier = { readonly args: ReadonlyMap<string, string>; readonly variables: Variables };

/** If one is invalid, the pod is. */
function meshOf(
  mode: 'agent' | 'dataplane',
  carriers: readonly Carrier[],
  fields: Variables,
): ReadMeshOptions {
  const namespace = fields.get('metadata.namespace') ?? '';
  const name = fields.get('metadata.name') ?? '';
  const services: MeshOptions[] = [];
  for (const { variables } of carriers.slice(0, MOST_SERVICES)) {
    const read = readRegistration(variables.get(REGISTRATION) ?? '', { namespace, name }, mode);
    if (!read.ok) return damaged(read.wrong);
    const source = variables.get(SERVICE_NAME_SOURCE);
    services.push({
      ...read.registered,
      // Before this variable existed, no name came from anything that could change.
      nameSource: nameSources.find((each) => each === source) ?? 'annotation',
      kubernetesService: variables.get(KUBERNETES_SERVICE),
    });
  }
  const [first, ...others] = services;
  if (first === undefined || carriers.length > MOST_SERVICES) return damaged('appears too often');
  if (new Set(services.map(({ serviceId }) => indexed(serviceId))).size < services.length)
    return damaged('appears twice for one service');
  return { ok: true, services: [first, ...others] };
}

function damaged(message: string): ReadMeshOptions {
  return { ok: false, problems: [{ at: REGISTRATION, message }] };
}

const LEGACY_NODE = '$(NODE_NAME)-virtual';
const NODE_OF_OWNER = /^k8s-(.+)-\$\(NODE_NAME\)$/;

function askedNode(args: ReadonlyMap<string, string>): AskedNode {
  const owner = NODE_OF_OWNER.exec(args.get('-proxy-node-name') ?? '')?.[1];
  return owner === undefined ? { kind: 'other' } : { kind: 'of-owner', owner };
}

/** Arguments by flag, before the kubelet expands them. */
export function argumentsOf(container: unknown): ReadonlyMap<string, string> {
  const texts = elementsAt(container, 'args').filter((each) => typeof each === 'string');
  return new Map(
    texts.map((text) => {
      const at = text.indexOf('=');
      return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
    }),
  );
}

type ContainerList = 'initContainers' | 'containers';

const ANYWHERE: readonly ContainerList[] = ['initContainers', 'containers'];

function containersIn(spec: unknown, lists: readonly ContainerList[]): readonly unknown[] {
  return lists.flatMap((list) => elementsAt(spec, list));
}

// What consul-k8s writes on the pods that it injects, and on its gateways (its constants/annotations_and_labels.go).
const CONSUL_K8S_LABEL = `${ANNOTATION_PREFIX}connect-inject-managed-by`;
const CONSUL_K8S_ANNOTATIONS = ['connect-k8s-version', 'consul-k8s-version', 'original-pod', 'gateway-kind'];

function isOfConsulK8s(pod: unknown, args: ReadonlyMap<string, string>): boolean {
  const metadata = property(pod, 'metadata');
  const annotations = property(metadata, 'annotations');
  return (
    args.has('-proxy-service-id-path') ||
    asString(property(property(metadata, 'labels'), CONSUL_K8S_LABEL)) !== undefined ||
    CONSUL_K8S_ANNOTATIONS.some((name) => property(annotations, `${ANNOTATION_PREFIX}${name}`) !== undefined)
  );
}
