/** What happens to config entries, in words and as data. */
import { objectPlace } from '../catalog/config-entries/entry-holder.ts';
import { inSteps } from '../catalog/config-entries/entry-order.ts';
import type { EntryChange, EntryPlan, PlannedObject } from '../catalog/config-entries/entry-plan.ts';
import type { FailedState } from '../catalog/config-entries/entry-state.ts';
import { escapeControl, terminalLine } from '../support/text.ts';

type Failed = PlannedObject & { readonly state: FailedState };

export function isEmptyEntryPlan({ writes, removals }: EntryPlan): boolean {
  return writes.length + removals.length === 0;
}

/** In the order in which they are written. */
export function entryRows({ writes, removals }: EntryPlan): readonly (readonly string[])[] {
  return inSteps([...writes, ...removals])
    .flat()
    .map((change) => [
      wordOf(change),
      `${change.kind.entryKind} ${change.name}`,
      change.reason,
      placeOf(change),
      pathsOf(change).join(', '),
    ])
    .map((cells) => cells.map(escapeControl));
}

export function* entryLines(plan: EntryPlan): Generator<string> {
  for (const { kind, object, state } of plan.objects.filter(isFailed))
    yield terminalLine(`! ${kind.kind}/${objectPlace(object)}: ${wordOfFailure(state)}: ${state.message}`);
  for (const { kind, object, state } of plan.objects)
    if (state.kind === 'elsewhere')
      yield terminalLine(`. ${kind.kind}/${objectPlace(object)}: ${state.message}`);
  for (const { kind, name, why } of plan.kept)
    yield terminalLine(`. ${kind.entryKind} ${name} stays: ${why}`);
}

export function entrySummary(plan: EntryPlan): string {
  const words = [...plan.writes, ...plan.removals].map(kindOfChange);
  const count = (word: string): number => words.filter((each) => each === word).length;
  const failed = plan.objects.filter(isFailed).length;
  const same = plan.objects.filter(({ state }) => state.kind === 'synced').length;
  return `config entries: ${count('create')} to create, ${count('update')} to update, ${count('adopt')} to adopt, ${count('delete')} to delete, ${same} unchanged, ${failed} without effect`;
}

export function entryPlanJson(plan: EntryPlan): object {
  return {
    changes: inSteps([...plan.writes, ...plan.removals])
      .flat()
      .map((change) => ({
        action: kindOfChange(change),
        kind: change.kind.entryKind,
        entry: change.name,
        object: placeOf(change),
        reason: change.reason,
        paths: pathsOf(change),
      })),
    withoutEffect: plan.objects.filter(isFailed).map(({ kind, object, entry, state }) => ({
      kind: kind.kind,
      object: objectPlace(object),
      entry: entry?.name,
      reason: state.reason,
      message: state.message,
    })),
    elsewhere: plan.objects.flatMap(({ kind, object, state }) =>
      state.kind === 'elsewhere'
        ? [{ kind: kind.kind, object: objectPlace(object), message: state.message }]
        : [],
    ),
    kept: plan.kept.map(({ kind, name, why }) => ({ kind: kind.entryKind, entry: name, why })),
  };
}

function isFailed(planned: PlannedObject): planned is Failed {
  return planned.state.kind === 'failed';
}

/** `adopt` is an update of what consul-k8s wrote. */
function kindOfChange(change: EntryChange): EntryChange['action'] | 'adopt' {
  return change.reason === 'adopted' ? 'adopt' : change.action;
}

function wordOf(change: EntryChange): string {
  const marks = { create: '+', update: '~', adopt: '~', delete: '-' } as const;
  const word = kindOfChange(change);
  return `${marks[word]} ${word}`;
}

function wordOfFailure({ reason }: FailedState): string {
  return reason === 'ExternallyManagedConfigError' || reason === 'MigrationFailedError'
    ? `conflict, ${reason}`
    : reason;
}

function placeOf(change: EntryChange): string {
  return change.action === 'delete' ? change.place : objectPlace(change.object);
}

function pathsOf(change: EntryChange): readonly string[] {
  return change.action === 'delete' ? [] : change.differences.map(({ path }) => path);
}
