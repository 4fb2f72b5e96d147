/** How long a certificate lasts, and when the next one is made. */

/** Milliseconds since the epoch. */
export type CertificateLife = { readonly issued: number; readonly expires: number };

/** From then on a third of the life is left, or less. */
export function dueAt({ issued, expires }: CertificateLife): number {
  return expires - (expires - issued) / 3;
}
