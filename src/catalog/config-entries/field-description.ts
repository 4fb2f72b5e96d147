/** What a field is, in words: for the CRDs and the docs. */
import { wordList } from './entry-rules.ts';
import type { EntryField } from './entry-table.ts';

/** The row's own words, and what follows from its other columns. Empty for elements of a list that need none. */
export function describeField(field: EntryField): string {
  const sentences = [field.doc, ...allowedValues(field)];
  if (field.type === 'list') sentences.push(...allowedValues(field.of));
  if (field.type === 'duration') sentences.push('A duration such as 1m30s.');
  if (field.type === 'string' && field.isRequired === true) sentences.push('Required.');
  if (field.since !== undefined) sentences.push(`Needs Consul ${field.since} or newer.`);
  if (field.enterpriseExcept?.length === 0) sentences.push('Only Consul Enterprise.');
  return sentences.filter((sentence) => sentence !== '').join(' ');
}

function allowedValues(field: EntryField): string[] {
  if (field.type === 'string' && field.allowed !== undefined)
    return [
      `${field.fold === undefined ? 'One of' : 'In any case, one of'} ${wordList(field.allowed, 'or')}.`,
    ];
  if (field.type !== 'integer' && field.type !== 'number') return [];
  const { least, most } = field;
  if (least !== undefined && most !== undefined) return [`From ${least} to ${most}.`];
  return least === undefined ? [] : [`At least ${least}.`];
}
