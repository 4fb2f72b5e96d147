/** The state of an object in Consul: the closed vocabulary of its condition. */

/** Reason of the condition `Synced` → what it means. */
export const entryReasons = {
  Synced: 'the entry equals the object, and is ours',
  ManagedElsewhere: 'the entry equals the object, and belongs to somebody else',
  InvalidSpec: 'the object breaks a rule that Consul has too; nothing is sent',
  ConsulAgentError: 'Consul refuses the entry',
  ExternallyManagedConfigError: 'the entry belongs to somebody else and differs from the object',
  MigrationFailedError: 'the entry is to be taken over, and differs from the object',
  NameTaken: 'another object had this entry first',
  NamespaceNotAllowed: 'objects in this namespace have no effect',
  UnsupportedByConsul: 'only Consul Enterprise or a newer Consul knows it',
  ConsulUnreachable: 'a change of the object waits for Consul',
} as const;

export type EntryReason = keyof typeof entryReasons;

export type FailedState = {
  readonly kind: 'failed';
  readonly reason: Exclude<EntryReason, 'Synced' | 'ManagedElsewhere' | 'ConsulUnreachable'>;
  readonly message: string;
};

/** Settled without a write. */
export type SettledState =
  /** `notes`: what Consul takes although it cannot work. `entryId` as of `ObservedEntry`. */
  | { readonly kind: 'synced'; readonly notes: readonly string[]; readonly entryId: string | undefined }
  | { readonly kind: 'elsewhere'; readonly message: string }
  /** Nothing is known of the entries of this kind now. */
  | { readonly kind: 'unknown'; readonly message: string }
  | FailedState;

/** `pending`: the plan writes it. */
export type EntryState = SettledState | { readonly kind: 'pending' };
