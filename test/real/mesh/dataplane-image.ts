/** What plays the image of consul-dataplane: the stand-in, or the real program where somebody has one. */
import { join } from 'node:path';
import type { Consul } from '../harness/consul.ts';
import type { Image, Images } from '../harness/containers.ts';

/** The stand-in (see apps/dataplane.ts), and the program that TANDEM_CONSUL_DATAPLANE names. */
export const STAND_IN = [process.execPath, join(import.meta.dirname, 'apps/dataplane.ts')] as const;
export const REAL = process.env['TANDEM_CONSUL_DATAPLANE'];

/** @param node the address at which the pods reach Consul */
export function dataplaneImage(consul: Consul, node: string): Image {
  const program = REAL === undefined ? STAND_IN : [REAL];
  return {
    parts: ['consul', 'envoy'],
    entrypoint: program,
    environment: {
      CONSUL_HTTP_ADDR: `http://${node}:${consul.ports.http}`,
      CONSUL_DNS_ADDR: `${node}:${consul.ports.dns}`,
    },
  };
}

export function withDataplane(images: Images, consul: Consul, node: string): Images {
  return { ...images, 'hashicorp/consul-dataplane': dataplaneImage(consul, node) };
}
