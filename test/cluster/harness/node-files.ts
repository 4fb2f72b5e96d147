/** The configuration of a node's daemons. Paths are those inside of the node, where its folder is /run/node. */
import type { AddressPlan, NodeAddresses } from './address-plan.ts';

export const CONTAINERD_SOCKET = '/run/containerd/containerd.sock';

/** https://github.com/containerd/containerd/blob/release/1.6/docs/cri/config.md */
export function containerdConfig(sandboxImage: string, cniFolder: string): string {
  return `version = 2
root = "/run/node/containerd"
state = "/run/containerd"
disabled_plugins = [${UNUSED_PLUGINS.map((name) => `"${name}"`).join(', ')}]
[grpc]
address = "${CONTAINERD_SOCKET}"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "${sandboxImage}"
# Without CAP_SYS_RESOURCE, as in many containers and sandboxes, nothing may lower its score.
restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = ${JSON.stringify(cniFolder)}
conf_dir = "/run/node/cni"
[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "overlayfs"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
SystemdCgroup = false
`;
}

/** Each of them would make folders, or warn that it cannot run here. */
export const UNUSED_PLUGINS = [
  'io.containerd.internal.v1.opt',
  'io.containerd.snapshotter.v1.aufs',
  'io.containerd.snapshotter.v1.btrfs',
  'io.containerd.snapshotter.v1.devmapper',
  'io.containerd.snapshotter.v1.zfs',
] as const;

/** https://www.cni.dev/plugins/current/main/bridge/ */
export function cniConfig(node: NodeAddresses): object {
  const bridge = {
    type: 'bridge',
    bridge: 'cni0',
    isGateway: true,
    hairpinMode: true,
    ipMasq: false,
    ipam: {
      type: 'host-local',
      ranges: [[{ subnet: node.pods }]],
      routes: [{ dst: '0.0.0.0/0' }],
    },
  };
  return {
    cniVersion: '0.4.0',
    name: 'pods',
    plugins: [bridge, { type: 'portmap', capabilities: { portMappings: true } }],
  };
}

// A node counts as lost when it has not renewed its lease for NODE_GRACE_SECONDS; it does so after a quarter of the lease's time (https://kubernetes.io/docs/concepts/architecture/leases/#node-heart-beats).
const LEASE_SECONDS = 8;

/** https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/ */
export function kubeletConfig(plan: AddressPlan, cgroup: string): object {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: '/run/node/ca.crt' },
    },
    authorization: { mode: 'Webhook' },
    tlsCertFile: '/run/node/kubelet.crt',
    tlsPrivateKeyFile: '/run/node/kubelet.key',
    containerRuntimeEndpoint: `unix://${CONTAINERD_SOCKET}`,
    cgroupDriver: 'cgroupfs',
    cgroupRoot: `/${cgroup}`,
    failCgroupV1: false,
    failSwapOn: false,
    oomScoreAdj: 0,
    resolvConf: '/run/node/resolv.conf',
    clusterDNS: [plan.dnsService],
    clusterDomain: 'cluster.local',
    nodeStatusUpdateFrequency: '2s',
    nodeLeaseDurationSeconds: LEASE_SECONDS,
    volumePluginDir: '/var/lib/kubelet/volume-plugins',
    // The disk is the machine's: nothing is evicted, and no image is removed that nobody could pull again.
    evictionHard: { 'memory.available': '100Mi', 'nodefs.available': '1%', 'imagefs.available': '1%' },
    imageGCHighThresholdPercent: 100,
    imageGCLowThresholdPercent: 99,
  };
}

/** https://kubernetes.io/docs/reference/config-api/kube-proxy-config.v1alpha1/ */
export function kubeProxyConfig(plan: AddressPlan, node: NodeAddresses): object {
  return {
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    mode: 'iptables',
    hostnameOverride: node.name,
    clientConnection: { kubeconfig: '/run/node/kube-proxy.kubeconfig' },
    clusterCIDR: plan.pods,
    oomScoreAdj: 0,
    // These can only be written in the first network namespace of a machine.
    conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' },
  };
}
