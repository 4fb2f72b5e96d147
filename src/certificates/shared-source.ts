/** What a replica serves of the shared Secret: a certificate whose CA is in every published bundle, and has been there for long enough. */
import { TandemError } from '../support/errors.ts';
import { createListeners } from '../support/listeners.ts';
import type { Serving } from './certificate-facts.ts';
import { validityProblem, type CertificateEvent, type CertificateSource } from './key-pair.ts';
import type { SharedView } from './shared-view.ts';

type SharedSource = CertificateSource & {
  /** The view has changed. */
  readonly update: () => void;
  /** Why no admission can succeed here, or undefined. */
  readonly problem: () => string | undefined;
};

/**
 * @param settle milliseconds for which a CA is published before it is relied on, as in `RotationTimes`: a rotation waits by
 * itself, but somebody else may have written both CA and certificate into the Secret
 * @param now milliseconds since the epoch
 * @param after calls back once after so many milliseconds, unless the returned function was called before
 */
export function sharedSource(
  view: SharedView,
  settle: number,
  now: () => number,
  after: (milliseconds: number, callback: () => void) => () => void,
): SharedSource {
  let held: Serving | undefined;
  let cancel = (): void => undefined;
  let wasSpoilt = false;
  let hasSeenNoCa = false;
  const { tell, onChange } = createListeners<[CertificateEvent]>();
  const take = (next: Serving): void => {
    held = next;
    tell({ kind: 'changed', pair: next.pair });
  };
  const update = (): void => {
    const next = view.serving();
    if (view.isSpoilt() && !wasSpoilt) tell({ kind: 'failed', error: unusable() });
    wasSpoilt = view.isSpoilt();
    if (!view.hasCas()) hasSeenNoCa = true;
    if (next === undefined || next.pair.certificate === held?.pair.certificate) return;
    if (!view.isPublished(next) || validityProblem(next.pair, now()) !== undefined) return;
    // When there was no CA a moment ago, nothing that another one has signed can be in use.
    const wait = held === undefined && hasSeenNoCa ? 0 : view.settleLeft(next, settle);
    cancel();
    if (wait > 0) cancel = after(wait, update);
    else take(next);
  };
  return {
    update,
    problem: () => {
      if (held === undefined)
        return 'there is no certificate yet whose CA has been published for long enough';
      const invalid = validityProblem(held.pair, now());
      if (invalid !== undefined) return invalid;
      return view.isPublished(held)
        ? undefined
        : 'the CA of the certificate is not in the webhook configuration';
    },
    current: () => held?.pair,
    onEvent: onChange,
    close: () => cancel(),
  };
}

function unusable(): TandemError {
  return new TandemError('TANDEM_CERTIFICATE_INVALID', 'the Secret holds no usable certificate and key');
}
