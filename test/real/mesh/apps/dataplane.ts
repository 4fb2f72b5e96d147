/**
 * Plays consul-dataplane 1.6.9, which no package registry has, where it is unkind: it takes the flags that the program has
 * and no other, asks Consul once for the registration of its proxy, and holds SIGTERM for the grace period. What it says
 * and its exit codes are those of cmd/consul-dataplane and pkg/consuldp in github.com/hashicorp/consul-dataplane at v1.6.9;
 * mesh/dataplane-program.test.ts tells both programs apart from what they do.
 *
 * It is Envoy with the bootstrap of `consul connect envoy`, and changes over to another server of the same name when its own
 * is gone or has proxies enough. It asks the DNS of the servers where the program goes by their gRPC. It does not: stand
 * between Envoy and the servers (xDS), discover servers by other ways than a name, serve metrics or the lifecycle endpoints,
 * read the variables DP_*, write JSON lines. What it knows and cannot play ends it with 3, so that no test believes it did.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { isIP } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { accessOf, connectToServers, type Access, type Connection } from './consul-servers.ts';
import { forwardDns } from './dns-forwarder.ts';
import { fatal, notPlayed } from './ends.ts';
import { parseGoFlags, type GoFlags } from './go-flags.ts';

const FLAGS = {
  addresses: 'string',
  'grpc-port': 'int',
  'proxy-id': 'string',
  'proxy-node-name': 'string',
  'envoy-concurrency': 'int',
  'envoy-admin-bind-port': 'int',
  'envoy-ready-bind-address': 'string',
  'envoy-ready-bind-port': 'int',
  'log-json': 'bool',
  'log-level': 'string',
  'tls-disabled': 'bool',
  'ca-certs': 'string',
  'tls-server-name': 'string',
  'credential-type': 'string',
  'login-auth-method': 'string',
  'login-bearer-token-path': 'string',
  'login-meta': 'pair',
  'telemetry-prom-scrape-path': 'string',
  'telemetry-prom-service-metrics-url': 'string',
  'telemetry-prom-merge-port': 'int',
  'shutdown-drain-listeners': 'bool',
  'shutdown-grace-period-seconds': 'int',
  'startup-grace-period-seconds': 'int',
  'graceful-port': 'int',
  'graceful-shutdown-path': 'string',
  'graceful-startup-path': 'string',
  'consul-dns-bind-port': 'int',
} as const;
const NOT_PLAYED = `check-proxy-health config-file consul-dns-bind-addr dump-envoy-config-on-exit
  envoy-admin-bind-address envoy-drain-strategy envoy-drain-time-seconds login-bearer-token login-datacenter
  login-namespace login-partition mode proxy-id-path proxy-namespace proxy-node-id proxy-partition proxy-service-id
  proxy-service-id-path server-watch-disabled service-namespace service-node-id service-node-name service-partition
  static-token telemetry-prom-ca-certs-path telemetry-prom-cert-file telemetry-prom-key-file
  telemetry-prom-retention-time telemetry-use-central-config tls-cert tls-insecure-skip-verify tls-key version
  xds-bind-addr xds-bind-port`.split(/\s+/);

const parsed = parseGoFlags(process.argv.slice(2), FLAGS, NOT_PLAYED);
if (parsed.kind === 'not-played') notPlayed(`-${parsed.flag}`);
if (parsed.kind === 'wrong') fatal(parsed.message);
const { flags, rest } = parsed;
if (flags.text('addresses') === '') fatal('consul addresses not specified');
if (flags.text('proxy-id') === '') fatal('proxy ID not specified');
await serve(flags, rest, accessOf(flags));

async function serve(of: GoFlags, envoyArguments: readonly string[], access: Access): Promise<void> {
  const admin = of.number('envoy-admin-bind-port', 19_000);
  const servers = await connectToServers(access);
  const refused = await refusalOf(of, servers);
  if (refused !== undefined) {
    await servers.logout();
    fatal(refused);
  }
  // No file: the root file system of its container is read-only.
  const bootstrap = await bootstrapOf(of, admin, access, servers.token);
  const concurrency = String(of.number('envoy-concurrency', 2));
  const envoy = spawn(
    'setpriv',
    [
      '--pdeathsig=KILL',
      'envoy',
      '--config-yaml',
      bootstrap,
      '--concurrency',
      concurrency,
      '--disable-hot-restart',
      ...envoyArguments,
    ],
    { stdio: 'inherit' },
  );
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.once(signal, () => void stop(envoy, of, admin));
  const dnsPort = of.number('consul-dns-bind-port', -1);
  if (dnsPort !== -1) forwardDns(dnsPort, process.env['CONSUL_DNS_ADDR'] ?? '');
  await once(envoy, 'exit');
  process.stderr.write('envoy process exited\n');
  await servers.logout();
  process.exit(0);
}

/** It asks once, and a server that does not know the proxy ends the program. */
async function refusalOf(of: GoFlags, { call }: Connection): Promise<string | undefined> {
  const node = of.text('proxy-node-name');
  if (node === '')
    return 'rpc error: code = InvalidArgument desc = Node ID or name required to lookup the service';
  const found = (await call('GET', `/v1/catalog/node-services/${encodeURIComponent(node)}`)) as NodeServices;
  if (found?.Services?.some(({ ID }) => ID === of.text('proxy-id')) === true) return undefined;
  return 'failed to get bootstrap config: failed to get envoy bootstrap params: rpc error: code = NotFound';
}

type NodeServices = { readonly Services?: readonly { readonly ID: string }[] } | null;

async function bootstrapOf(of: GoFlags, admin: number, access: Access, token: string): Promise<string> {
  const ready = of.text('envoy-ready-bind-address');
  const path = of.text('telemetry-prom-scrape-path');
  const { ca, serverName } = access;
  const line = [
    'connect',
    'envoy',
    '-bootstrap',
    `-proxy-id=${of.text('proxy-id')}`,
    `-node-name=${of.text('proxy-node-name')}`,
    `-http-addr=${access.http}`,
    `-grpc-addr=${ca === undefined ? 'http' : 'https'}://${access.host}:${access.port}`,
    ...(ca === undefined ? [] : [`-grpc-ca-file=${ca.path}`, `-ca-file=${ca.path}`]),
    ...(ca === undefined || serverName === '' ? [] : [`-tls-server-name=${serverName}`]),
    `-admin-bind=127.0.0.1:${admin}`,
    ...(ready === ''
      ? []
      : [
          `-envoy-ready-bind-address=${ready}`,
          `-envoy-ready-bind-port=${of.number('envoy-ready-bind-port', 0)}`,
        ]),
    ...(path === '' ? [] : [`-prometheus-scrape-path=${path}`]),
  ];
  const environment = { ...process.env, ...(token === '' ? {} : { CONSUL_HTTP_TOKEN: token }) };
  const { stdout } = await promisify(execFile)('consul', line, { env: environment });
  return isIP(access.host) === 0 ? withServersOf(access.host, stdout) : stdout;
}

/** `consul connect envoy` looks the name up once, and Envoy would stay with the address that came first. */
function withServersOf(name: string, bootstrap: string): string {
  const adapted = JSON.parse(bootstrap) as Bootstrap;
  for (const cluster of adapted.static_resources.clusters.filter((each) => each.name === 'local_agent')) {
    Object.assign(cluster, { type: 'STRICT_DNS', dns_lookup_family: 'V4_ONLY' });
    for (const { endpoint } of cluster.loadAssignment.endpoints.flatMap(({ lbEndpoints }) => lbEndpoints))
      endpoint.address.socket_address.address = name;
  }
  return JSON.stringify(adapted);
}

type Bootstrap = {
  readonly static_resources: {
    readonly clusters: readonly {
      readonly name: string;
      readonly loadAssignment: {
        readonly endpoints: readonly {
          readonly lbEndpoints: readonly {
            readonly endpoint: { readonly address: { readonly socket_address: { address: string } } };
          }[];
        }[];
      };
    }[];
  };
};

/** It goes on for the whole grace period, whether anybody is still connected or not. */
async function stop(envoy: ChildProcess, of: GoFlags, admin: number): Promise<void> {
  const post = (path: string): Promise<unknown> =>
    fetch(`http://127.0.0.1:${admin}${path}`, { method: 'POST' }).catch(() => envoy.kill('SIGKILL'));
  if (of.has('shutdown-drain-listeners')) await post('/drain_listeners?inboundonly&graceful');
  await delay(of.number('shutdown-grace-period-seconds', 0) * 1000);
  await post('/quitquitquit');
}
