/** Tells whoever listens that something is different now, and not what. */
import { createListeners } from '../support/listeners.ts';

export type ChangeSignal = {
  readonly changed: () => void;
  /** Until the function that it gives is called. */
  readonly onChange: (listener: () => void) => () => void;
};

export function changeSignal(): ChangeSignal {
  const { tell, onChange } = createListeners<[]>();
  return { changed: tell, onChange };
}
