/** The addresses of pods, Services and the API server, watched: where no instance of Consul may lead. */
import { setTimeout as delay } from 'node:timers/promises';
import type { ClusterNetwork } from '../catalog/to-kubernetes/cluster-address.ts';
import type { NetworkSource } from '../controllers/to-k8s-ports.ts';
import type { ApiClient } from '../kubernetes/api-client.ts';
import { failureOf, thrownFailure, type WatchFailure } from '../kubernetes/watch-failure.ts';
import { aborted } from '../support/aborted.ts';
import { backoff } from '../support/backoff.ts';
import { cidrLookup } from '../support/cidr.ts';
import { asString, elementsAt, property } from '../support/json.ts';
import { createListeners } from '../support/listeners.ts';
import type { WatchedKind } from './cluster-source.ts';
import { watchGroup, type WatchGroup } from './watch-group.ts';

type NetworkWatch = NetworkSource & Pick<WatchGroup<WatchedKind>, 'watches' | 'stop'>;

type NetworkOptions = {
  readonly client: Pick<ApiClient, 'request' | 'watch'>;
  /** What the operator knows beside it. */
  readonly cidrs: readonly string[];
  readonly onRestart: (kind: WatchedKind, failure: WatchFailure) => void;
};

/** Where the operator allows such addresses: nothing is asked of the API server. */
export const UNASKED: NetworkWatch = {
  network: () => ({ rangeOf: () => undefined }),
  synced: () => Promise.resolve(),
  onChange: () => () => undefined,
  watches: () => ({}),
  stop: () => Promise.resolve(),
};

type Part = {
  readonly kind: WatchedKind;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly read: (raw: unknown) => Ranges;
};

/** What one object tells of the network. */
type Ranges = readonly string[];

// The API server itself is the Service `kubernetes`, and writes its own addresses into the slice of that name.
const ITSELF = { fieldSelector: 'metadata.name=kubernetes' };
const GROUP = '/apis/networking.k8s.io/v1';

const PARTS: readonly Part[] = [
  { kind: 'nodes', path: '/api/v1/nodes', query: {}, read: rangesOfNode },
  { kind: 'services', path: '/api/v1/namespaces/default/services', query: ITSELF, read: rangesOfService },
  {
    kind: 'endpointslices',
    path: '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices',
    query: ITSELF,
    read: rangesOfSlice,
  },
];
/** Kubernetes 1.33 and later. */
const SERVICE_CIDRS: Part = {
  kind: 'servicecidrs',
  path: `${GROUP}/servicecidrs`,
  query: {},
  read: rangesOfServiceCidr,
};

/** Starts to watch at once. */
export function clusterNetwork({ client, cidrs, onRestart }: NetworkOptions): NetworkWatch {
  const { tell, onChange } = createListeners<[]>();
  const held = new Map<string, Ranges>();
  const group = watchGroup<WatchedKind>(client, onRestart);
  let network: ClusterNetwork | undefined;

  const start = ({ kind, ...what }: Part): void =>
    group.start<Ranges>(kind, {
      ...what,
      onChange: (key, before, after) => {
        if (after === undefined) held.delete(`${kind} ${key}`);
        else held.set(`${kind} ${key}`, after);
        // A node reports its health every few seconds, and its ranges once.
        if (before?.join() === after?.join()) return;
        network = undefined;
        tell();
      },
    });

  async function begin(signal: AbortSignal): Promise<void> {
    for (const part of PARTS) start(part);
    const delays = backoff(Math.random);
    for (;;) {
      const found = await findServiceCidrs(client);
      if (found === true) start(SERVICE_CIDRS);
      if (typeof found === 'boolean' || signal.aborted) break;
      onRestart(SERVICE_CIDRS.kind, found);
      await delay(delays.next(), undefined, { signal }).catch(() => undefined);
    }
    await group.synced(signal);
  }

  const ending = new AbortController();
  const begun = begin(ending.signal);
  return {
    network: () => (network ??= { rangeOf: cidrLookup([...cidrs, ...[...held.values()].flat()]) }),
    synced: (signal) => Promise.race([begun, aborted(signal)]),
    onChange,
    watches: group.watches,
    stop: () => {
      ending.abort();
      return group.stop();
    },
  };
}

/** Whether the API server has them, or why that is not known. */
async function findServiceCidrs(client: Pick<ApiClient, 'request'>): Promise<boolean | WatchFailure> {
  try {
    const answer = await client.request('GET', GROUP);
    if (answer.status === 404) return false;
    if (answer.status !== 200) return failureOf(answer, GROUP);
    return elementsAt(answer.body, 'resources').some((each) => property(each, 'name') === 'servicecidrs');
  } catch (error) {
    return thrownFailure(error);
  }
}

function rangesOfNode(raw: unknown): Ranges {
  const spec = property(raw, 'spec');
  return texts([property(spec, 'podCIDR'), ...elementsAt(spec, 'podCIDRs')]);
}

function rangesOfService(raw: unknown): Ranges {
  const spec = property(raw, 'spec');
  return texts([property(spec, 'clusterIP'), ...elementsAt(spec, 'clusterIPs')]);
}

function rangesOfSlice(raw: unknown): Ranges {
  return texts(elementsAt(raw, 'endpoints').flatMap((each) => elementsAt(each, 'addresses')));
}

function rangesOfServiceCidr(raw: unknown): Ranges {
  return texts(elementsAt(property(raw, 'spec'), 'cidrs'));
}

function texts(values: readonly unknown[]): string[] {
  return [...new Set(values.map(asString).filter((each) => each !== undefined))];
}
