/** Why the TLS port turned somebody away before an admission began. */
export const refusalReasons = {
  'body-budget': 'bodies in flight used all the memory set aside for them, and this one was dropped (503)',
  'slow-body': 'the body did not arrive in time (408)',
  'slow-answer': 'the client did not read the answer in time',
  'body-too-large': 'the body is larger than the limit (413)',
  'too-many-values': 'the JSON has more values than any object that a cluster can store (413)',
  'connection-evicted': 'too many connections, and this one had been idle longest',
  'connection-refused': 'too many connections, and each is waiting for an answer',
} as const;

export type RefusalReason = keyof typeof refusalReasons;
