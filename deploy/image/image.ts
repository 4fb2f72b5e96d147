/** What the image holds: the one list of which the Dockerfile and `npm run image` are made. */
import packageJson from '../../package.json' with { type: 'json' };

export const image = {
  name: `tandem:${packageJson.version}`,
  /** The version of Node.js; the tests run with the same. */
  node: packageJson.devDependencies.node,
  labels: {
    'org.opencontainers.image.title': packageJson.name,
    'org.opencontainers.image.description': 'Joins Kubernetes to a Consul service mesh',
    'org.opencontainers.image.version': packageJson.version,
    'org.opencontainers.image.licenses': packageJson.license,
  },
  /** What the bundle is made of: first the dependencies, then the sources. */
  dependencies: ['package.json', 'package-lock.json', '.npmrc'],
  sources: ['bin', 'src', 'dev', 'deploy/image'],
  /** Of Debian, beside what the image of Node.js has. */
  packages: ['nftables'],
  /** The folder of the bundle in the image. */
  bundle: '/app',
  files: [{ from: 'LICENSE', at: '/app/LICENSE' }],
  environment: { NODE_OPTIONS: '--max-semi-space-size=4 --max-old-space-size=128' },
  user: '65532:65532',
  ports: [8443, 8081],
  healthCheck: {
    command: [
      'node',
      '-e',
      "fetch('http://127.0.0.1:8081/health/live').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))",
    ],
    intervalSeconds: 10,
    timeoutSeconds: 3,
    startPeriodSeconds: 5,
  },
  entrypoint: ['node', '/app/tandem.js'],
  command: ['webhook'],
  /** The reasons, for people who read the list or the Dockerfile. */
  comments: {
    packages: ['For the redirection of pods. No version: Debian withdraws a package when it repairs it.'],
    environment: [
      'An admission lives for a millisecond: small spaces keep the webhook small. With 4 MB it answers a sixth more than with 2, in',
      'the same memory; 8 MB add a hundredth, and 8 MB. The sync holds a catalog, and is given its own heap where it is deployed.',
    ],
    healthCheck: ['For engines without probes; webhook and sync have the same status port.'],
  },
} as const;

/** The options that the image gives to Node. */
export const nodeOptions: readonly string[] = image.environment.NODE_OPTIONS.split(' ');
