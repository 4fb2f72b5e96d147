/** Where Consul is: addresses, or a string that finds them. */
import { parseAutoJoin, type AutoJoin } from '../discovery/auto-join.ts';
import type { Parsed } from './flag.ts';

/** Each `http://host:port` or `https://host:port`, at least one; or an auto-join string, which finds them. */
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
  return { ok: true, value: [...new Set(known)] };
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
 * `10.0.0.1`, `consul:8500`, `[::1]:8501`, `https://consul` → an origin with a scheme and a port: plain HTTP unless it says
 * https, and Consul's ports 8500 and 8501. Undefined when it is none, or holds more: a path, a user, a query.
 */
export function consulAddress(text: string): string | undefined {
  const [, scheme = 'http', host, port] =
    /^(?:(https?):\/\/)?(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+)(?::([0-9]{1,5}))?\/?$/.exec(text) ?? [];
  if (host === undefined || Number(port) === 0) return undefined;
  const origin = `${scheme}://${host}:${port ?? (scheme === 'https' ? '8501' : '8500')}`;
  return URL.canParse(origin) ? origin : undefined;
}
