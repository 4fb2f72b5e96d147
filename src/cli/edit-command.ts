/** What `inject` and `uninject` share: manifests in, one editor, and manifests, a diff, or files out. */
import { createTwoFilesPatch } from 'diff';
import { boolean, oneOf, string } from '../config/flag.ts';
import type { FlagValues } from '../config/parse-flags.ts';
import { editManifests, type ManifestOutcome, type PodEdit } from '../inject/manifests/edit-manifests.ts';
import type { PodTemplate } from '../inject/manifests/pod-template.ts';
import { exit, type Context, type ExitCode } from './command.ts';
import { joinManifests, readManifests, writeManifest, type ManifestFile } from './manifest-files.ts';

export const editFlags = {
  namespace: string('Namespace of manifests that name none.', 'NAME', 'default'),
  inPlace: boolean('Write the files themselves; all of them, or none when one has a problem.', false),
  output: string('Write the manifests to this file instead of stdout.', 'FILE', undefined),
  diff: boolean('Print a unified diff instead of the manifests.', false),
  check: boolean('Print no manifests; exit 3 when something would change.', false),
  report: oneOf('What became of each pod, on stderr.', ['text', 'json', 'none'], 'text'),
};

export type EditValues = FlagValues<typeof editFlags>;

export function checkEditFlags({ inPlace, output, diff, check }: EditValues): string[] {
  const chosen = [
    ...(inPlace ? ['--in-place'] : []),
    ...(output === undefined ? [] : ['--output']),
    ...(diff ? ['--diff'] : []),
    ...(check ? ['--check'] : []),
  ];
  return chosen.length > 1 ? [`${chosen.join(' and ')} exclude each other`] : [];
}

type Edited = ManifestFile & { readonly after: string; readonly outcomes: readonly ManifestOutcome[] };

/** One direction: the editor, and the word of the report for a pod that it changed. */
export type Editor = { readonly edit: (template: PodTemplate) => PodEdit; readonly done: string };

/**
 * Nothing is written unless every manifest could be read and no pod has a problem: half of an output, piped on to
 * kubectl, would be worse than none.
 */
export async function editFiles(
  operands: readonly string[],
  editor: Editor,
  values: EditValues,
  context: Context,
): Promise<ExitCode> {
  if (operands.length === 0 && 'isTTY' in context.stdin && context.stdin.isTTY === true) {
    context.stderr.write('no manifests: name files or folders, or pipe them in\n');
    return exit.usage;
  }
  const files = await readManifests(operands, context.stdin);
  const results = files.map((file) => ({ file, result: editManifests(file.text, editor.edit) }));
  const unreadable = results.flatMap(({ file, result }) =>
    result.ok ? [] : [`${nameOf(file)}:${result.line}:${result.column}: ${result.message}\n`],
  );
  const edited = results.flatMap(({ file, result }) =>
    result.ok ? [{ ...file, after: result.text, outcomes: result.outcomes }] : [],
  );
  for (const line of unreadable) context.stderr.write(line);
  report(edited, editor.done, values, context);
  if (unreadable.length > 0) return exit.unreadable;
  if (edited.some(({ outcomes }) => outcomes.some((outcome) => outcome.edit.kind === 'invalid')))
    return exit.denied;
  return write(edited, values, context);
}

async function write(edited: readonly Edited[], values: EditValues, context: Context): Promise<ExitCode> {
  const changed = edited.filter(({ text, after }) => text !== after);
  if (values.check) return changed.length > 0 ? exit.changes : exit.done;
  if (values.diff) {
    for (const file of changed) {
      context.stdout.write(createTwoFilesPatch(nameOf(file), nameOf(file), file.text, file.after, '', ''));
    }
  } else if (values.inPlace) {
    for (const { path, after } of changed.filter((file) => file.path !== '-'))
      await writeManifest(path, after);
  } else {
    const all = joinManifests(edited.map(({ after }) => after));
    if (values.output === undefined) context.stdout.write(all);
    else await writeManifest(values.output, all);
  }
  return exit.done;
}

function report(edited: readonly Edited[], done: string, values: EditValues, { stderr }: Context): void {
  if (values.report === 'none') return;
  const items = edited.flatMap((file) =>
    file.outcomes.map(({ kind, namespace = values.namespace, name, line, edit }) => ({
      file: nameOf(file),
      line,
      kind,
      namespace,
      name,
      result: edit.kind === 'edit' ? done : edit.kind === 'skip' ? 'skipped' : 'denied',
      ...(edit.kind === 'skip' ? { reason: edit.reason } : {}),
      ...(edit.kind === 'invalid' ? { problems: edit.problems } : {}),
      warnings: edit.warnings,
    })),
  );
  if (values.report === 'json') stderr.write(`${JSON.stringify({ items }, null, 2)}\n`);
  else for (const item of items) stderr.write(reportLines(item));
}

type Item = {
  readonly file: string;
  readonly line: number;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly result: string;
  readonly reason?: string;
  readonly problems?: readonly { readonly at: string; readonly message: string }[];
  readonly warnings: readonly string[];
};

function reportLines({
  file,
  line,
  kind,
  namespace,
  name,
  result,
  reason,
  problems = [],
  warnings,
}: Item): string {
  const head = `${file}:${line}: ${kind} ${namespace}/${name}: ${result}${reason === undefined ? '' : ` (${reason})`}`;
  return [
    head,
    ...problems.map(({ at, message }) => `  ${at}: ${message}`),
    ...warnings.map((warning) => `  warning: ${warning}`),
    '',
  ].join('\n');
}

function nameOf({ path }: ManifestFile): string {
  return path === '-' ? '<stdin>' : path;
}
