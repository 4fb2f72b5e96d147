/** What a reader asks to see: words to find, a state, and whether to show everything. */

/** State → how the page calls it. */
export const rowStates = {
  in: 'In step',
  out: 'Left out',
  problem: 'Problems',
} as const;

export type RowState = keyof typeof rowStates;

export type ViewQuery = {
  readonly text: string;
  /** Undefined: every state. */
  readonly state: RowState | undefined;
  /** Also rows beyond the limit of a page, as many as a browser can lay out. */
  readonly isAll: boolean;
};

// As long as the longest name that Kubernetes allows.
const LONGEST = 253;

/** Reads `?q=…&state=…&all=1`; what cannot be understood is ignored. */
export function viewQuery(query: unknown): ViewQuery {
  const { q, state, all } = (query ?? {}) as Readonly<Record<string, unknown>>;
  return {
    text: typeof q === 'string' ? q.trim().slice(0, LONGEST) : '',
    state: isRowState(state) ? state : undefined,
    isAll: all === '1',
  };
}

/** The address of the same view, relative to the page. */
export function addressOf({ text, state, isAll }: ViewQuery): string {
  const parameters = new URLSearchParams({
    ...(text === '' ? {} : { q: text }),
    ...(state === undefined ? {} : { state }),
    ...(isAll ? { all: '1' } : {}),
  });
  return `?${parameters.toString()}`;
}

/** Every word of the query appears somewhere in the text, in any case. */
export function isFound(text: string, query: Pick<ViewQuery, 'text'>): boolean {
  const words = query.text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return true;
  const found = text.toLowerCase();
  return words.every((word) => found.includes(word));
}

function isRowState(value: unknown): value is RowState {
  return typeof value === 'string' && Object.hasOwn(rowStates, value);
}
