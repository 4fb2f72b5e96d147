/** The part of Consul's filter language that compares one field with one text: `ID == "web-1"`. */
import { isObject, property } from '../../src/support/json.ts';

type Filter = { readonly field: string; readonly value: string };

/** Undefined for every other expression: to leave it out would answer wrong. */
export function parseFilter(expression: string): Filter | undefined {
  const [, field, value] = /^\s*([A-Za-z]+)\s*==\s*"([^"\\]*)"\s*$/.exec(expression) ?? [];
  return field === undefined || value === undefined ? undefined : { field, value };
}

/** Of a list its elements, of the services of a node those. */
export function applyFilter(view: unknown, { field, value }: Filter): unknown {
  const matching = (list: readonly unknown[]): readonly unknown[] =>
    list.filter((element) => property(element, field) === value);
  if (Array.isArray(view)) return matching(view);
  const services = property(view, 'Services');
  return isObject(view) && Array.isArray(services) ? { ...view, Services: matching(services) } : view;
}
