/** Time, as the loops need it; passed in, so that a test does not wait. */
export type Clock = {
  /** Milliseconds since the epoch, for people. */
  readonly now: () => number;
  /** Milliseconds of a clock that never jumps, for spans. */
  readonly elapsed: () => number;
  /** Calls back once, after so many milliseconds; the answer takes that back. */
  readonly after: (milliseconds: number, call: () => void) => () => void;
};
