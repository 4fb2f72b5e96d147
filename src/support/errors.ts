/** Every error that Tandem raises on purpose: a stable code, what it means, and whether trying again can help. */

type ErrorEntry = { readonly retryable: boolean; readonly meaning: string };

export const errorTable = {
  TANDEM_FILE_UNREADABLE: { retryable: true, meaning: 'a file could not be read' },
  TANDEM_FILE_UNWRITABLE: { retryable: true, meaning: 'a file could not be written' },
  TANDEM_CERTIFICATE_INVALID: { retryable: true, meaning: 'a certificate or key cannot be used' },
  TANDEM_LISTEN_FAILED: { retryable: true, meaning: 'cannot listen on an address' },
  TANDEM_KUBERNETES_UNREACHABLE: { retryable: true, meaning: 'the API server did not answer as expected' },
  TANDEM_KUBERNETES_GARBLED: {
    retryable: true,
    meaning: 'an answer of the API server could not be understood',
  },
  TANDEM_KUBERNETES_REFUSED: { retryable: true, meaning: 'the API server refused a request' },
  TANDEM_NOT_LEADING: {
    retryable: true,
    meaning: 'this replica does not hold the Lease, and writes nothing',
  },
  TANDEM_KUBECONFIG_INVALID: { retryable: false, meaning: 'there is no usable access to a cluster' },
  TANDEM_CONSUL_UNREACHABLE: { retryable: true, meaning: 'no Consul server answered' },
  TANDEM_CONSUL_UNAVAILABLE: { retryable: true, meaning: 'Consul has no leader, or is overloaded' },
  TANDEM_CONSUL_LIMITED: { retryable: true, meaning: 'Consul limits the rate or the connections' },
  TANDEM_CONSUL_FORBIDDEN: { retryable: true, meaning: "Consul's ACLs do not allow it" },
  TANDEM_CONSUL_REFUSED: { retryable: false, meaning: 'Consul rejects the request as invalid' },
  TANDEM_CONSUL_ANSWER_INVALID: { retryable: true, meaning: 'the answer is not one that Consul gives' },
} as const satisfies Readonly<Record<string, ErrorEntry>>;

export type ErrorCode = keyof typeof errorTable;

/** A coded error; `message` names the place and the way to fix it, and never holds a secret. */
export class TandemError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'TandemError';
    this.code = code;
  }

  get retryable(): boolean {
    return errorTable[this.code].retryable;
  }
}

/** What was thrown, as text. */
export function reasonOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** Whether it is one of our own errors, with one of these codes. */
export function hasCode(thrown: unknown, ...codes: readonly ErrorCode[]): thrown is TandemError {
  return thrown instanceof TandemError && codes.includes(thrown.code);
}

/** Says nothing about other requests: the server is up, and refuses this one, or answers it with something invalid. */
export function isAboutOneRequest(error: unknown): error is TandemError {
  return hasCode(error, 'TANDEM_CONSUL_REFUSED', 'TANDEM_CONSUL_ANSWER_INVALID');
}
