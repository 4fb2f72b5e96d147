/** Paths of fields for people: `spec.sources[1].action`, `spec.failover["*"].targets`. */
import { quote } from '../../support/text.ts';

export function fieldPath(path: readonly (string | number)[]): string {
  return path.map(segment).join('').replace(/^\./, '');
}

function segment(key: string | number): string {
  if (typeof key === 'number') return `[${key}]`;
  return /^[A-Za-z_][A-Za-z0-9_-]{0,62}$/.test(key) ? `.${key}` : `[${quote(key)}]`;
}
