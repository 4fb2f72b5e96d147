/** A plan in words, and as JSON for machines. */
import { sourceOf, type Instance } from '../model/instance.ts';
import type { Plan } from '../catalog/to-consul/consul-plan.ts';
import { omitReasons } from '../catalog/to-consul/place.ts';
import type { Planned } from '../controllers/planner.ts';
import type { PlannedChanges } from '../runtime/planned-changes.ts';
import { hostAndPort } from '../support/ip-address.ts';
import { escapeControl, terminalLine } from '../support/text.ts';
import { entryLines, entryPlanJson, entryRows, entrySummary } from './entry-plan-report.ts';
import { jsonTexts } from './write-all.ts';

/** In pieces: a plan may have hundreds of thousands of rows. */
export function* planTable(
  { plan, problems }: Planned,
  without: PlannedChanges['leftOut'],
  entries: PlannedChanges['entries'],
): Generator<string> {
  const rows = [
    ...plan.register.map((instance) => ['+ register', ...cells(instance), '']),
    ...plan.update.map(({ instance, fields }) => ['~ update', ...cells(instance), fields.join(', ')]),
    ...plan.deregister.map((instance) => ['- deregister', ...cells(instance), '']),
  ];
  yield* columns([...rows, ...(entries === undefined ? [] : entryRows(entries))]);
  for (const [source, found] of problems)
    for (const { at, message } of found) yield terminalLine(`! ${source}: ${at}: ${message}`);
  for (const [source, reasons] of without)
    if ((problems.get(source) ?? []).length === 0)
      yield terminalLine(
        `. ${source}: nothing to register: ${reasons.map((reason) => omitReasons[reason]).join('; ')}`,
      );
  if (entries !== undefined) yield* entryLines(entries);
  yield `${summary(plan)}\n`;
  if (entries !== undefined) yield `${entrySummary(entries)}\n`;
}

export function planJson(
  { plan, problems }: Planned,
  without: PlannedChanges['leftOut'],
  entries: PlannedChanges['entries'],
): Iterable<string> {
  const { register, update, deregister, unchanged, foreign } = plan;
  const found = [...problems].flatMap(([source, list]) => list.map((problem) => ({ source, ...problem })));
  const empty = [...without].map(([source, reasons]) => ({ source, reasons }));
  const configEntries = entries && entryPlanJson(entries);
  const catalog = { register, update, deregister, unchanged, foreign, problems: found, without: empty };
  return jsonTexts({ ...catalog, configEntries });
}

function summary({ register, update, deregister, unchanged, foreign }: Plan): string {
  const counts = `${register.length} to register, ${update.length} to update, ${deregister.length} to deregister`;
  return `${counts}, ${unchanged} unchanged, ${foreign} of other owners`;
}

function cells(instance: Instance): readonly string[] {
  const { name, address, port } = instance;
  return [name, hostAndPort(address, port), sourceOf(instance)].map(escapeControl);
}

function* columns(rows: readonly (readonly string[])[]): Generator<string> {
  const widths: number[] = [];
  for (const row of rows)
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, cell.length);
  for (const row of rows) {
    const line = row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ');
    yield `${line.trimEnd()}\n`;
  }
}
