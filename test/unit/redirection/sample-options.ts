import type { RedirectOptions } from '../../../src/redirection/options.ts';
import { parseCidr } from '../../../src/support/cidr.ts';

type Sample = Partial<Omit<RedirectOptions, 'outboundCidrs'>> & {
  readonly outboundCidrs?: readonly string[];
};

/** What is not named is not there. */
export function optionsOf({ outboundCidrs = [], ...given }: Sample): RedirectOptions {
  return {
    inboundPorts: [],
    outboundPorts: [],
    uids: [],
    handshakes: [],
    dnsPort: undefined,
    ...given,
    outboundCidrs: outboundCidrs.map((text) => {
      const cidr = parseCidr(text);
      if (cidr === undefined) throw new Error(`${text} is no network`);
      return cidr;
    }),
  };
}
