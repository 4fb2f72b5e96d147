/** Host names as Consul accepts them in config entries. */

// RFC 1035, section 2.3.4: 255 bytes on the wire, of which two are not in the text. Consul takes underscores, too.
const LABEL = /^[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$/;

/** True for dotted labels, with or without the dot of the root; no wildcard. */
export function isDnsName(text: string): boolean {
  if (text.length > 253) return false;
  return text
    .replace(/\.$/, '')
    .split('.')
    .every((label) => LABEL.test(label));
}
