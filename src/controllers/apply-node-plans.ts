/** Writes the plans of synthetic nodes to Consul: first dead pods, then those that traffic must leave or may reach again. */
import { LEAST_OPERATIONS } from '../model/consul-names.ts';
import type { NodePlan } from '../catalog/mesh/node-plan.ts';
import type { PodRegistration } from '../catalog/mesh/pod-registration.ts';
import type {
  CheckOnNode,
  ConnectCatalog,
  ConnectWrite,
  InstanceOnNode,
  RegistrarAction,
  RegistrarChange,
} from './registrar-ports.ts';
import type { Writing } from '../reconcile/controller.ts';
import { fewFirst } from '../reconcile/few-first.ts';
import { inParallel, SMALL_CALLS } from '../reconcile/in-parallel.ts';
import { keyOfInstance } from './pod-keys.ts';
import { chunks } from '../support/chunks.ts';

/** What each step writes with. */
type Writer = {
  readonly owner: string;
  readonly catalog: ConnectCatalog;
  readonly signal: AbortSignal;
};

type Step = {
  readonly changes: readonly RegistrarChange[];
  readonly write: () => Promise<ConnectWrite>;
  /** Instead, when Consul refuses the write: one of several that it holds may be to blame. */
  readonly otherwise?: () => readonly Step[];
};

type Registering = { readonly action: 'register' | 'update'; readonly registration: PodRegistration };

const TRANSACTIONS = 2;
// Of each the service and its check.
const LEAST_SERVICES = LEAST_OPERATIONS / 2;

/**
 * Instances of pods do not replace each other, unlike those of the catalog sync, so removals need not wait for registrations:
 * a dead pod leaves, and the readiness of the others is known, before a thousand new ones are written.
 *
 * Rejects with the first error of the catalog; what had been written by then was reported.
 */
export async function applyNodePlans(
  plans: readonly NodePlan[],
  writer: Writer,
  writing: Writing<RegistrarChange>,
): Promise<void> {
  const { catalog, signal } = writer;
  const carryOut = async ({ changes, write, otherwise }: Step): Promise<void> => {
    const outcome = await write();
    if (outcome.kind === 'refused' && otherwise !== undefined)
      for (const step of otherwise()) await carryOut(step);
    else if (outcome.kind === 'refused')
      for (const change of changes) writing.refused(change, outcome.reason);
    else for (const change of changes) writing.applied(change);
  };
  const run = (steps: readonly Step[], atATime = SMALL_CALLS): Promise<void> =>
    inParallel(steps, carryOut, { atATime, signal });
  await run(removals(plans, writer), TRANSACTIONS);
  await run(plans.flatMap((plan) => nodeRemovals(plan, writer)));
  await run(plans.flatMap((plan) => nodeChanges(plan, writer)));
  await run(checkChanges(plans, writer), TRANSACTIONS);

  const leave = ({ node, id, source = '' }: RegistrarChange): void =>
    writing.left(keyOfInstance(node, id), namespaceOfPod(source));
  const mayGoOn = writing.turn();
  const registerOrLeave = async (step: Step): Promise<void> => {
    if (mayGoOn()) await carryOut(step);
    else step.changes.forEach(leave);
  };
  const register = (steps: readonly Step[]): Promise<void> =>
    inParallel(steps, registerOrLeave, { atATime: SMALL_CALLS, signal });
  const { first, others } = registrations(plans);
  const alone = (each: Registering): Step => registration(each, writer);
  await register(first.map(alone));
  await register(chunks(others, LEAST_OPERATIONS).flatMap(servicesAndProxies));

  /** A transaction drops parts of a proxy. */
  function servicesAndProxies(some: readonly Registering[]): readonly Step[] {
    const isProxy = ({ registration: { kind } }: Registering): boolean => kind === 'connect-proxy';
    const services = some.filter((each) => !isProxy(each));
    return [...chunks(services, LEAST_SERVICES).map(together), ...some.filter(isProxy).map(alone)];
  }

  function together(some: readonly Registering[]): Step {
    return oneOrAll(some, alone, {
      changes: some.map(changeOfRegistering),
      write: () =>
        catalog.registerServices(
          some.map((each) => each.registration),
          signal,
        ),
    });
  }
}

/** A namespace with thousands of new pods waits for those with few; only a registration alone creates a node. */
function registrations(
  plans: readonly NodePlan[],
): Readonly<Record<'first' | 'others', readonly Registering[]>> {
  const of = ({ register, update }: NodePlan): readonly Registering[] => [
    ...register.map((each) => ({ action: 'register' as const, registration: each })),
    ...update.map((each) => ({ action: 'update' as const, registration: each.registration })),
  ];
  const others = plans.flatMap((plan) => of(plan).slice(plan.isNewNode ? 1 : 0));
  return {
    first: plans.filter(({ isNewNode }) => isNewNode).flatMap((plan) => of(plan).slice(0, 1)),
    others: fewFirst(others, ({ registration: { source } }) => namespaceOfPod(source)),
  };
}

/** @param source `Pod/<namespace>/<name>` */
function namespaceOfPod(source: string): string {
  return source.split('/')[1] ?? '';
}

function removals(plans: readonly NodePlan[], { catalog, signal }: Writer): readonly Step[] {
  const dead = plans.flatMap(({ name: node, deregister }) =>
    deregister.map(({ id, name }) => ({ node, id, name })),
  );
  const step = (instances: readonly InstanceOnNode[]): Step => ({
    changes: instances.map(({ node, id }) => changeOf('deregister', node, id)),
    write: () => catalog.deregister(instances, signal),
  });
  return inTransactions(dead, step);
}

function checkChanges(plans: readonly NodePlan[], { catalog, signal }: Writer): readonly Step[] {
  const changed = plans.flatMap(({ checks }) => checks);
  const step = (some: NodePlan['checks']): Step => ({
    changes: some.map(({ registration: { node, id, source } }) => changeOf('check', node.name, id, source)),
    write: () => catalog.setChecks(some.map(checkOnNode), signal),
  });
  return inTransactions(changed, step);
}

function checkOnNode({ registration: { node, id, name }, check }: NodePlan['checks'][number]): CheckOnNode {
  return { node: node.name, id, name, check };
}

/** @param step makes one operation of each item */
function inTransactions<T>(items: readonly T[], step: (some: readonly T[]) => Step): readonly Step[] {
  return chunks(items, LEAST_OPERATIONS).map((batch) => oneOrAll(batch, (each) => step([each]), step(batch)));
}

function oneOrAll<T>(batch: readonly T[], alone: (each: T) => Step, all: Step): Step {
  return batch.length === 1 ? (batch.map(alone)[0] ?? all) : { ...all, otherwise: () => batch.map(alone) };
}

function nodeRemovals({ name, removeNode }: NodePlan, { catalog, signal }: Writer): Step[] {
  if (!removeNode) return [];
  return [{ changes: [changeOf('remove-node', name, name)], write: () => catalog.removeNode(name, signal) }];
}

function nodeChanges({ name, node }: NodePlan, { owner, catalog, signal }: Writer): Step[] {
  if (node === undefined) return [];
  const write = (): Promise<ConnectWrite> => catalog.writeNode(node, owner, signal);
  return [{ changes: [changeOf('write-node', name, name)], write }];
}

function registration(each: Registering, { owner, catalog, signal }: Writer): Step {
  return {
    changes: [changeOfRegistering(each)],
    write: () => catalog.register(each.registration, owner, signal),
  };
}

function changeOfRegistering({ action, registration: { node, id, source } }: Registering): RegistrarChange {
  return changeOf(action, node.name, id, source);
}

function changeOf(action: RegistrarAction, node: string, id: string, source?: string): RegistrarChange {
  return { action, node, id, source };
}
