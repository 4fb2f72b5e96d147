/** One thing to know, as a card of the page has it. */
import { markup, type Markup } from './markup.ts';

type Fact = { readonly key: string; readonly html: Markup };

/** The facts of one part; a process has the same keys as long as it runs. */
export type Card = { readonly id: string; readonly title: string; readonly facts: readonly Fact[] };

export type Value = { readonly text: Markup; readonly isBad?: boolean };

export function factOf(card: string, name: string, { text, isBad = false }: Value): Fact {
  return {
    key: `${card}.${name}`,
    html: markup`<dt>${name}</dt><dd${isBad ? markup` class="bad"` : undefined}>${text}</dd>`,
  };
}
