/** A plan in words, and as JSON for machines. */
import { sourceOf, type Instance } from '../catalog/instance.ts';
import type { Plan } from '../catalog/plan.ts';
import type { Planned } from '../controller/planner.ts';
import { hostAndPort } from '../support/ip-address.ts';
import { escapeControl, escapeJson } from '../support/text.ts';

export function planTable({ plan, problems }: Planned): string {
  const rows = [
    ...plan.register.map((instance) => ['+ register', ...cells(instance), '']),
    ...plan.update.map(({ instance, fields }) => ['~ update', ...cells(instance), fields.join(', ')]),
    ...plan.deregister.map((instance) => ['- deregister', ...cells(instance), '']),
  ];
  const told = [...problems].flatMap(([source, found]) =>
    found.map(({ at, message }) => `${escapeControl(`! ${source}: ${at}: ${message}`)}\n`),
  );
  return `${columns(rows)}${told.join('')}${summary(plan)}\n`;
}

export function planJson({ plan, problems }: Planned): string {
  const { register, update, deregister, unchanged, foreign } = plan;
  const found = [...problems].flatMap(([source, list]) => list.map((problem) => ({ source, ...problem })));
  const json = JSON.stringify(
    { register, update, deregister, unchanged, foreign, problems: found },
    undefined,
    2,
  );
  return `${escapeJson(json)}\n`;
}

function summary({ register, update, deregister, unchanged, foreign }: Plan): string {
  const counts = `${register.length} to register, ${update.length} to update, ${deregister.length} to deregister`;
  return `${counts}, ${unchanged} as they shall be, ${foreign} of others`;
}

function cells(instance: Instance): readonly string[] {
  const { name, address, port } = instance;
  return [name, hostAndPort(address, port), sourceOf(instance)].map(escapeControl);
}

function columns(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}
