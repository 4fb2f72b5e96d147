/** What every cluster has beside its control plane: its nodes by name, a DNS server, and a default class of volumes. */
import type { ApiClient } from '../../real/harness/api-client.ts';
import type { AddressPlan } from './address-plan.ts';

/** A kubelet keeps what it finds there. The controller manager would give ranges of pods in the order of arrival. */
export async function createNodes(admin: ApiClient, plan: AddressPlan): Promise<void> {
  for (const { name, pods } of plan.nodes)
    await admin.expect('POST', '/api/v1/nodes', {
      metadata: { name },
      spec: { podCIDR: pods, podCIDRs: [pods] },
    });
}

export const LOCAL_CLASS = 'local';
export const LOCAL_PROVISIONER = 'tandem.cluster/local';

export async function createAddons(admin: ApiClient, plan: AddressPlan, dnsImage: string): Promise<void> {
  for (const [path, object] of [...storage(), ...dns(plan, dnsImage)])
    await admin.expect('POST', path, object);
}

type Addon = readonly [path: string, object: object];

function storage(): readonly Addon[] {
  return [
    [
      '/apis/storage.k8s.io/v1/storageclasses',
      {
        metadata: {
          name: LOCAL_CLASS,
          annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' },
        },
        provisioner: LOCAL_PROVISIONER,
        reclaimPolicy: 'Delete',
        // On the node that the pod comes to.
        volumeBindingMode: 'WaitForFirstConsumer',
      },
    ],
  ];
}

/** As kubeadm has it: by these names people and documents change it. */
function dns(plan: AddressPlan, image: string): readonly Addon[] {
  const namespace = 'kube-system';
  const labels = { 'k8s-app': 'kube-dns' };
  const rbac = '/apis/rbac.authorization.k8s.io/v1';
  const core = `/api/v1/namespaces/${namespace}`;
  const list = ['list', 'watch'];
  const rules = [
    { apiGroups: [''], resources: ['endpoints', 'services', 'pods', 'namespaces'], verbs: list },
    { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: list },
  ];
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'system:coredns' };
  const container = {
    name: 'coredns',
    image,
    args: ['-conf', '/etc/coredns/Corefile'],
    readinessProbe: { httpGet: { path: '/ready', port: 8181 }, periodSeconds: 1 },
    volumeMounts: [{ name: 'config-volume', mountPath: '/etc/coredns' }],
  };
  const spec = {
    // One on each node: names are known when a node is lost.
    affinity: {
      podAntiAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [
          { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: labels } },
        ],
      },
    },
    serviceAccountName: 'coredns',
    dnsPolicy: 'Default',
    priorityClassName: 'system-cluster-critical',
    containers: [container],
    volumes: [{ name: 'config-volume', configMap: { name: 'coredns' } }],
  };
  return [
    [`${core}/serviceaccounts`, { metadata: { name: 'coredns' } }],
    [`${rbac}/clusterroles`, { metadata: { name: 'system:coredns' }, rules }],
    [
      `${rbac}/clusterrolebindings`,
      {
        metadata: { name: 'system:coredns' },
        roleRef,
        subjects: [{ kind: 'ServiceAccount', name: 'coredns', namespace }],
      },
    ],
    [`${core}/configmaps`, { metadata: { name: 'coredns' }, data: { Corefile: COREFILE } }],
    [
      `/apis/apps/v1/namespaces/${namespace}/deployments`,
      {
        metadata: { name: 'coredns', labels },
        spec: {
          replicas: plan.nodes.length,
          selector: { matchLabels: labels },
          template: { metadata: { labels }, spec },
        },
      },
    ],
    [
      `${core}/services`,
      {
        metadata: { name: 'kube-dns', labels },
        spec: {
          clusterIP: plan.dnsService,
          selector: labels,
          ports: [
            { name: 'dns', port: 53, protocol: 'UDP' },
            { name: 'dns-tcp', port: 53, protocol: 'TCP' },
          ],
        },
      },
    ],
  ];
}

const COREFILE = `.:53 {
    errors
    ready
    kubernetes cluster.local in-addr.arpa ip6.arpa {
        pods insecure
    }
    loadbalance
    reload 2s
}
`;
