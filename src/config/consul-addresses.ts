/** Where Consul is: addresses, or a string that finds them. */
import { parseAutoJoin, type AutoJoin } from '../discovery/auto-join.ts';
import type { Parsed } from './flag.ts';

/** Each `http[s]://host[:port]`, at least one; or an auto-join string, which finds them. */
export type ConsulAddresses = readonly string[] | AutoJoin;

const EXPECTED = 'a list of [http[s]://]HOST[:PORT], such as consul-server:8500,https://10.0.0.1:8501';

/** `CONSUL_HTTP_ADDR` as Consul's own commands read it, and more than one, with commas between; or `provider=k8s …`. */
export function parseConsulAddresses(text: string): Parsed<ConsulAddresses> {
  // Every auto-join string begins with a key. An address has an equals sign only after its scheme, where it is reported.
  if (/^[^=/]*=/.test(text)) return autoJoin(text);
  const addresses = text
    .split(',')
    .map((element) => element.trim())
    .filter((element) => element !== '')
    .map(consulAddress);
  const known = addresses.filter((address) => address !== undefined);
  if (known.length === 0 || known.length < addresses.length)
    return { ok: false, expected: EXPECTED, secret: mayHoldSecret(text) };
  return { ok: true, value: known };
}

/** An address that is refused may have a password before an @, and after a = a token, or the key of a cloud provider. */
export function mayHoldSecret(text: string): boolean {
  return /[@=]/.test(text);
}

function autoJoin(text: string): Parsed<AutoJoin> {
  const parsed = parseAutoJoin(text);
  if (parsed.ok) return parsed;
  // Those of cloud providers hold keys of their APIs.
  return { ok: false, expected: `an auto-join string (${parsed.problem})`, secret: true };
}

/**
 * As URLs with a scheme and a port: where none is given, that of Consul for the scheme, 8500 or 8501.
 *
 * @param https also for those that say http
 */
export function consulOrigins(addresses: readonly string[], https: boolean): readonly string[] {
  const origins = addresses.map((address) => {
    const origin = https ? address.replace(/^http:/, 'https:') : address;
    if (/:[0-9]+$/.test(origin)) return origin;
    return `${origin}:${origin.startsWith('https:') ? 8501 : 8500}`;
  });
  return [...new Set(origins)];
}

/**
 * `10.0.0.1`, `consul:8500`, `[::1]:8501`, `https://consul` → the same with a scheme: plain HTTP unless it says https.
 * Undefined when it is none, or holds more: a path, a user, a query.
 */
function consulAddress(text: string): string | undefined {
  const [, scheme = 'http', host, port] =
    /^(?:(https?):\/\/)?(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+)(?::([0-9]{1,5}))?\/?$/.exec(text) ?? [];
  if (host === undefined || Number(port) === 0) return undefined;
  const address = `${scheme}://${host}${port === undefined ? '' : `:${port}`}`;
  return URL.canParse(address) ? address : undefined;
}
