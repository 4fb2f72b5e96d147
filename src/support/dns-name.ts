/** Names of the DNS as text. */

// RFC 1123, section 2.1, in the case in which Kubernetes writes it; 63: RFC 1035, section 2.3.4.
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** True for 1 to 63 of a-z 0-9 and `-`, with a letter or digit at both ends. */
export function isDnsLabel(text: string): boolean {
  return LABEL.test(text);
}

/** `db.example.` and `db.example` are one name to everybody who looks it up; only the first is an address to nobody else. */
export function withoutRoot(host: string): string {
  return host.endsWith('.') ? host.slice(0, -1) : host;
}

/** True for the domain itself and every name below it, in any case, with or without the dot of the root. */
export function isInDomain(host: string, domain: string): boolean {
  const [name, parent] = [host, domain].map((each) => withoutRoot(each).toLowerCase());
  return parent !== undefined && parent !== '' && `.${name}`.endsWith(`.${parent}`);
}
