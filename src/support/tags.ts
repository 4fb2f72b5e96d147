/** Tags of a Consul service, as `service-tags` lists them. */
import { splitCommaList } from './comma-list.ts';
import { hasControl, quote } from './text.ts';

/**
 * Consul accepts any tag, and a terminal that lists services acts on it, so tags with a control character are left out.
 *
 * @returns left: what to say of those that are left out; undefined when none is
 */
export function splitTags(text: string): {
  readonly kept: readonly string[];
  readonly left: string | undefined;
} {
  const tags = splitCommaList(text);
  const kept = tags.filter((tag) => !hasControl(tag));
  const first = tags.find(hasControl);
  if (first === undefined) return { kept, left: undefined };
  const more = tags.length - kept.length - 1;
  return {
    kept,
    left: `${quote(first)}${more > 0 ? ` and ${more} more are` : ' is'} left out: a tag cannot hold a control character`,
  };
}
