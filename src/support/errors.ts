/** Every error that Tandem raises on purpose: a stable code, what it means, and whether trying again can help. */

type ErrorEntry = { readonly retryable: boolean; readonly meaning: string };

export const errorTable = {
  TANDEM_FILE_UNREADABLE: { retryable: true, meaning: 'a file could not be read' },
  TANDEM_FILE_UNWRITABLE: { retryable: true, meaning: 'a file could not be written' },
  TANDEM_CERTIFICATE_INVALID: { retryable: true, meaning: 'a certificate or key cannot be used' },
  TANDEM_LISTEN_FAILED: { retryable: true, meaning: 'an address could not be listened on' },
  TANDEM_KUBERNETES_UNREACHABLE: { retryable: true, meaning: 'the API server did not answer as expected' },
  TANDEM_KUBERNETES_GARBLED: {
    retryable: true,
    meaning: 'an answer of the API server could not be understood',
  },
  TANDEM_KUBERNETES_REFUSED: { retryable: true, meaning: 'the API server refused a request' },
  TANDEM_KUBECONFIG_INVALID: { retryable: false, meaning: 'there is no usable access to a cluster' },
} as const satisfies Readonly<Record<string, ErrorEntry>>;

export type ErrorCode = keyof typeof errorTable;

/** A coded error; `message` names the place and the way to mend it, and never holds a secret. */
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
