/** The smallest of the moments that there are; undefined when there is none. They may be too many for a spread. */
export function earliest(moments: Iterable<number | undefined>): number | undefined {
  let first: number | undefined;
  for (const moment of moments)
    if (moment !== undefined && (first === undefined || moment < first)) first = moment;
  return first;
}
