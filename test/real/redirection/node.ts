/** A node for the redirector: pods of the API server with a network and cgroups of their own, in which processes run. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatRedirectOptions } from '../../../src/redirection/options.ts';
import { optionsOf } from '../../unit/redirection/sample-options.ts';
import { MERGE_PATCH } from '../harness/api-client.ts';
import type { ApiServer } from '../harness/api-server.ts';
import { renderChart } from '../harness/chart.ts';
import { eventually } from '../harness/eventually.ts';
import type { PodInterface, PodNetwork } from '../harness/pod-network.ts';
import { freePorts } from '../harness/ports.ts';
import { inNetwork, type RunningProcess } from '../harness/processes.ts';
import type { Scene } from '../harness/scene.ts';
import { TANDEM } from '../harness/tandem-program.ts';

export const PROGRAM = [process.execPath, TANDEM];
export const NODE = 'node-1';
const ACCOUNT = 'tandem-redirector';

const ANNOTATION = formatRedirectOptions(optionsOf({ uids: [5995] }));

/** As `tandem redirect-wait` runs in a pod; not root, and not the user of the sidecar. */
const USER = ['setpriv', '--reuid=5996', '--regid=5996', '--clear-groups', '--no-new-privs'];
/** @param program how Tandem is started */
export function redirectWait(program: readonly string[] = PROGRAM): readonly string[] {
  return [...program, 'redirect-wait', `--node-name=${NODE}`];
}

/** The forms of a kubelet with the driver cgroupfs, and with systemd. */
export type CgroupForm = 'cgroupfs' | 'systemd';

export type NodePod = {
  readonly name: string;
  readonly uid: string;
  readonly form: CgroupForm;
};

/** Puts a folder where the kubelet mounts a service account, for what follows and nobody else. */
const IN_POD = [
  '--mount',
  'sh',
  '-ec',
  `mount -t tmpfs none /run
  mkdir -p /run/secrets/kubernetes.io
  cp -R "$1" /run/secrets/kubernetes.io/serviceaccount
  shift
  exec "$@"`,
  'sh',
];

/** What unshare (util-linux) gets to run a program with this service account. */
export function inServiceAccount(folder: string): readonly string[] {
  return [...IN_POD, folder];
}

/** The account of the redirector with the rights that the chart gives it, as a folder. */
async function serviceAccount(scene: Scene, api: ApiServer): Promise<string> {
  const { one } = await renderChart();
  for (const kind of ['ClusterRole', 'ClusterRoleBinding'])
    await api.admin.expect(
      'POST',
      `/apis/rbac.authorization.k8s.io/v1/${kind.toLowerCase()}s`,
      one(kind, ACCOUNT),
    );
  await api.createNamespace('tandem');
  const accounts = '/api/v1/namespaces/tandem/serviceaccounts';
  await api.admin.expect('POST', accounts, { metadata: { name: ACCOUNT } });
  const folder = join(scene.folder, 'account');
  mkdirSync(folder);
  writeFileSync(join(folder, 'ca.crt'), api.ca);
  writeFileSync(join(folder, 'token'), await api.serviceAccountToken('tandem', ACCOUNT));
  return folder;
}

// Version 2, alone or beside version 1; else any hierarchy of version 1.
const HIERARCHIES = ['/sys/fs/cgroup', '/sys/fs/cgroup/unified', '/sys/fs/cgroup/pids'];

// Who was killed is in its cgroup for a moment longer: 10 s of tries.
const REMOVE = `for try in $(seq 100); do
  find "$1" -depth -type d -exec rmdir {} + 2>/dev/null
  [ -d "$1" ] || exit 0
  sleep 0.1
done
exit 1`;

/** @param program how Tandem is started */
export function startNode(
  scene: Scene,
  api: ApiServer,
  network: PodNetwork,
  program: readonly string[] = PROGRAM,
) {
  const hierarchy = HIERARCHIES.find((folder) => existsSync(join(folder, 'cgroup.procs')));
  if (hierarchy === undefined) throw new Error('this test needs cgroups: none is mounted in /sys/fs/cgroup');
  const root = join(hierarchy, `tandem-test-${process.pid}`);
  const made: string[] = [];
  const removeCgroups = (): void => {
    for (const folder of made.filter((each) => existsSync(each)))
      for (const pid of readFileSync(join(folder, 'cgroup.procs'), 'utf8').split('\n'))
        if (pid !== '') process.kill(Number(pid), 'SIGKILL');
    if (made.length > 0) execFileSync('sh', ['-c', REMOVE, 'sh', root]);
  };
  scene.atEnd(removeCgroups);
  // A file that throws before its first test comes to no other end.
  process.on('uncaughtExceptionMonitor', removeCgroups);

  const account = serviceAccount(scene, api);
  const cgroupOf = ({ uid, form }: NodePod): string => {
    const systemd = `kubepods-besteffort-pod${uid.replaceAll('-', '_')}.slice/cri-containerd-1.scope`;
    return join(root, form === 'cgroupfs' ? `kubepods/besteffort/pod${uid}/1` : `kubepods.slice/${systemd}`);
  };
  const makeFolders = (folder: string): string => {
    const missing: string[] = [];
    for (let each = folder; each.startsWith(root) && !existsSync(each); each = join(each, '..'))
      missing.push(each);
    mkdirSync(folder, { recursive: true });
    made.unshift(...missing);
    return folder;
  };
  return {
    /** A pod that Tandem has injected, bound to the node. */
    pod: async (name: string, form: CgroupForm = 'systemd', annotation = ANNOTATION): Promise<NodePod> => {
      const metadata = {
        name,
        labels: { 'consul.hashicorp.com/connect-inject-status': 'injected' },
        annotations: { 'tandem/redirect': annotation },
      };
      const initContainers = [{ name: 'consul-connect-redirect', image: 'tandem' }];
      const spec = { nodeName: NODE, initContainers, containers: [{ name: 'app', image: 'app' }] };
      const created = await api.admin.expect('POST', '/api/v1/namespaces/apps/pods', { metadata, spec });
      return { name, uid: created.metadata.uid ?? '', form };
    },
    /** A process of the pod. @param late seconds after which it comes into its cgroup, and again until it has its arguments */
    run: (
      pod: NodePod,
      link: Pick<PodInterface, 'path'>,
      command: readonly string[],
      late = 0,
    ): Promise<RunningProcess> => {
      const folder = makeFolders(cgroupOf(pod));
      const script = `sleep ${late}; echo $$ > ${folder}/cgroup.procs; sleep ${late}; exec "$@"`;
      return scene.start({
        name: `${pod.name}: ${command.at(-1)}`,
        command: 'sh',
        args: ['-c', script, 'sh', ...inNetwork(link.path), ...USER, ...command],
      });
    },
    /** What stands in front of a program that runs as a process of the pod. */
    inPod: (pod: NodePod): readonly string[] => {
      const folder = makeFolders(cgroupOf(pod));
      return ['sh', '-c', `echo 0 > ${folder}/cgroup.procs; exec "$@"`, 'sh'];
    },
    /** Writes the annotation as Tandem does. */
    repair: async ({ name }: NodePod): Promise<void> => {
      const metadata = { annotations: { 'tandem/redirect': ANNOTATION } };
      await api.admin.expect('PATCH', `/api/v1/namespaces/apps/pods/${name}`, { metadata }, MERGE_PATCH);
    },
    /** Reasons and messages, once there is one. */
    event: (pod: NodePod): Promise<string> =>
      eventually(`an Event of ${pod.name}`, async () => {
        const path = `/api/v1/namespaces/apps/events?fieldSelector=involvedObject.uid=${pod.uid}`;
        const { items } = (await api.admin.expect('GET', path)) as unknown as {
          items: readonly { reason: string; message: string }[];
        };
        if (items.length === 0) throw new Error('none');
        return items.map(({ reason, message }) => `${reason}: ${message}`).join('\n');
      }),
    /** @param without a capability that it does not have */
    redirector: async (
      without?: string,
    ): Promise<{ process: RunningProcess; metrics: () => Promise<string> }> => {
      const [port = 0] = await freePorts(1);
      const url = `http://127.0.0.1:${port}`;
      const { port: apiPort, hostname } = new URL(api.url);
      const command = [
        ...inServiceAccount(await account),
        ...(without === undefined ? [] : ['setpriv', `--bounding-set=-${without}`]),
        ...program,
        'redirector',
        `--node-name=${NODE}`,
        `--status-listen=127.0.0.1:${port}`,
      ];
      const started = await scene.start({
        name: 'tandem redirector',
        command: 'unshare',
        args: command,
        environment: { KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: apiPort },
        ready: async () => (await fetch(`${url}/health/ready`)).ok,
      });
      return { process: started, metrics: async () => (await fetch(`${url}/metrics`)).text() };
    },
    link: () => network.add(),
  };
}

export function tables(network: string): string {
  return execFileSync('nsenter', [`--net=${network}`, 'nft', 'list', 'tables'], { encoding: 'utf8' });
}
