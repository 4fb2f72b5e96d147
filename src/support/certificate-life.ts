/** How long a certificate lasts, and when the next one is made. */

/** Milliseconds since the epoch. */
export type CertificateLife = { readonly issued: number; readonly expires: number };

/** Undefined when it is valid now. */
export function lifeProblem({ issued, expires }: CertificateLife, now: number): string | undefined {
  if (now < issued) return `is not valid before ${new Date(issued).toISOString()}`;
  return now < expires ? undefined : `expired at ${new Date(expires).toISOString()}`;
}

/** From then on a third of the life is left, or less. */
export function dueAt({ issued, expires }: CertificateLife): number {
  return expires - (expires - issued) / 3;
}
