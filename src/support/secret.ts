/** A text that must not be seen: every way to print it gives `[redacted]`. */

const REDACTED = '[redacted]';

export type Secret = {
  /** The text itself, for the one place that sends it. */
  readonly reveal: () => string;
  readonly toString: () => string;
  readonly toJSON: () => string;
};

/** Wraps a text so that neither a message, nor JSON, nor `util.inspect`, nor a walk over its fields shows it. */
export function secret(text: string): Secret {
  const redacted = (): string => REDACTED;
  return Object.freeze({
    reveal: () => text,
    toString: redacted,
    toJSON: redacted,
    [Symbol.for('nodejs.util.inspect.custom')]: redacted,
  });
}

/** The text without the secret, for foreign texts that may repeat it. */
export function withoutSecret(text: string, hidden: Secret | undefined): string {
  const found = hidden?.reveal() ?? '';
  return found === '' ? text : text.replaceAll(found, REDACTED);
}
