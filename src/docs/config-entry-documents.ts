/** The CRDs in the chart, and the reference of their fields. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { crdOf } from '../catalog/config-entries/crd-schema.ts';
import { ENTRY_KINDS } from '../catalog/config-entries/entry-kinds.ts';
import type { EntryField, EntryKind, FieldTable } from '../catalog/config-entries/entry-table.ts';
import { describeField } from '../catalog/config-entries/field-description.ts';

const ROOT = join(import.meta.dirname, '../..');
const DOCUMENT = 'docs/config-entries.md';
/** The text before it is written by hand. */
const MARKER = '<!-- Made by `npm run docs` from here on. -->\n';

/** Path below the root → text. */
export function configEntryDocuments(): readonly (readonly [string, string])[] {
  const crds = ENTRY_KINDS.map(
    (kind) =>
      [
        `deploy/charts/tandem/files/crds/${kind.plural}.yaml`,
        // No line is folded, so that a change of one description is one line of a diff.
        stringify(crdOf(kind), { lineWidth: 0, singleQuote: true }),
      ] as const,
  );
  return [...crds, [DOCUMENT, reference()]];
}

function reference(): string {
  const [written = ''] = readFileSync(join(ROOT, DOCUMENT), 'utf8').split(MARKER);
  return `${written}${MARKER}\n${ENTRY_KINDS.map(section).join('\n')}`;
}

function section(kind: EntryKind): string {
  const example = readFileSync(join(ROOT, 'examples/config-entries', `${kind.entryKind}.yaml`), 'utf8');
  return `## ${kind.kind}

${kind.doc} In Consul it is \`${kind.entryKind}\`.

\`\`\`yaml
${example}\`\`\`

| field of \`spec\` | type | meaning |
| --- | --- | --- |
${rowsOf(kind.fields, '').join('\n')}
`;
}

function rowsOf(fields: FieldTable, path: string): string[] {
  return Object.entries(fields).flatMap(([name, field]) => rowsOfField(field, `${path}${name}`));
}

function rowsOfField(field: EntryField, path: string): string[] {
  const row = `| \`${path}\` | ${typeName(field)} | ${describeField(field).replaceAll('|', '\\|')} |`;
  return [row, ...rowsWithin(field, path)];
}

function rowsWithin(field: EntryField, path: string): string[] {
  if (field.type === 'object') return rowsOf(field.fields, `${path}.`);
  if (field.type === 'keyed') return rowsWithin(field.of, `${path}.<name>`);
  return field.type === 'list' ? rowsWithin(field.of, `${path}[]`) : [];
}

function typeName(field: EntryField): string {
  switch (field.type) {
    case 'list':
      return `list of ${plural(field.of)}`;
    case 'map':
      return 'map of strings';
    case 'keyed':
      return 'map of objects';
    case 'opaque':
      return 'any object';
    case 'bytes':
      return 'string in base64';
    case 'string':
    case 'integer':
    case 'number':
    case 'boolean':
    case 'duration':
    case 'object':
      return field.type;
  }
}

function plural(field: EntryField): string {
  return `${typeName(field)}s`;
}
