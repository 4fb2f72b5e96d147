/** What a keeper and its starter tell each other. */

export type ToKeeper =
  /** The cluster stays when the starter ends. */
  { readonly kind: 'let-go'; readonly hasTandem: boolean };

export type FromKeeper =
  | { readonly kind: 'progress'; readonly text: string }
  | { readonly kind: 'up'; readonly kubeconfig: string; readonly socket: string; readonly folder: string }
  | { readonly kind: 'let-go' }
  /** Nothing is left of it. */
  | { readonly kind: 'failed'; readonly message: string };
