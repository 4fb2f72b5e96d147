/** What a replica serves of the shared Secret: never a certificate whose CA it has not seen in every published bundle. */
import { TandemError } from '../support/errors.ts';
import type { Serving } from './certificate-facts.ts';
import { validityProblem, type CertificateEvent, type CertificateSource } from './key-pair.ts';
import type { SharedView } from './shared-view.ts';

export type SharedSource = CertificateSource & {
  /** The view has changed. */
  readonly look: () => void;
  /** Why no admission can succeed here, or undefined. */
  readonly problem: () => string | undefined;
};

// The watch of the API server brings it a bundle a moment after, or before, ours does: seen up to some hundred milliseconds apart
// on a busy machine. A rotation waits longer by itself; this is for a Secret that somebody else has written.
const WATCH_LAG = 1000;

/**
 * @param now milliseconds since the epoch
 * @param after calls back once after so many milliseconds, unless the returned function was called before
 */
export function sharedSource(
  view: SharedView,
  now: () => number,
  after: (milliseconds: number, callback: () => void) => () => void,
): SharedSource {
  let held: Serving | undefined;
  let cancel = (): void => undefined;
  let wasSpoilt = false;
  const listeners: ((event: CertificateEvent) => void)[] = [];
  const emit = (event: CertificateEvent): void => {
    for (const listener of listeners) listener(event);
  };
  const take = (next: Serving): void => {
    held = next;
    emit({ kind: 'changed', pair: next.pair });
  };
  const look = (): void => {
    const next = view.serving();
    if (view.isSpoilt() && !wasSpoilt) emit({ kind: 'failed', error: unusable() });
    wasSpoilt = view.isSpoilt();
    if (next === undefined || next.pair.certificate === held?.pair.certificate) return;
    if (!view.isPublished(next) || validityProblem(next.pair, now()) !== undefined) return;
    const lag = isUsable() ? WATCH_LAG - view.publishedFor(next) : 0;
    cancel();
    if (lag > 0) cancel = after(lag, look);
    else take(next);
  };
  /** What is served goes on to be good. */
  const isUsable = (): boolean =>
    held !== undefined && view.isPublished(held) && validityProblem(held.pair, now()) === undefined;
  return {
    look,
    problem: () => {
      if (held === undefined) return 'there is no certificate whose CA is published yet';
      const invalid = validityProblem(held.pair, now());
      if (invalid !== undefined) return invalid;
      return view.isPublished(held)
        ? undefined
        : 'the CA of the certificate is not in the webhook configuration';
    },
    current: () => held?.pair,
    onEvent: (listener) => listeners.push(listener),
    close: () => cancel(),
  };
}

function unusable(): TandemError {
  return new TandemError('TANDEM_CERTIFICATE_INVALID', 'the Secret holds no usable certificate and key');
}
