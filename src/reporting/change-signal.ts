/** Tells its listeners that something has changed, but not what. */
import { createListeners } from '../support/listeners.ts';

export type ChangeSignal = {
  readonly changed: () => void;
  /** Until the returned function is called. */
  readonly onChange: (listener: () => void) => () => void;
};

export function changeSignal(): ChangeSignal {
  const { tell, onChange } = createListeners<[]>();
  return { changed: tell, onChange };
}
