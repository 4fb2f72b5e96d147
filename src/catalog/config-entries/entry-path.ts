/** Paths of fields for people: `spec.sources[1].action`, `spec.failover["*"].targets`. */
import { quote } from '../../support/text.ts';

export function fieldPath(path: readonly (string | number)[]): string {
  const text = path.map(segment).join('');
  return text.startsWith('.') ? text.slice(1) : text;
}

function segment(key: string | number): string {
  if (typeof key === 'number') return `[${key}]`;
  return /^[A-Za-z_][A-Za-z0-9_-]{0,62}$/.test(key) ? `.${key}` : `[${quote(key)}]`;
}
