/** What every loop needs of the objects that are watched for it. The edge implements it. */
export type Watched<Event extends readonly unknown[]> = {
  /** Resolves when all that the loop depends on is listed. */
  readonly synced: (signal: AbortSignal) => Promise<void>;
  /** Called with what an event may touch; the returned function removes the listener. */
  readonly onChange: (listener: (...event: Event) => void) => () => void;
  /** Resolves when everything has been listed again; rejects when that fails. */
  readonly refresh: (signal: AbortSignal) => Promise<void>;
};

export type Relisted = {
  /** Asks for a new list of each kind that is watched. Each promise resolves with that list, however long it takes, and never rejects. */
  readonly relist: () => ReadonlyMap<string, Promise<void>>;
};
