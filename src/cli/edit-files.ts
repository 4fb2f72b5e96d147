/** What `inject` and `uninject` share: manifests in, one editor, and manifests, a diff, or files out. */
import { join } from 'node:path';
import { createTwoFilesPatch, FILE_HEADERS_ONLY } from 'diff';
import { boolean, oneOf, string } from '../config/flag.ts';
import type { FlagValues } from '../config/parse-flags.ts';
import { editManifests, type ManifestOutcome } from '../manifests/edit-manifests.ts';
import type { TemplateEdit } from '../manifests/edited-pod.ts';
import type { PodTemplate } from '../manifests/pod-template.ts';
import { escapeControl } from '../support/text.ts';
import { exit, type Context, type ExitCode } from '../runtime/context.ts';
import { renderReport, reportItem } from './edit-report.ts';
import { Misuse } from './command.ts';
import {
  isFolder,
  joinManifests,
  placeName,
  readManifests,
  stdinProblem,
  writeManifests,
  type ManifestFile,
} from '../runtime/manifest-files.ts';

export const editFlags = {
  namespace: string('Namespace of manifests that have none.', 'NAME', 'default'),
  inPlace: boolean('Change the files in place. If one of them has a problem, none is changed.', false),
  output: string(
    'Write to this file instead of stdout, or write each file into this folder.',
    'FILE|DIR',
    undefined,
  ),
  diff: boolean('Print a unified diff instead of the manifests.', false),
  check: boolean('Print no manifests. Exit with 3 if something would change.', false),
  report: oneOf(
    'Form of the report on stderr, with a line for each pod. none reports only problems.',
    ['text', 'json', 'none'],
    'text',
  ),
};

type EditValues = FlagValues<typeof editFlags>;

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
type Editor = {
  /** @param texts of all files, which say what a pod's namespace is */
  readonly editAmong: (texts: readonly string[]) => (template: PodTemplate) => TemplateEdit;
  readonly done: string;
};

/**
 * Nothing is written unless every manifest could be read and no pod has a problem: half an output, piped into
 * kubectl, would be worse than none.
 */
export async function editFiles(
  operands: readonly string[],
  editor: Editor,
  values: EditValues,
  context: Context,
): Promise<ExitCode> {
  const misuse = await misuseOf(operands, values, context);
  if (misuse !== undefined) throw new Misuse(misuse);
  const files = await readManifests(operands, context.stdin);
  const clash = values.output === undefined ? undefined : await clashOf(files, values.output);
  if (clash !== undefined) throw new Misuse(clash);

  const edit = editor.editAmong(files.map(({ text }) => text));
  const results = files.map((file) => ({ file, result: editManifests(file.text, edit) }));
  const unreadable = results.flatMap(({ file, result }) => {
    if (result.ok) return [];
    const { line, column, message } = result;
    return [{ file: placeName(file), line, column, message }];
  });
  const edited = results.flatMap(({ file, result }) =>
    result.ok ? [{ ...file, after: result.text, outcomes: result.outcomes }] : [],
  );
  const items = edited.flatMap((file) =>
    file.outcomes.map((outcome) => reportItem(placeName(file), outcome, editor.done, values.namespace)),
  );
  const denied = items.filter(({ result }) => result === 'denied').length;
  const kept = values.check ? undefined : notWritten(unreadable.length, denied);
  context.stderr.write(renderReport({ items, unreadable, notWritten: kept }, values.report));
  if (unreadable.length > 0) return exit.unreadable;
  if (denied > 0) return exit.denied;
  return write(edited, values, context);
}

/** Why the files without a problem stay as they are, too; undefined when all are in order. */
function notWritten(unreadable: number, denied: number): string | undefined {
  const reasons = [
    ...(unreadable === 0 ? [] : [`${unreadable} ${unreadable === 1 ? 'file' : 'files'} unreadable`]),
    ...(denied === 0 ? [] : [`${denied} ${denied === 1 ? 'pod' : 'pods'} denied`]),
  ];
  return reasons.length === 0 ? undefined : reasons.join(', ');
}

/** What flags and operands together rule out. */
async function misuseOf(
  operands: readonly string[],
  { inPlace, output }: EditValues,
  { stdin }: Context,
): Promise<string | undefined> {
  const isFromStdin = operands.length === 0 || operands.includes('-');
  if (isFromStdin && inPlace) return '--in-place needs files or folders';
  if (isFromStdin && output !== undefined && (await isFolder(output)))
    return `standard input has no name below ${output}; name a file`;
  return stdinProblem(operands, stdin);
}

/** Two files that would be one below the folder. */
async function clashOf(files: readonly ManifestFile[], output: string): Promise<string | undefined> {
  if (!(await isFolder(output))) return undefined;
  const seen = new Map<string, string>();
  for (const { name, path } of files) {
    const other = seen.get(name);
    if (other !== undefined) return `${other} and ${path} would both be ${join(output, name)}`;
    seen.set(name, path);
  }
  return undefined;
}

async function write(edited: readonly Edited[], values: EditValues, context: Context): Promise<ExitCode> {
  const changed = edited.filter(({ text, after }) => text !== after);
  if (values.check) return changed.length > 0 ? exit.changes : exit.done;
  if (values.diff) {
    // For a program it is data, which `patch` applies; a terminal would obey the control characters in it.
    const shown = 'isTTY' in context.stdout && context.stdout.isTTY === true ? escapeLines : String;
    for (const file of changed) context.stdout.write(shown(diffOf(file)));
  } else if (values.inPlace) {
    await writeManifests(changed.map(({ path, after }) => ({ path, text: after })));
  } else if (values.output === undefined) {
    context.stdout.write(joinManifests(edited.map(({ after }) => after)));
  } else {
    await writeManifests(await outputsOf(edited, values.output));
  }
  return exit.done;
}

async function outputsOf(
  edited: readonly Edited[],
  output: string,
): Promise<{ readonly path: string; readonly text: string }[]> {
  return (await isFolder(output))
    ? edited.map(({ name, after }) => ({ path: join(output, name), text: after }))
    : [{ path: output, text: joinManifests(edited.map(({ after }) => after)) }];
}

function diffOf(file: Edited): string {
  const name = placeName(file);
  return createTwoFilesPatch(name, name, file.text, file.after, '', '', { headerOptions: FILE_HEADERS_ONLY });
}

function escapeLines(text: string): string {
  return text.split('\n').map(escapeControl).join('\n');
}
