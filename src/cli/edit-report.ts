/** What happened to each pod, for people and for machines. */
import type { Problem } from '../model/problem.ts';
import type { ManifestOutcome } from '../manifests/edit-manifests.ts';
import { warningText } from '../inject/result.ts';
import { escapeJson, terminalLine } from '../support/text.ts';

type Report = {
  readonly items: readonly ReportItem[];
  /** Files that could not be read as YAML. */
  readonly unreadable: readonly Unreadable[];
  /** Why nothing is written; undefined when something is written, or there was nothing to write. */
  readonly notWritten: string | undefined;
};

type Unreadable = {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
};

type ReportItem = {
  readonly file: string;
  readonly line: number;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly result: string;
  readonly reason?: string;
  readonly detail?: string;
  readonly problems?: readonly Problem[];
  readonly warnings: readonly string[];
};

/**
 * @param done the word for a pod that was changed
 * @param fallback namespace of manifests that name none
 */
export function reportItem(
  file: string,
  { kind, namespace, name, line, edit }: ManifestOutcome,
  done: string,
  fallback: string,
): ReportItem {
  return {
    file,
    line,
    kind,
    namespace: namespace ?? fallback,
    name,
    result: edit.kind === 'edit' ? done : edit.kind === 'skip' ? 'skipped' : 'denied',
    ...(edit.kind === 'skip' ? { reason: edit.reason } : {}),
    ...(edit.kind === 'skip' && edit.detail !== undefined ? { detail: edit.detail } : {}),
    ...(edit.kind === 'invalid' ? { problems: edit.problems } : {}),
    warnings: edit.warnings.map(warningText),
  };
}

/** Every form says why nothing is written: `none` leaves out only what went well. */
export function renderReport(report: Report, form: 'text' | 'json' | 'none'): string {
  if (form === 'json') return `${escapeJson(JSON.stringify(report, null, 2))}\n`;
  const { items, unreadable, notWritten } = report;
  const told = form === 'text' ? items : items.filter(({ result }) => result === 'denied');
  return [
    ...unreadable.map(({ file, line, column, message }) => `${file}:${line}:${column}: ${message}`),
    ...told.flatMap(itemLines),
    ...(notWritten === undefined ? [] : [`nothing was written: ${notWritten}`]),
  ]
    .map(terminalLine)
    .join('');
}

function itemLines(item: ReportItem): readonly string[] {
  const { file, line, kind, namespace, name, result, reason, detail, problems = [], warnings } = item;
  const why = [reason, detail].filter((each) => each !== undefined).join(', ');
  const head = `${file}:${line}: ${kind} ${namespace}/${name}: ${result}${why === '' ? '' : ` (${why})`}`;
  return [
    head,
    ...problems.map(({ at, message }) => `  ${at}: ${message}`),
    ...warnings.map((warning) => `  warning: ${warning}`),
  ];
}
