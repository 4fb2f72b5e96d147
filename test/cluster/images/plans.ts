/** The images that a cluster of these tests has, beside that of Tandem; they stand on the real parts and on one Debian. */
import { execFile } from 'node:child_process';
import { readdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { file, folderOf, program, symlink, text, type Entry } from '../../../deploy/image/layer-entries.ts';
import { nodeProgram, type ImagePlan } from '../../../deploy/image/tandem-image.ts';
import type { PartName } from '../../real/part-table.ts';
import { librariesOf } from './libraries.ts';

const APPS = join(import.meta.dirname, '../../real/mesh/apps');
const BIN = 'usr/local/bin';
// Of the image of redis, and of the chart of Consul.
const REDIS = { uid: 999, gid: 999 };
const CONSUL = { uid: 100, gid: 1000 };

export const partsOfImages = [
  'base-image',
  'busybox',
  'consul',
  'consul-template',
  'coredns',
  'envoy',
  'nginx',
  'redis-server',
] as const satisfies readonly PartName[];

type PathOf = (part: PartName) => string;

/** @param base the layer of the part base-image; @param pathOf where the parts lie */
export async function imagePlans(base: readonly Entry[], pathOf: PathOf): Promise<readonly ImagePlan[]> {
  const busybox = await busyboxLayer(pathOf('busybox'));
  const onNode = [base, [await nodeProgram()], await appsLayer()];
  const consul = [await program(pathOf('consul'), `${BIN}/consul`)];
  const consulTemplate = [await program(pathOf('consul-template'), `${BIN}/consul-template`)];
  return [
    { name: 'pause:local', layers: [busybox], config: { entrypoint: ['sh', '-c', PAUSE] } },
    { name: 'debian:local', layers: [base], config: { command: ['sh'] } },
    { name: 'busybox:1.36', layers: [busybox], config: { command: ['sh'] } },
    {
      name: 'coredns:local',
      layers: [[await program(pathOf('coredns'), 'coredns')]],
      config: { entrypoint: ['/coredns'] },
    },
    {
      name: 'hashicorp/consul:1.20.6',
      layers: [
        base,
        consul,
        ['consul', 'consul/data', 'consul/config'].map((at) => folderOf(at, CONSUL.uid, CONSUL.gid)),
      ],
      config: { entrypoint: ['consul'] },
    },
    {
      name: 'envoyproxy/envoy:v1.36.4',
      layers: [base, [await program(pathOf('envoy'), `${BIN}/envoy`)]],
      config: { entrypoint: ['envoy'] },
    },
    await dataplane([...onNode, consul], pathOf('envoy')),
    app('hashicorp/counting-service:0.0.2', 'counting.ts', 9001, onNode),
    app('hashicorp/dashboard-service:0.0.4', 'dashboard.ts', 9002, onNode),
    app('rediscommander/redis-commander:latest', 'redis-ui.ts', 8081, onNode),
    {
      name: 'hashicorp/consul-template:0.41.1',
      layers: [base, consulTemplate],
      config: { entrypoint: ['consul-template'] },
    },
    {
      name: 'redis:7',
      layers: [
        base,
        await dynamic(pathOf, 'redis-server', 'usr/bin/redis-server'),
        [folderOf('data', REDIS.uid, REDIS.gid)],
      ],
      // The image turns it off too: a password, or who may connect, is for whoever runs it.
      config: { entrypoint: ['redis-server', '--protected-mode', 'no'], folder: '/data', ports: [6379] },
    },
    {
      name: 'nginxinc/nginx-unprivileged:1.27',
      layers: [base, [...(await dynamic(pathOf, 'nginx', 'usr/sbin/nginx')), ...nginxFiles()]],
      config: { command: ['nginx', '-e', 'stderr', '-g', 'daemon off;'], user: '101', ports: [8080] },
    },
  ];
}

// It ends on request, and reaps the orphans of a pod whose containers see each other: `wait` takes any child.
const PAUSE = "trap 'exit 0' TERM INT; while :; do sleep 2147483647 & wait; done";

async function busyboxLayer(path: string): Promise<readonly Entry[]> {
  const { stdout } = await promisify(execFile)(path, ['--list']);
  const applets = stdout.split('\n').filter((name) => name !== '' && name !== 'busybox');
  return [
    await program(path, 'bin/busybox'),
    ...(await librariesOf(path, undefined)),
    ...applets.map((name) => symlink(`bin/${name}`, 'busybox')),
    { ...folderOf('tmp', 0, 0), mode: 0o1777 },
  ];
}

/** A program of Debian, with the libraries that the Debian beneath lacks. */
async function dynamic(pathOf: PathOf, part: PartName, at: string): Promise<readonly Entry[]> {
  const path = await realpath(pathOf(part));
  return [await program(path, at), ...(await librariesOf(path, pathOf('base-image')))];
}

/**
 * The stand-in of apps/dataplane.ts. As with the original, a program of it carries a capability, and starts only in a
 * container that may have it.
 */
async function dataplane(layers: ImagePlan['layers'], envoy: string): Promise<ImagePlan> {
  return {
    name: 'hashicorp/consul-dataplane:1.6.9',
    layers: [...layers, [await program(envoy, `${BIN}/envoy`, 'cap_net_bind_service')]],
    config: { entrypoint: ['node', '/apps/dataplane.ts'], user: `${CONSUL.uid}:${CONSUL.gid}` },
  };
}

async function appsLayer(): Promise<readonly Entry[]> {
  const names = (await readdir(APPS)).filter((name) => name.endsWith('.ts'));
  return [
    text('apps/package.json', '{"type":"module"}\n'),
    ...(await Promise.all(names.map((name) => file(join(APPS, name), `apps/${name}`)))),
  ];
}

function app(name: string, program_: string, port: number, layers: ImagePlan['layers']): ImagePlan {
  return {
    name,
    layers,
    config: {
      entrypoint: ['node', `/apps/${program_}`],
      environment: { HOST: '0.0.0.0', PORT: String(port) },
      // A number: by a name the kubelet could not tell that it is not root.
      user: '1000',
      ports: [port],
    },
  };
}

/** Its page at port 8080, and nothing written outside of /tmp. */
function nginxFiles(): readonly Entry[] {
  const configuration = `pid /tmp/nginx.pid;
events {}
http {
  access_log off;
  default_type text/html;
  client_body_temp_path /tmp/body;
  proxy_temp_path /tmp/proxy;
  fastcgi_temp_path /tmp/fastcgi;
  uwsgi_temp_path /tmp/uwsgi;
  scgi_temp_path /tmp/scgi;
  server {
    listen 8080;
    root /usr/share/nginx/html;
  }
}
`;
  return [
    text('etc/nginx/nginx.conf', configuration),
    text('usr/share/nginx/html/index.html', '<h1>Welcome to nginx!</h1>\n'),
  ];
}
