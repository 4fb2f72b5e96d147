/** IP addresses as text. */

const OCTET = '(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])';
const IPV4 = new RegExp(`^${OCTET}(?:\\.${OCTET}){3}$`);

/** True for an IPv4 address in dotted decimals, or an IPv6 address without brackets and zone. */
export function isIpAddress(text: string): boolean {
  // 45 characters: the longest IPv6 address, with an IPv4 tail (INET6_ADDRSTRLEN of POSIX, less its terminator).
  if (text.length > 45) return false;
  return (
    IPV4.test(text) ||
    (/^[0-9A-Fa-f:.]+$/.test(text) && text.includes(':') && URL.canParse(`http://[${text}]`))
  );
}

/** By the names of Kubernetes, `spec.ipFamilies`. */
export type IpFamily = 'IPv4' | 'IPv6';

/** Undefined for what is no IP address. */
export function familyOf(text: string): IpFamily | undefined {
  if (!isIpAddress(text)) return undefined;
  return text.includes(':') ? 'IPv6' : 'IPv4';
}

/** `10.0.0.1:8301`, `[fd00::1]:8301`, `name:8301`. */
export function hostAndPort(host: string, port: number | string): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}
