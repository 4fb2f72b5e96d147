/** The injected pods: which the registrar keeps in Consul, which not and why, and what is wrong with them. */
import { podReasons } from '../catalog/mesh/decide-pod.ts';
import { nameReasons } from '../catalog/mesh/mesh-service.ts';
import { filledAt } from '../support/json.ts';
import { foreignText, markup, type Markup } from './markup.ts';
import { statusTable } from './status-table.ts';
import type { PodRow, RegistrarStatus } from './status.ts';

const words = { registered: 'Registered', 'agent-mode': 'Registers itself' };

export const podsTable = statusTable<RegistrarStatus>({
  id: 'pods',
  title: 'Injected pods in Consul',
  nouns: ['pod', 'pods'],
  none: markup`No pod is injected. A pod asks for injection with the annotation <code>consul.hashicorp.com/connect-inject: "true"</code>; existing pods need a restart.`,
  columns: [
    { title: 'Pod', kind: 'name' },
    { title: 'Service and instances', kind: 'place' },
  ],
  lookOf: ({ source, service, instances, reason }) => ({
    name: source.replace(/^Pod\//, ''),
    isIn: Object.hasOwn(words, reason),
    word: filledAt(words, reason) ?? 'Left out',
    refuser: 'Consul',
    meaning: filledAt(podReasons, reason),
    found: [service?.name, ...instances.flatMap(({ id, status }) => [id, status])],
    places: () => [serviceMarkup(service, instances)],
  }),
});

/** What the pod is in Consul and why, and the state of each of its instances. */
function serviceMarkup(service: PodRow['service'], instances: PodRow['instances']): Markup {
  if (service === undefined) return markup`none`;
  const states = instances.map(
    ({ id, status }) => markup`<br>${foreignText(status)} <code>${foreignText(id)}</code>`,
  );
  return markup`${foreignText(service.name)}, after ${filledAt(nameReasons, service.reason) ?? service.reason}${states}`;
}
