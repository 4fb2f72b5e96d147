/** A client of the mesh that is no proxy: it speaks TLS with a certificate from Consul, or with none. */
import { once } from 'node:events';
import { connect, type TLSSocket } from 'node:tls';
import type { Consul } from '../harness/consul.ts';

export type Leaf = { readonly cert: string; readonly key: string };

/** The certificate of a service, as its proxy gets it. */
export async function leafOf(consul: Consul, service: string): Promise<Leaf> {
  const leaf = (await consul.call('GET', `/v1/agent/connect/ca/leaf/${service}`)) as {
    readonly CertPEM: string;
    readonly PrivateKeyPEM: string;
  };
  return { cert: leaf.CertPEM, key: leaf.PrivateKeyPEM };
}

/** A handshake with the inbound listener of a pod, whose certificate must come from Consul's CA. */
export async function dial(consul: Consul, ip: string, leaf?: Leaf): Promise<TLSSocket> {
  const roots = (await consul.call('GET', '/v1/connect/ca/roots')) as {
    readonly Roots: readonly { readonly RootCert: string }[];
  };
  const socket = connect({
    host: ip,
    port: 20000,
    ca: roots.Roots.map(({ RootCert }) => RootCert),
    // A certificate of the mesh names a service and no host.
    checkServerIdentity: () => undefined,
    ...leaf,
  });
  await once(socket, 'secureConnect');
  return socket;
}
