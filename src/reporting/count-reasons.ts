/** How many there are of each reason. */
export function countReasons(all: Iterable<{ readonly reason: string }>): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { reason } of all) counts[reason] = (counts[reason] ?? 0) + 1;
  return counts;
}
