/** Why the TLS port turned somebody away before an admission began. */
export const refusalReasons = {
  'body-budget': 'bodies in flight took all the memory that there is for them, and this one had to go (503)',
  'slow-body': 'the body was not there in time (408)',
  'slow-answer': 'the answer was not taken in time',
  'body-too-large': 'the body is above the limit (413)',
  'too-many-values': 'the JSON has more values than any object that a cluster can store (413)',
  'connection-evicted': 'too many connections, and this one had been idle longest',
  'connection-refused': 'too many connections, and every one of them waits for an answer that is being made',
} as const;

export type RefusalReason = keyof typeof refusalReasons;
