/** The objects in Kubernetes that `tandem secure` keeps: read all at once, and written one at a time. */
import type { ApiClient } from '../kubernetes/api-client.ts';
import { readOwned, textsOf, writeOwned, type OwnedPlace } from '../kubernetes/owned-object.ts';
import { rotations, type SecureObserved } from '../secure/observed.ts';
import { readAgentSecret } from '../secure/agent-secret.ts';
import { objectNames, type SecureSettings } from '../secure/secure-settings.ts';
import { readState, STATE_KEY } from '../secure/secure-state.ts';
import { TandemError } from '../support/errors.ts';
import { asString, property } from '../support/json.ts';

const kept = ['state', 'bootstrap', 'server', 'client', 'ui', 'replication', 'ca'] as const;
export type KeptObject = (typeof kept)[number];

export const ROTATE_ANNOTATION = 'tandem/rotate-';

export type SecureObjects = Pick<
  SecureObserved,
  'state' | 'requests' | 'bootstrap' | 'agentSecrets' | 'tokenSecrets' | 'publishedCa'
> & {
  /** UID of the Secret of the loop, for Events. */
  readonly uid: string | undefined;
};

export function placeOf(
  { name, namespace }: Pick<SecureSettings, 'name' | 'namespace'>,
  of: KeptObject,
): OwnedPlace {
  return { kind: of === 'ca' ? 'ConfigMap' : 'Secret', namespace, name: objectNames(name)[of] };
}

export function keptPlaces(settings: Pick<SecureSettings, 'name' | 'namespace'>): readonly OwnedPlace[] {
  return kept.map((of) => placeOf(settings, of));
}

export function secureObjects(client: Pick<ApiClient, 'request'>, settings: SecureSettings) {
  let raw = new Map<KeptObject, unknown>();
  return {
    /** @throws TandemError TANDEM_KUBERNETES_… */
    read: async (signal: AbortSignal): Promise<SecureObjects> => {
      raw = new Map(
        await Promise.all(
          kept.map(async (of) => [of, await readOwned(client, placeOf(settings, of), signal)] as const),
        ),
      );
      return contents(raw, settings);
    },
    /** In the place of the version that was read. */
    write: (of: KeptObject, texts: Readonly<Record<string, string>>, signal: AbortSignal) =>
      writeOwned(client, placeOf(settings, of), raw.get(of), texts, signal),
  };
}

function contents(raw: ReadonlyMap<KeptObject, unknown>, settings: SecureSettings): SecureObjects {
  const texts = (of: KeptObject): Readonly<Record<string, string>> | undefined =>
    textsOf(placeOf(settings, of), raw.get(of));
  const state = texts('state');
  const parsed = state === undefined ? undefined : readState(state[STATE_KEY] ?? '');
  if (state !== undefined && parsed === undefined) throw unreadable(settings, 'state', STATE_KEY);
  const metadata = property(raw.get('state'), 'metadata');
  const annotations = property(metadata, 'annotations');
  const requests = rotations.flatMap((rotation) => {
    const asked = asString(property(annotations, ROTATE_ANNOTATION + rotation));
    return asked === undefined ? [] : [[rotation, asked] as const];
  });
  const bootstrap = texts('bootstrap');
  const token = bootstrap?.['token']?.trim() || undefined;
  if (bootstrap !== undefined && token === undefined) throw unreadable(settings, 'bootstrap', 'token');
  return {
    state: parsed,
    uid: asString(property(metadata, 'uid')),
    requests: Object.fromEntries(requests),
    bootstrap: {
      token,
      next: bootstrap?.['next'] || undefined,
      former: bootstrap?.['former'] || undefined,
    },
    agentSecrets: { server: readAgentSecret(texts('server')), client: readAgentSecret(texts('client')) },
    tokenSecrets: { ...tokenIn('ui', texts('ui')), ...tokenIn('replication', texts('replication')) },
    publishedCa: texts('ca')?.['ca.crt'],
  };
}

function tokenIn(of: 'ui' | 'replication', texts: Readonly<Record<string, string>> | undefined) {
  const token = texts?.['token'];
  return token === undefined ? {} : { [of]: token };
}

/** Overwritten, keys and tokens that are in use would be lost. */
function unreadable(settings: SecureSettings, of: 'state' | 'bootstrap', key: string): TandemError {
  const { namespace, name } = placeOf(settings, of);
  const text = `the Secret ${namespace}/${name} has no usable ${key}: put it back, or delete the Secret to have ${LOST[of]} made anew`;
  return new TandemError('TANDEM_KUBERNETES_GARBLED', text);
}

const LOST = { state: 'the CA and the tokens', bootstrap: 'a token' } as const;
