/** The DNS settings of pods in the cluster. */
import { parseWholeNumber } from '../support/text.ts';

/** What the kubelet gives to pods, in the form of `dnsConfig`. */
export type Resolver = {
  readonly nameservers: readonly string[];
  readonly searches: readonly string[];
  readonly options: readonly { readonly name: string; readonly value?: string }[];
};

export const dnsLists = ['nameservers', 'searches', 'options'] as const satisfies readonly (keyof Resolver)[];

/** Of `/etc/resolv.conf` (resolv.conf(5)): the last search list counts. */
export function parseResolver(text: string): Resolver {
  const lines = text.split('\n').map((line) => line.trim().split(/\s+/));
  const of = (word: string): readonly string[][] =>
    lines.filter(([first]) => first === word).map(([, ...rest]) => rest);
  return {
    nameservers: of('nameserver').flatMap(([address]) => address ?? []),
    searches: of('search').at(-1) ?? [],
    options: of('options')
      .flat()
      .map((option) => {
        const [name = '', value] = option.split(':');
        return value !== undefined && parseWholeNumber(value) !== undefined ? { name, value } : { name };
      }),
  };
}
