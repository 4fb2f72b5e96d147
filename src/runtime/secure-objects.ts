/** The objects in Kubernetes that `tandem secure` keeps: read all at once, and written one at a time. */
import type { ApiClient } from '../kubernetes/api-client.ts';
import { readOwned, textsOf, writeOwned, type OwnedPlace } from '../kubernetes/owned-object.ts';
import { rotations, type BootstrapSecret, type SecureObserved } from '../secure/observed.ts';
import { readAgentSecret } from '../secure/agent-secret.ts';
import { broughtSecrets, readBrought } from '../secure/brought.ts';
import { certificatesIn } from '../support/known-certificate.ts';
import {
  agentKindsOf,
  objectNames,
  tokensOf,
  type SecretKey,
  type SecureSettings,
} from '../secure/secure-settings.ts';
import { readState, STATE_KEY } from '../secure/secure-state.ts';
import { bundleOf } from '../secure/signing-ca.ts';
import { TandemError } from '../support/errors.ts';
import { asString, property } from '../support/json.ts';

const kept = ['state', 'bootstrap', 'server', 'client', 'ui', 'replication', 'ca'] as const;
type KeptObject = (typeof kept)[number];

type Texts = Readonly<Record<string, string>>;

export const ROTATE_ANNOTATION = 'tandem/rotate-';

export type SecureObjects = Pick<
  SecureObserved,
  'state' | 'requests' | 'bootstrap' | 'agentSecrets' | 'tokenSecrets' | 'publishedCa' | 'brought'
> & {
  /** UID of the Secret of the loop, for Events. */
  readonly uid: string | undefined;
};

/** Without settings: those that Tandem makes, whatever an operator brings. */
type Named = Pick<SecureSettings, 'name' | 'namespace'> & {
  readonly bootstrapToken?: SecretKey | undefined;
};

export function placeOf({ name, namespace, bootstrapToken }: Named, of: KeptObject): OwnedPlace {
  const brought = of === 'bootstrap' ? bootstrapToken?.secret : undefined;
  return {
    kind: of === 'ca' ? 'ConfigMap' : 'Secret',
    namespace,
    name: brought ?? objectNames(name)[of],
  };
}

export function keptPlaces(place: Named): readonly OwnedPlace[] {
  return kept.map((of) => placeOf(place, of));
}

/** Only those of parts that are on: the role of the loop has no others. */
function readPlaces(settings: SecureSettings): readonly (readonly [KeptObject, OwnedPlace])[] {
  const [agents, tokens] = [agentKindsOf(settings), tokensOf(settings)];
  const isRead: Readonly<Record<KeptObject, boolean>> = {
    state: true,
    bootstrap: settings.acls,
    server: agents.includes('server'),
    client: agents.includes('client'),
    ui: tokens.includes('ui'),
    replication: tokens.includes('replication'),
    ca: settings.tls,
  };
  return kept.filter((of) => isRead[of]).map((of) => [of, placeOf(settings, of)]);
}

/** Read, and never written or deleted. */
function broughtPlaces(settings: Pick<SecureSettings, 'namespace' | 'brought'>): readonly OwnedPlace[] {
  const { namespace } = settings;
  return broughtSecrets(settings).map((name) => ({ kind: 'Secret', namespace, name }));
}

export function watchedPlaces(settings: SecureSettings): readonly OwnedPlace[] {
  return [...readPlaces(settings).map(([, place]) => place), ...broughtPlaces(settings)];
}

export function secureObjects(client: Pick<ApiClient, 'request'>, settings: SecureSettings) {
  const places = readPlaces(settings);
  let raw = new Map<KeptObject, unknown>();
  return {
    /**
     * @param now milliseconds since the epoch
     * @throws TandemError TANDEM_KUBERNETES_…
     */
    read: async (now: number, signal: AbortSignal): Promise<SecureObjects> => {
      const [own, secrets] = await Promise.all([
        Promise.all(places.map(async ([of, place]) => [of, await readOwned(client, place, signal)] as const)),
        Promise.all(
          broughtPlaces(settings).map(
            async (place) => [place.name, textsOf(place, await readOwned(client, place, signal))] as const,
          ),
        ),
      ]);
      raw = new Map(own);
      const read = contents(raw, settings);
      const trusted = certificatesIn(bundleOf(read.state)).map(({ pem }) => pem);
      return { ...read, brought: readBrought(settings, { secrets: new Map(secrets), trusted, now }) };
    },
    /** In place of the version that was read. */
    write: (of: KeptObject, texts: Texts, signal: AbortSignal) =>
      writeOwned(client, placeOf(settings, of), raw.get(of), texts, signal),
  };
}

function contents(
  raw: ReadonlyMap<KeptObject, unknown>,
  settings: SecureSettings,
): Omit<SecureObjects, 'brought'> {
  const texts = (of: KeptObject): Texts | undefined => textsOf(placeOf(settings, of), raw.get(of));
  const state = texts('state');
  const parsed = state === undefined ? undefined : readState(state[STATE_KEY] ?? '');
  if (state !== undefined && parsed === undefined) throw unreadable(settings, 'state', STATE_KEY);
  const metadata = property(raw.get('state'), 'metadata');
  const annotations = property(metadata, 'annotations');
  const requests = rotations.flatMap((rotation) => {
    const asked = asString(property(annotations, ROTATE_ANNOTATION + rotation));
    return asked === undefined ? [] : [[rotation, asked] as const];
  });
  return {
    state: parsed,
    uid: asString(property(metadata, 'uid')),
    requests: Object.fromEntries(requests),
    bootstrap:
      settings.bootstrapToken === undefined
        ? madeToken(texts('bootstrap'), settings)
        : broughtToken(texts('bootstrap'), settings.bootstrapToken, settings),
    agentSecrets: { server: readAgentSecret(texts('server')), client: readAgentSecret(texts('client')) },
    tokenSecrets: { ...tokenIn('ui', texts('ui')), ...tokenIn('replication', texts('replication')) },
    publishedCa: texts('ca')?.['ca.crt'],
  };
}

function madeToken(texts: Texts | undefined, settings: SecureSettings): BootstrapSecret {
  const token = texts?.['token']?.trim() || undefined;
  if (texts !== undefined && token === undefined) throw unreadable(settings, 'bootstrap', 'token');
  return {
    token,
    next: texts?.['next'] || undefined,
    former: texts?.['former'] || undefined,
    lack: undefined,
  };
}

/** The rest of its content belongs to the operator. */
function broughtToken(
  texts: Texts | undefined,
  { secret, key }: SecretKey,
  { namespace }: SecureSettings,
): BootstrapSecret {
  const text = texts?.[key]?.trim() ?? '';
  // Characters that no header can carry.
  const token = /^[\x21-\x7e]+$/.test(text) ? text : undefined;
  const what = `the Secret ${namespace}/${secret}`;
  const lack = texts === undefined ? `${what} is not there` : `${what} has no token under the key ${key}`;
  return { token, next: undefined, former: undefined, lack: token === undefined ? lack : undefined };
}

function tokenIn(of: 'ui' | 'replication', texts: Texts | undefined) {
  const token = texts?.['token'];
  return token === undefined ? {} : { [of]: token };
}

/** If it were overwritten, keys and tokens that are in use would be lost. */
function unreadable(settings: SecureSettings, of: 'state' | 'bootstrap', key: string): TandemError {
  const { namespace, name } = placeOf(settings, of);
  const text = `the Secret ${namespace}/${name} has no usable ${key}: restore it, or delete the Secret so that Tandem makes ${LOST[of]} again`;
  return new TandemError('TANDEM_KUBERNETES_GARBLED', text);
}

const LOST = { state: 'the CA and the tokens', bootstrap: 'a token' } as const;
