/** The registrar, and a look at each write for an address that two services in Consul have. */
import { createConsulNodes } from '../catalog/mesh/consul-nodes.ts';
import type { PodSketch } from '../catalog/mesh/injected-pods.ts';
import { startRegistrar, type RunningRegistrar } from './running-registrar.ts';

export type RunningAddresses = RunningRegistrar & {
  /** `<service> <address>:<port>` of every proxy that has one, once each, in order. */
  readonly addresses: () => readonly string[];
  /** Each moment at which an address had two services. */
  readonly clashes: readonly string[];
};

export async function startWithAddresses(
  options: Parameters<typeof startRegistrar>[0] = {},
  consul = createConsulNodes(),
  isListed = true,
): Promise<RunningAddresses> {
  const clashes: string[] = [];
  const held = (): readonly string[] =>
    consul
      .nodes()
      .flatMap((node) =>
        consul
          .read(node)
          .instances.flatMap(({ proxy, virtual }) =>
            virtual === undefined ? [] : [`${proxy.destinationName} ${virtual.address}:${virtual.port}`],
          ),
      );
  const running = startRegistrar(
    options,
    {
      ...consul,
      register: (registration, owner) => {
        consul.register(registration, owner);
        const services = new Map<string, string>();
        for (const [service = '', address = ''] of held().map((each) => each.split(' '))) {
          const other = services.get(address) ?? service;
          if (other !== service) clashes.push(`${address}: ${other}, ${service}`);
          services.set(address, service);
        }
      },
    },
    isListed,
  );
  await running.clock.advance(0);
  return { ...running, clashes, addresses: () => [...new Set(held())].toSorted() };
}

/** A pod with redirected traffic. @param service of Consul; empty for one that nothing names but its container and a Service */
export function redirected(name: string, app: string, service = app, more: PodSketch = {}): PodSketch {
  return {
    name,
    exposed: [],
    labels: { app },
    ...more,
    annotations: service === '' ? {} : { 'connect-service': service },
  };
}
