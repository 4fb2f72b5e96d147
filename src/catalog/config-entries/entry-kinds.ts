/** The table of kinds. Nothing outside of it knows a kind by its name, except the rules that its rows list as functions. */
import type { EntryKind } from './entry-table.ts';
import { controlPlaneRequestLimit, samenessGroup } from './enterprise-kinds.ts';
import { exportedServices } from './exported-services-kind.ts';
import { ingressGateway, terminatingGateway } from './gateway-kinds.ts';
import { jwtProvider } from './jwt-provider-kind.ts';
import { mesh } from './mesh-kind.ts';
import { proxyDefaults } from './proxy-defaults-kind.ts';
import { serviceResolver } from './resolver-kind.ts';
import { serviceRouter } from './router-kind.ts';
import { serviceSplitter } from './splitter-kind.ts';
import { serviceIntentions } from './intentions-kind.ts';
import { serviceDefaults } from './service-defaults-kind.ts';

/** Group and version of the custom resources. */
export const ENTRY_GROUP = 'consul.hashicorp.com';
export const ENTRY_VERSION = 'v1alpha1';

/** In the order in which entries are written; they are removed in its reverse. */
export const ENTRY_KINDS: readonly EntryKind[] = [
  mesh,
  proxyDefaults,
  serviceDefaults,
  jwtProvider,
  serviceResolver,
  serviceSplitter,
  serviceRouter,
  exportedServices,
  ingressGateway,
  terminatingGateway,
  serviceIntentions,
  samenessGroup,
  controlPlaneRequestLimit,
];

const byName: ReadonlyMap<string, EntryKind> = new Map(
  ENTRY_KINDS.flatMap((each) => [
    [each.kind, each],
    [each.entryKind, each],
  ]),
);

/** @param name of the custom resource, `ServiceIntentions`, or of Consul, `service-intentions`; undefined for any other */
export function entryKindOf(name: string): EntryKind | undefined {
  return byName.get(name);
}
