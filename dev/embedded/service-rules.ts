/** What Consul asks of a service, with the words in which it refuses one. */
import { property } from '../../src/support/json.ts';
import type { CatalogService } from './catalog.ts';
import { numberOf, textOf, type Definition } from './definition.ts';

/** The rules that are looked at first (structs.NodeService.ValidateForAgent and servicePreApply of Consul). */
export function brokenRule(service: Definition): string | undefined {
  if (textOf(service, 'Service') === '' && textOf(service, 'ID') !== '')
    return 'Must provide service name (Service.Service) when service ID is provided';
  if (textOf(service, 'Kind') !== 'connect-proxy') return undefined;
  const hasPort = numberOf(service, 'Port') !== 0 || textOf(service, 'SocketPath') !== '';
  const hasDestination = property(service['Proxy'], 'DestinationServiceName');
  const isNative = property(service['Connect'], 'Native') === true;
  return listed([
    ...(hasPort ? [] : ['Port or SocketPath must be set for a connect-proxy']),
    ...(hasDestination ? [] : ['Proxy.DestinationServiceName must be non-empty for Connect proxy services']),
    ...(isNative ? ['A Proxy cannot also be Connect Native, only typical services'] : []),
  ]);
}

function listed(problems: readonly string[]): string | undefined {
  if (problems.length === 0) return undefined;
  const count = problems.length === 1 ? '1 error' : `${problems.length} errors`;
  return `${count} occurred:\n${problems.map((problem) => `\t* ${problem}\n`).join('')}\n`;
}

// Limits of Consul (structs.ValidateServiceMetadata); nodes are not held to them by the catalog.
const META = { pairs: 64, key: 128, value: 512 };

export function metaProblem(meta: CatalogService['Meta']): string | undefined {
  const pairs = Object.entries(meta ?? {});
  if (pairs.length > META.pairs)
    return `Node metadata cannot contain more than ${META.pairs} key/value pairs`;
  for (const [key, value] of pairs) {
    const problem = pairProblem(key, value);
    if (problem !== undefined) return `Couldn't load metadata pair ('${key}', '${value}'): ${problem}`;
  }
  return undefined;
}

function pairProblem(key: string, value: string): string | undefined {
  if (key === '') return 'Key cannot be blank';
  if (!/^[A-Za-z0-9_-]+$/.test(key)) return 'Key contains invalid characters';
  if (key.length > META.key) return `Key is too long (limit: ${META.key} characters)`;
  if (key.startsWith('consul-')) return "Key prefix 'consul-' is reserved for internal use";
  if (value.length > META.value) return `Value is too long (limit: ${META.value} characters)`;
  return undefined;
}
