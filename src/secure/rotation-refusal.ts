/** Why a requested rotation would have no effect. */
import type { Rotation } from './observed.ts';
import type { SecureSettings } from './secure-settings.ts';

/**
 * Undefined when it can be asked for.
 *
 * @param distrust the CAs before are to leave at once; that can be asked for whosever they are
 */
export function rotationRefusal(
  rotation: Rotation,
  distrust: boolean,
  {
    gossip,
    tls,
    acls,
    clients,
    brought,
  }: Pick<SecureSettings, 'gossip' | 'tls' | 'acls' | 'clients' | 'brought'>,
): string | undefined {
  const follows = (secret: string): string =>
    `write another one into the Secret ${secret}, and Tandem uses it`;
  switch (rotation) {
    case 'gossip':
      if (!gossip) return 'gossip encryption is off (--gossip), so there is no key';
      return brought.gossip && `the gossip key is yours: ${follows(brought.gossip.secret)}`;
    case 'ca':
      if (!tls) return 'TLS is off (--tls), so there is no CA';
      return distrust ? undefined : brought.ca && `the CA is yours: ${follows(brought.ca.secret)}`;
    case 'server-certificate': {
      if (!tls) return 'TLS is off (--tls), so there are no certificates';
      const isAnyMade = brought.server === undefined || (clients && brought.client === undefined);
      return isAnyMade ? undefined : `the certificates are yours: ${follows(brought.server ?? '')}`;
    }
    case 'agent-tokens':
    case 'bootstrap-token':
      return acls ? undefined : 'the ACLs are off (--acls), so there are no tokens';
  }
}
