/**
 * Cluster addresses in Consul. An address may belong to only one service at any moment: if two claim it, every client's Envoy rejects
 * its whole outbound listener. So a service gets an address only after Consul, asked again, shows it at no other service.
 */
import {
  chooseAddress,
  headlessServicesOf,
  type AddressStatus,
  type ChosenAddress,
} from '../catalog/mesh/virtual-address.ts';
import type { MeshService } from '../catalog/mesh/mesh-cluster.ts';
import type { PodInstance } from '../catalog/mesh/agent-plan.ts';
import { meshOf, type InjectedPod } from '../catalog/mesh/registered-pod.ts';
import type { VirtualAddress } from '../model/registration.ts';
import { inParallel, SMALL_CALLS } from '../reconcile/in-parallel.ts';
import { hasCode, isAboutOneRequest } from '../support/errors.ts';
import { quote } from '../support/text.ts';
import { createAddressGrants, type AddressGrants } from './address-grants.ts';
import type { PodSnapshot } from './pod-snapshot.ts';

/** A proxy that has a virtual address in the catalog, whosever it is. */
export type AddressHolder = {
  readonly address: string;
  readonly node: string;
  readonly id: string;
  readonly owner: string | undefined;
  readonly uid: string | undefined;
};

/** What a proxy stands for, and its virtual address. */
export type FoundProxy = { readonly name: string; readonly virtual: VirtualAddress | undefined };

/** The questions of one loop that writes; each of its rounds reads, plans and writes, and rounds do not overlap. */
export type AddressLoop = {
  /** What the previous round wrote is settled. */
  readonly begin: (isFull: boolean) => void;
  /** Everything was read; returns the places where somebody waits. */
  readonly readAll: () => Iterable<string>;
  readonly found: (proxies: readonly FoundProxy[]) => void;
  /** What a place that tells the catalog later has now. */
  readonly foundAt: (place: string, proxies: readonly FoundProxy[]) => void;
  /** Reads who has the addresses that these pods would get; does nothing if none would get another one. */
  readonly ask: (pods: readonly PodWithProxy[], signal: AbortSignal) => Promise<void>;
  /** What its proxy must have; it is written in this round, or not at all. */
  readonly grant: (pod: PodWithProxy) => VirtualAddress | undefined;
  /** Who there waits for which address; one text for each. */
  readonly waitingAt: (place: string, pods: readonly InjectedPod[]) => readonly string[];
};

export function foundProxy({ destination = '', virtual }: PodInstance): FoundProxy {
  return { name: destination, virtual };
}

export type PodWithProxy = { readonly pod: InjectedPod; readonly found: FoundProxy | undefined };

export type AddressBook = {
  readonly loop: (name: LoopName) => AddressLoop;
  readonly statusOf: (pod: InjectedPod) => AddressStatus;
};

type LoopName = 'registrar' | 'agents';

type AddressBookParts = {
  readonly snapshot: Pick<PodSnapshot, 'cluster' | 'namesBehind' | 'isKnown' | 'isEnded'>;
  /** All proxies of a service that have a virtual address, of all clusters. Throws when it is incomplete. */
  readonly holders: (service: string, signal: AbortSignal) => Promise<readonly AddressHolder[]>;
  /** The loops that will run. */
  readonly loops: readonly LoopName[];
};

type Read = { readonly at: number; readonly holders: readonly AddressHolder[] };

type Verdict = { readonly reason: 'service' | 'waiting' | 'taken'; readonly holder?: string };

type Denied = Verdict & { readonly address: string; readonly name: string };

type Loop = {
  readonly name: LoopName;
  isComplete: boolean;
  /** Address → services that were seen with it, or got it. At the end of a full round, what it read replaces them. */
  seen: Map<string, Set<string>>;
  reading: Map<string, Set<string>> | undefined;
  readonly places: Map<string, readonly FoundProxy[]>;
  /** What the places have; undefined when it has to be counted. */
  heldThere: ReturnType<typeof heldThere> | undefined;
  /** Names behind a Service, in this round. */
  readonly behind: Map<MeshService, readonly string[]>;
  readonly reads: Map<string, Promise<void>>;
  readonly answers: Map<string, Read>;
  /** Places, in this round. */
  readonly waiting: Set<string>;
  /** UID of a pod → why it does not get its address. Another pod of its service may have it already. */
  readonly denied: Map<string, Denied>;
};

type Book = AddressBookParts & {
  readonly all: ReadonlyMap<LoopName, Loop>;
  readonly grants: AddressGrants<LoopName>;
};

export function createAddressBook(parts: AddressBookParts): AddressBook {
  const all = new Map(parts.loops.map((name) => [name, newLoop(name)]));
  const book: Book = { ...parts, all, grants: createAddressGrants(parts.loops) };
  return {
    loop: (name) => loopOf(book, all.get(name) ?? newLoop(name)),
    statusOf: (pod) => statusOf(book, pod),
  };
}

function loopOf(book: Book, loop: Loop): AddressLoop {
  const found: AddressLoop['found'] = (proxies) => {
    for (const { name, virtual } of proxies) if (virtual !== undefined) note(loop, name, virtual.address);
  };
  return {
    begin: (isFull) => {
      book.grants.begin(loop.name);
      loop.waiting.clear();
      loop.reads.clear();
      loop.answers.clear();
      loop.behind.clear();
      loop.reading = isFull ? new Map() : undefined;
      if (isFull) loop.denied.clear();
    },
    readAll: () => {
      loop.isComplete = true;
      loop.seen = loop.reading ?? loop.seen;
      loop.reading = undefined;
      return loop.waiting;
    },
    found,
    foundAt: (place, proxies) => {
      found(proxies);
      const held = proxies.filter(({ virtual }) => virtual !== undefined);
      if (held.length === 0) loop.places.delete(place);
      else loop.places.set(place, held);
      loop.heldThere = undefined;
    },
    ask: async (pods, signal) => {
      const names = pods.flatMap(({ pod, found: proxy }) => {
        const chosen = chooseAddress(pod, book.snapshot.cluster);
        return chosen.kind === 'chosen' && !isFound(chosen, proxy) ? othersOf(book, loop, chosen) : [];
      });
      const once = (name: string): Promise<void> => {
        const asked = loop.reads.get(name) ?? read(book, loop, name, signal);
        loop.reads.set(name, asked);
        return asked;
      };
      await inParallel(new Set(names), once, { atATime: SMALL_CALLS });
    },
    grant: (wanting) => grantTo(book, loop, wanting),
    waitingAt: (place, pods) => {
      const waiting = pods.flatMap((pod) => {
        const { reason, chosen } = statusOf(book, pod);
        return reason === 'waiting' ? [`${pod.uid} ${chosen?.virtual.address ?? ''}`] : [];
      });
      if (waiting.length > 0) loop.waiting.add(place);
      return waiting;
    },
  };
}

async function read(book: Book, loop: Loop, name: string, signal: AbortSignal): Promise<void> {
  const at = book.grants.readBegins();
  try {
    const holders = await book.holders(name, signal);
    // A round that failed may have left reads behind.
    if (book.grants.isOfRound(loop.name, at)) loop.answers.set(name, { at, holders });
  } catch (error) {
    // Only the pods that chose this name wait. The token may be good for all names but this one.
    const isForbidden = hasCode(error, 'TANDEM_CONSUL_FORBIDDEN');
    if (!isForbidden && !isAboutOneRequest(error)) throw error;
  }
}

function grantTo(book: Book, loop: Loop, { pod, found }: PodWithProxy): VirtualAddress | undefined {
  const { cluster } = book.snapshot;
  const chosen = chooseAddress(pod, cluster);
  if (chosen.kind === 'unknown') return found?.virtual;
  if (chosen.kind === 'none') return undefined;
  const { virtual, name } = chosen;
  if (cluster.holderOf(virtual.address) !== name) return undefined;
  const verdict = isFound(chosen, found) ? undefined : judge(book, chosen, pod, loop);
  if (verdict !== undefined && verdict.reason !== 'service') {
    loop.denied.set(pod.uid, { ...verdict, address: virtual.address, name });
    return undefined;
  }
  loop.denied.delete(pod.uid);
  if (verdict === undefined) return virtual;
  book.grants.give(loop.name, virtual.address, name);
  for (const each of book.all.values()) each.seen.delete(virtual.address);
  note(loop, name, virtual.address);
  return virtual;
}

function judge(book: Book, chosen: ChosenAddress, pod: InjectedPod, loop: Loop): Verdict {
  const { all, grants, snapshot } = book;
  const { name } = chosen;
  const { address } = chosen.virtual;
  if (![...all.values()].every(({ isComplete }) => isComplete)) return { reason: 'waiting' };
  for (const other of othersOf(book, loop, chosen)) {
    const answer = loop.answers.get(other);
    if (answer === undefined || !grants.isShown(address, name, answer.at)) return { reason: 'waiting' };
    const holder = answer.holders.find(
      (each) => each.address === address && !(each.uid === pod.uid && each.id === meshOf(pod)?.proxyId),
    );
    if (holder === undefined) continue;
    const { owner, uid = '', id, node } = holder;
    const isOurs = owner === snapshot.cluster.owner || snapshot.isKnown(uid) || snapshot.isEnded(uid);
    return isOurs
      ? { reason: 'waiting' }
      : { reason: 'taken', holder: `${quote(other)} (${quote(id)} on node ${quote(node)})` };
  }
  const there = [...all.values()].flatMap((each) => [...(heldThere(each).get(address) ?? [])]);
  return { reason: there.some((each) => each !== name) ? 'waiting' : 'service' };
}

function statusOf({ all, snapshot: { cluster } }: Book, pod: InjectedPod): AddressStatus {
  const services = cluster.selecting(pod);
  const choice = chooseAddress(pod, cluster, services);
  const isRedirected = choice.kind === 'chosen' || choice.reason !== 'not-redirected';
  const headless = isRedirected ? headlessServicesOf(pod, services ?? []) : [];
  if (choice.kind !== 'chosen')
    return { reason: choice.reason, chosen: undefined, holder: undefined, headless };
  if (cluster.holderOf(choice.virtual.address) !== choice.name)
    return { reason: 'shared', chosen: choice, holder: undefined, headless };
  const denied = [...all.values()]
    .flatMap((loop) => loop.denied.get(pod.uid) ?? [])
    .find(({ address, name }) => address === choice.virtual.address && name === choice.name);
  return { reason: denied?.reason ?? 'service', chosen: choice, holder: denied?.holder, headless };
}

/** Services that may have the address beside the one that is to get it. */
function othersOf(
  { all, snapshot }: Book,
  loop: Loop,
  { virtual, service, name }: ChosenAddress,
): readonly string[] {
  // Once for all of its pods: finding them means looking at all pods of the namespace.
  const behind = loop.behind.get(service) ?? snapshot.namesBehind(service);
  loop.behind.set(service, behind);
  const seen = [...all.values()].flatMap((each) => [...(each.seen.get(virtual.address) ?? [])]);
  return [...new Set([...seen, ...behind])].filter((each) => each !== name);
}

/** Address → services. */
function heldThere(loop: Loop): ReadonlyMap<string, ReadonlySet<string>> {
  if (loop.heldThere !== undefined) return loop.heldThere;
  const held = new Map<string, Set<string>>();
  for (const { name, virtual } of [...loop.places.values()].flat())
    if (virtual !== undefined)
      held.set(virtual.address, (held.get(virtual.address) ?? new Set<string>()).add(name));
  loop.heldThere = held;
  return held;
}

function isFound({ virtual, name }: ChosenAddress, found: FoundProxy | undefined): boolean {
  return found?.name === name && found.virtual?.address === virtual.address;
}

function note(loop: Loop, name: string, address: string): void {
  for (const seen of [loop.seen, loop.reading])
    seen?.set(address, (seen.get(address) ?? new Set<string>()).add(name));
}

function newLoop(name: LoopName): Loop {
  return {
    name,
    isComplete: false,
    seen: new Map(),
    reading: undefined,
    places: new Map(),
    heldThere: undefined,
    behind: new Map(),
    reads: new Map(),
    answers: new Map(),
    waiting: new Set(),
    denied: new Map(),
  };
}
