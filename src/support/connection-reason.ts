/** Why there was no connection, in words that lead to the fix. */

// Of Node's TLS (https://nodejs.org/api/tls.html, "X509 certificate error codes") and of OpenSSL's reasons. Node's own texts
// advise on Node, or are a line of OpenSSL's sources.
const UNKNOWN_CA = 'its certificate is signed by a CA that is not trusted here';
const NO_TLS = 'it does not speak TLS at this port';
const REASONS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'its certificate has expired, so it has to be renewed there',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet; compare the clocks of both sides',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNKNOWN_CA,
  UNABLE_TO_GET_ISSUER_CERT: UNKNOWN_CA,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNKNOWN_CA,
  SELF_SIGNED_CERT_IN_CHAIN: UNKNOWN_CA,
  DEPTH_ZERO_SELF_SIGNED_CERT: UNKNOWN_CA,
  CERT_SIGNATURE_FAILURE: UNKNOWN_CA,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: NO_TLS,
};

/** @param cause what a request threw; the error of several failed attempts to connect has a code but no message */
export function connectionReason(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  const code = 'code' in cause ? String(cause.code) : '';
  // Node's own https has no code for it.
  if (cause.message.includes('wrong version number')) return NO_TLS;
  return REASONS[code] ?? (cause.message || code || 'unknown reason');
}
