/** The documents of an archive of images: what runs, of which layers, under which name. */
import { createHash } from 'node:crypto';
import { EPOCH, type Blob } from './layer.ts';

/** How an image is run. Each field is that of the image configuration (image-spec, config.md), or of Docker's. */
export type ImageConfig = {
  readonly labels?: Readonly<Record<string, string>>;
  readonly environment?: Readonly<Record<string, string>>;
  readonly user?: string;
  readonly folder?: string;
  readonly ports?: readonly number[];
  readonly healthCheck?: HealthCheck;
  readonly entrypoint?: readonly string[];
  readonly command?: readonly string[];
};

export type HealthCheck = {
  readonly command: readonly string[];
  readonly intervalSeconds: number;
  readonly timeoutSeconds: number;
  readonly startPeriodSeconds: number;
};

export type Image = {
  /** With its tag; without a registry, that of Docker is meant, as everywhere. */
  readonly name: string;
  readonly config: ImageConfig;
  readonly layers: readonly Blob[];
};

type Text = { readonly at: string; readonly text: string };

// The registry of names without one (distribution/reference, normalize.go).
const DEFAULT_REGISTRY = ['docker', 'io'].join('.');
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const ARCHITECTURE = process.arch === 'x64' ? 'amd64' : process.arch;
const NANOSECONDS = 1_000_000_000;

/** The name as the kubelet and `ctr` have it. */
export function fullName(name: string): string {
  const [first = '', ...rest] = name.split('/');
  if (rest.length === 0) return `${DEFAULT_REGISTRY}/library/${name}`;
  return /[.:]|^localhost$/.test(first) ? name : `${DEFAULT_REGISTRY}/${name}`;
}

/** The digest of an image: that of its manifest. */
export function digestOf(image: Image): string {
  return blobsOf(image).manifest.digest;
}

/** Everything of an archive but its layers. */
export function textsOf(images: readonly Image[]): readonly Text[] {
  const blobs = images.map(blobsOf);
  const small = new Map(
    blobs.flatMap(({ config, manifest }) => [config, manifest]).map((of) => [of.digest, of]),
  );
  return [
    { at: 'oci-layout', text: JSON.stringify({ imageLayoutVersion: '1.0.0' }) },
    { at: 'index.json', text: JSON.stringify(indexOf(images)) },
    { at: 'manifest.json', text: JSON.stringify(images.map(savedManifest)) },
    ...[...small.values()].map(({ digest, text }) => ({ at: blobPath(digest), text })),
  ];
}

function indexOf(images: readonly Image[]): object {
  return {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.index.v1+json',
    manifests: images.map((image) => ({
      ...descriptor('application/vnd.oci.image.manifest.v1+json', blobsOf(image).manifest),
      platform: { architecture: ARCHITECTURE, os: 'linux' },
      annotations: {
        // containerd, images/annotations.go: the name that the image gets.
        'io.containerd.image.name': fullName(image.name),
        'org.opencontainers.image.ref.name': image.name.slice(image.name.lastIndexOf(':') + 1),
      },
    })),
  };
}

/** Of `docker save` (moby, image/tarexport): the configuration and the layers by their paths in the archive. */
function savedManifest(image: Image): object {
  return {
    Config: blobPath(blobsOf(image).config.digest),
    RepoTags: [fullName(image.name)],
    Layers: image.layers.map(({ digest }) => blobPath(digest)),
  };
}

type SmallBlob = { readonly digest: string; readonly size: number; readonly text: string };

function blobsOf({ config, layers }: Image): { readonly config: SmallBlob; readonly manifest: SmallBlob } {
  const own = smallBlob({
    created: EPOCH.toISOString(),
    architecture: ARCHITECTURE,
    os: 'linux',
    config: runConfig(config),
    rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => digest) },
    history: layers.map(() => ({ created: EPOCH.toISOString() })),
  });
  const manifest = smallBlob({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: descriptor('application/vnd.oci.image.config.v1+json', own),
    layers: layers.map((layer) => descriptor('application/vnd.oci.image.layer.v1.tar', layer)),
  });
  return { config: own, manifest };
}

function runConfig(config: ImageConfig): object {
  const { healthCheck: check } = config;
  return {
    Env: Object.entries({ PATH, ...config.environment }).map(([name, value]) => `${name}=${value}`),
    ...(config.user === undefined ? {} : { User: config.user }),
    ...(config.folder === undefined ? {} : { WorkingDir: config.folder }),
    ...(config.ports === undefined
      ? {}
      : { ExposedPorts: Object.fromEntries(config.ports.map((port) => [`${port}/tcp`, {}])) }),
    ...(config.entrypoint === undefined ? {} : { Entrypoint: config.entrypoint }),
    ...(config.command === undefined ? {} : { Cmd: config.command }),
    ...(config.labels === undefined ? {} : { Labels: config.labels }),
    ...(check === undefined
      ? {}
      : {
          Healthcheck: {
            Test: ['CMD', ...check.command],
            Interval: check.intervalSeconds * NANOSECONDS,
            Timeout: check.timeoutSeconds * NANOSECONDS,
            StartPeriod: check.startPeriodSeconds * NANOSECONDS,
          },
        }),
  };
}

function smallBlob(of: object): SmallBlob {
  const text = JSON.stringify(of);
  const digest = `sha256:${createHash('sha256').update(text).digest('hex')}`;
  return { digest, size: Buffer.byteLength(text), text };
}

function descriptor(mediaType: string, { digest, size }: { digest: string; size: number }): object {
  return { mediaType, digest, size };
}

export function blobPath(digest: string): string {
  return `blobs/${digest.replace(':', '/')}`;
}
