/** Paths of fields for people: `spec.sources[1].action`, `spec.failover["*"].targets`. */
import { quote } from '../../support/text.ts';

export function fieldPath(path: readonly (string | number)[]): string {
  let text = '';
  for (const key of path) text += segment(key, text === '');
  return text;
}

function segment(key: string | number, isFirst: boolean): string {
  if (typeof key === 'number') return `[${key}]`;
  if (!/^[A-Za-z_][A-Za-z0-9_-]{0,62}$/.test(key)) return `[${quote(key)}]`;
  return isFirst ? key : `.${key}`;
}
