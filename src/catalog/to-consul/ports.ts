/** Which ports of a Service are registered, and under which service name. */
import { annotationOf } from './known-annotations.ts';
import { listed } from '../../support/listed.ts';
import { parsePort } from '../../support/port.ts';
import { quote } from '../../support/text.ts';
import type { EndpointSlice, Service, ServicePort } from '../../model/kubernetes-objects.ts';
import { ANNOTATION_PREFIX } from '../../model/kubernetes-names.ts';
import type { ServiceProblem } from '../../model/problem.ts';
import type { ToConsulSettings } from './to-consul-settings.ts';

/** The port that a service name stands for; its number may differ from one endpoint to the next. */
export type PortChoice =
  | { readonly kind: 'number'; readonly number: number }
  | { readonly kind: 'named'; readonly name: string }
  /** The Service has no ports, as headless and ExternalName Services may. */
  | { readonly kind: 'none' };

export type ChosenPorts = {
  readonly main: PortChoice;
  /** Registered beside the main one as `<service>-<label>`. */
  readonly others: readonly { readonly label: string; readonly name: string }[];
};

/** From a port's name to the number under which one kind of address serves it. */
export type PortNumbers = (name: string) => number | undefined;

/** The port's name, or its place among the ports, from 0, when it has none. */
export function portLabel({ name }: ServicePort, index: number): string {
  return name === '' ? String(index) : name;
}

/** NodePort instances are reached on the nodePort, all others that are no endpoints on the port of the Service. */
export function numbersOfService({ ports }: Service, kind: 'port' | 'nodePort'): PortNumbers {
  return (name) => ports.find((port) => port.name === name && port[kind] !== undefined)?.[kind];
}

export function numbersOfSlice({ ports }: EndpointSlice): PortNumbers {
  return (name) => ports.find((port) => port.name === name)?.port;
}

/**
 *     service-port is a number 1-65535     that number, on every instance
 *     service-port is a name               the port of that name: of the Service, or of a slice for endpoints
 *     service-port is neither              nothing is registered, port-not-found
 *     absent or empty                      the first port; NodePort: the first with a nodePort, else no-node-port
 *     absent, and the Service has none     0
 *
 * @param tables where the numbers of the instances will be looked up; a name need not be in all of them
 * @returns undefined with a problem when nothing can be registered
 */
export function choosePorts(
  service: Service,
  tables: readonly PortNumbers[],
  settings: ToConsulSettings,
  problems: ServiceProblem[],
): ChosenPorts | undefined {
  const main = chooseMain(service, tables, problems);
  if (main === undefined) return undefined;
  const others = service.ports
    .map((port, index) => ({ label: portLabel(port, index), name: port.name }))
    .filter(({ name }) => main.kind !== 'named' || main.name !== name);
  return { main, others: settings.multiPort === 'per-port' ? others : [] };
}

function chooseMain(
  service: Service,
  tables: readonly PortNumbers[],
  problems: ServiceProblem[],
): PortChoice | undefined {
  const isKnown = (name: string): boolean => tables.some((numberOf) => numberOf(name) !== undefined);
  const given = annotationOf(service, 'service-port');
  if (given !== undefined) return chooseAsked(service, given, isKnown, problems);
  const first = service.ports[0];
  if (first === undefined) return { kind: 'none' };
  if (!isNodePort(service)) return { kind: 'named', name: first.name };
  const withNodePort = service.ports.find(({ nodePort }) => nodePort !== undefined);
  if (withNodePort !== undefined) return { kind: 'named', name: withNodePort.name };
  problems.push({
    reason: 'no-node-port',
    at: 'spec.ports',
    message:
      'no port has a nodePort; the Service is registered as soon as Kubernetes has allocated one, or when its type is changed',
  });
  return undefined;
}

function chooseAsked(
  service: Service,
  given: string,
  isKnown: (name: string) => boolean,
  problems: ServiceProblem[],
): PortChoice | undefined {
  const asked = given.trim();
  const number = parsePort(asked);
  if (number !== undefined) return { kind: 'number', number };
  // The only port of a Service has no name to be asked for by.
  if (asked !== '' && isKnown(asked)) return { kind: 'named', name: asked };
  const names = service.ports.map(({ name }) => name).filter((name) => name !== '');
  problems.push({
    reason: 'port-not-found',
    at: `${ANNOTATION_PREFIX}service-port`,
    message: `${quote(given)} is neither a number from 1 to 65535 nor ${describePorts(names)}; the Service is not registered until it is`,
  });
  return undefined;
}

function describePorts(names: readonly string[]): string {
  if (names.length === 0) return 'the name of a port, and no port of the Service has a name';
  // A message stays readable; a Service rarely has more ports.
  return `the name of a port with a number here (the Service has ${listed(names.map(quote), 10)})`;
}

function isNodePort({ type, externalIps }: Service): boolean {
  return type === 'NodePort' && externalIps.length === 0;
}
