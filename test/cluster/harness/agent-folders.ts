/** Data that outlives a release on the nodes: the folder of Consul's agents. */
import { eventually } from '../../real/harness/eventually.ts';
import type { Cluster } from './cluster.ts';
import { podsOf, readyNodes } from './list.ts';

// `client.dataDirectoryHostPath` of the chart, unless told.
const AGENT_FOLDER = '/var/lib/consul';
const EMPTY_FOLDER = `
  const { readdirSync, rmSync } = require('node:fs');
  for (const name of readdirSync('/folder')) rmSync('/folder/' + name, { recursive: true });
`;

/**
 * Empties the folder on each node: an agent would bring back what it knew of an earlier Consul.
 *
 * @param namespace where pods may mount folders of the node, and no agent runs any more
 */
export async function emptyAgentFolders({ api, image }: Cluster, namespace: string): Promise<void> {
  const pods = `/api/v1/namespaces/${namespace}/pods`;
  for (const node of await readyNodes(api)) await api.expect('POST', pods, emptier(image, node));
  await eventually('empty folders on the nodes', async () => {
    const left = (await podsOf(api, namespace)).filter(({ status }) => status.phase !== 'Succeeded');
    if (left.length > 0) throw new Error(JSON.stringify(left.map(({ status }) => status)));
  });
}

function emptier(image: string, nodeName: string): object {
  const container = {
    name: 'empty',
    image,
    command: ['node', '-e', EMPTY_FOLDER],
    securityContext: { runAsUser: 0 },
    volumeMounts: [{ name: 'folder', mountPath: '/folder' }],
  };
  const folder = { name: 'folder', hostPath: { path: AGENT_FOLDER, type: 'DirectoryOrCreate' } };
  return {
    metadata: { generateName: 'empty-' },
    spec: {
      nodeName,
      restartPolicy: 'Never',
      automountServiceAccountToken: false,
      containers: [container],
      volumes: [folder],
    },
  };
}
