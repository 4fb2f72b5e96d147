/** The flags of `tandem dev`. */
import { type ConsulAddresses, parseConsulAddresses } from '../src/config/consul-addresses.ts';
import { consulFlags } from '../src/config/consul-settings.ts';
import { integer, parsed, string } from '../src/config/flag.ts';
import { injectFlags } from '../src/config/inject-settings.ts';
import { listenAddress, logLevelFlag, statusListenFlag } from '../src/config/common-flags.ts';
import type { FlagValues } from '../src/config/parse-flags.ts';
import { toConsulFlags } from '../src/config/sync-settings.ts';

export const LOOPBACK = '127.0.0.1';

const PORT = { min: 0, max: 65_535 };

export const devFlags = {
  kubeconfig: string('Kubeconfig file of a cluster to use instead of the folder.', 'FILE', undefined),
  consulHttpAddr: parsed<ConsulAddresses | undefined>(
    'Consul to use instead of the embedded catalog.',
    'ADDRESSES',
    undefined,
    parseConsulAddresses,
    { variables: ['CONSUL_HTTP_ADDR'] },
  ),
  httpPort: integer("HTTP port of the embedded catalog, which serves Consul's HTTP API.", 'PORT', 8500, PORT),
  dnsPort: integer('DNS port of the embedded catalog, UDP and TCP.', 'PORT', 8600, PORT),
  listen: listenAddress('Address of the webhook (TLS).', { host: LOOPBACK, port: 8443 }),
  ...statusListenFlag(LOOPBACK),
  tlsDir: string('Folder for the certificates of the webhook. They are created if missing.', 'DIR', 'certs'),
  ...logLevelFlag,
  consulHttpSsl: consulFlags.consulHttpSsl,
  consulToken: consulFlags.consulToken,
  consulTokenFile: consulFlags.consulTokenFile,
  consulCaFile: consulFlags.consulCaFile,
  ...toConsulFlags,
  ...injectFlags,
};

export type DevValues = FlagValues<typeof devFlags>;
