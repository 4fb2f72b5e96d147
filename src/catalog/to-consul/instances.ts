/** From the places of a Service to instances: one for each place and registered port, with a stable identity. */
import { CHECK_NAME, readinessCheckId } from '../../model/consul-names.ts';
import { hash } from 'node:crypto';
import { byText, type Check, type Instance } from '../../model/instance.ts';
import type { Service } from '../../model/kubernetes-objects.ts';
import type { ServiceProblem } from '../../model/problem.ts';
import { fits, warnOfDns } from './describe.ts';
import type { IngressPlace } from './ingress-places.ts';
import { metaOf, portMetaKey, type MetaPair, type MetaPlan } from './meta.ts';
import { isFree } from './own-names.ts';
import type { Health, Omitted, Place } from './place.ts';
import { numbersOfService, portLabel, type ChosenPorts, type PortChoice, type PortNumbers } from './ports.ts';

/** What all instances of a Service share. */
type Common = {
  readonly owner: string;
  readonly service: Service;
  readonly ports: ChosenPorts;
  readonly name: string;
  readonly tags: readonly string[];
  readonly weight: number;
  readonly meta: MetaPlan;
  /** Instances of Ingresses take the place of the endpoints, under the name of the service. */
  readonly isReplaced: boolean;
};

type Candidate = {
  readonly place: Place;
  readonly name: string;
  /** Of the Service's port; empty where there is none. */
  readonly portName: string;
  readonly port: number;
  readonly portMeta: readonly MetaPair[];
};

export function instancesOfService(
  common: Common,
  places: readonly Place[],
  ingressPlaces: readonly IngressPlace[],
  problems: ServiceProblem[],
): { readonly instances: readonly Instance[]; readonly omitted: readonly Omitted[] } {
  const { name, service, isReplaced } = common;
  if (!isUsable(service, name, problems)) return { instances: [], omitted: [] };
  const others = common.ports.others
    .map(({ label, name: portName }) => ({ name: `${name}-${label}`, portName }))
    .filter((other) => isUsable(service, other.name, problems));
  const portMeta = portMetaReader(service, common.meta.ports);
  const best = new Map<string, Candidate>();
  const omitted: Omitted[] = [];
  for (const place of places) {
    const found = candidatesAt(place, common, others, portMeta(place.numberOf));
    for (const candidate of found) keepBest(best, candidate);
    if (!isReplaced && numberAt(place, common.ports.main) === undefined)
      omitted.push({ reason: 'port-not-in-slice', what: place.address });
  }
  const ofService = portMeta(numbersOfService(service, 'port'));
  for (const place of ingressPlaces)
    keepBest(best, { place, name, portName: '', port: place.port, portMeta: ofService });
  const instances = [...best.values()].map((candidate) => instanceOf(candidate, common));
  return { instances: instances.sort((left, right) => byText(left.id, right.id)), omitted };
}

function isUsable(service: Service, name: string, problems: ServiceProblem[]): boolean {
  if (!fits(name, problems) || !isFree(name, problems)) return false;
  warnOfDns(service, name, problems);
  return true;
}

/** The default port under the name of the service, and each other port under a name of its own. */
function candidatesAt(
  place: Place,
  { name, ports: { main }, isReplaced }: Common,
  others: readonly { readonly name: string; readonly portName: string }[],
  portMeta: readonly MetaPair[],
): Candidate[] {
  const port = numberAt(place, main);
  const portName = main.kind === 'named' ? main.name : '';
  const byDefault = port === undefined || isReplaced ? [] : [{ place, name, portName, port, portMeta }];
  const byPort = others.flatMap((other) => {
    const number = place.numberOf(other.portName);
    // A port that was asked for by its number is the default one, whatever its name.
    const isDefault = main.kind === 'number' && number === port;
    return number === undefined || isDefault ? [] : [{ ...other, place, port: number, portMeta }];
  });
  return [...byDefault, ...byPort];
}

function numberAt({ numberOf }: Place, main: PortChoice): number | undefined {
  switch (main.kind) {
    case 'number':
      return main.number;
    case 'named':
      return numberOf(main.name);
    case 'none':
      return 0;
  }
}

/** Every Service port with the number under which a place serves it; computed once for all places of a slice. */
function portMetaReader({ ports }: Service, room: number): (numberOf: PortNumbers) => readonly MetaPair[] {
  const known = new Map<PortNumbers, readonly MetaPair[]>();
  return (numberOf) => {
    const found = known.get(numberOf);
    if (found !== undefined) return found;
    const pairs = ports.slice(0, room).flatMap((port, index): MetaPair[] => {
      const number = numberOf(port.name);
      return number === undefined ? [] : [[portMetaKey(portLabel(port, index)), String(number)]];
    });
    known.set(numberOf, pairs);
    return pairs;
  };
}

/** An address may be in several slices, and may have two states for a moment: the best one counts. */
function keepBest(best: Map<string, Candidate>, candidate: Candidate): void {
  const key = JSON.stringify([candidate.name, candidate.place.address, candidate.port]);
  const present = best.get(key);
  if (present === undefined || compare(candidate, present) < 0) best.set(key, candidate);
}

const BY_HEALTH: readonly Health[] = ['ready', 'none', 'not-ready', 'terminating'];

function compare(left: Candidate, right: Candidate): number {
  return (
    BY_HEALTH.indexOf(left.place.health) - BY_HEALTH.indexOf(right.place.health) ||
    // Any order will do, as long as it is not that of the input.
    byText(signature(left), signature(right))
  );
}

function signature({ portName, place, portMeta }: Candidate): string {
  return JSON.stringify([portName, place.about, portMeta]);
}

function instanceOf(
  { place, name, portName, port, portMeta }: Candidate,
  { owner, service, tags, weight, meta }: Common,
): Instance {
  const identity = [owner, service.namespace, service.name, portName, place.address, port];
  // 12 hex digits are 48 bits: with 100,000 instances of one name, the chance that two collide is 1 in 50,000.
  const id = `${name}-${hash('sha256', JSON.stringify(identity)).slice(0, 12)}`;
  return {
    id,
    name,
    address: place.address,
    port,
    tags,
    meta: metaOf([...meta.pairs, ...place.about, ...portMeta]),
    weight,
    check: checkOf(id, place.health),
  };
}

// The texts say nothing that changes from one moment to the next: each change is a write.
const HEALTH = {
  ready: { status: 'passing', output: 'Kubernetes reports the endpoint as ready' },
  'not-ready': { status: 'critical', output: 'Kubernetes reports the endpoint as not ready' },
  terminating: { status: 'critical', output: 'Kubernetes reports the endpoint as terminating' },
} as const;

function checkOf(id: string, health: Health): Check | undefined {
  return health === 'none' ? undefined : { id: readinessCheckId(id), name: CHECK_NAME, ...HEALTH[health] };
}
