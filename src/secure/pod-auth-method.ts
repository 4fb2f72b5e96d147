/** The auth methods with which injected pods log in, and which ServiceAccounts they accept. */
import { asString, elementsAt, property, type JsonObject } from '../support/json.ts';
import { descriptionOf, isOurs, kubernetesMethod, type AclObject, type BindingRule } from './acl-objects.ts';
import { aclKey, type AclContents, type SecureObserved, type SeenObject } from './observed.ts';
import { aclName, authMethodTypes, type AuthMethodType, type SecureSettings } from './secure-settings.ts';

/** Consul never changes a method's type ("immutable"), and deleting one deletes its tokens: each type has its own method. */
const METHOD_NAMES = {
  kubernetes: 'k8s-auth-method',
  jwt: 'k8s-jwt-auth-method',
} as const satisfies Readonly<Record<AuthMethodType, string>>;

// A name of ours and of consul-k8s: what the kubelet asks for in the name of a pod.
const TOKEN_AUDIENCE = 'consul';
// Projected into the pod for so long (inject/sidecar-plan.ts): what an older key has signed has ended then.
const TOKEN_LIFE = 60 * 60_000;

export function podMethodName(settings: SecureSettings, type: AuthMethodType): string {
  return aclName(settings, METHOD_NAMES[type]);
}

/** Of both types: those that may be there. */
export function podMethodNames(settings: SecureSettings): readonly string[] {
  return settings.podAuthMethod ? authMethodTypes.map((type) => podMethodName(settings, type)) : [];
}

/** The type that is asked for, and the other one where it is: pods that were injected with it log in again when they restart. */
function methodTypes(settings: SecureSettings, { objects }: AclContents): readonly AuthMethodType[] {
  if (!settings.podAuthMethod) return [];
  return authMethodTypes.filter((type) => {
    if (type === settings.authMethodType) return true;
    const seen = seenMethod(settings, objects, type);
    return seen !== undefined && isOurs(seen.description, settings);
  });
}

function seenMethod(
  settings: SecureSettings,
  objects: AclContents['objects'],
  type: AuthMethodType,
): SeenObject | undefined {
  return objects.get(aclKey({ kind: 'auth-method', name: podMethodName(settings, type) }));
}

/** A method of type jwt is left out, or left as it is, while the keys are unknown. */
export function podMethods(
  settings: SecureSettings,
  observed: Pick<SecureObserved, 'now' | 'signers' | 'memory'>,
  acl: AclContents,
): readonly AclObject[] {
  return methodTypes(settings, acl).flatMap((type) => {
    if (type === 'kubernetes') return [kubernetesMethod(settings, METHOD_NAMES[type])];
    const config = jwtConfig(observed, seenMethod(settings, acl.objects, type));
    if (config === undefined) return [];
    const name = podMethodName(settings, type);
    const body = { Name: name, Description: descriptionOf(settings, 'pods'), Type: 'jwt', Config: config };
    return [{ kind: 'auth-method', name, body }];
  });
}

function jwtConfig(
  { now, signers, memory }: Pick<SecureObserved, 'now' | 'signers' | 'memory'>,
  seen: SeenObject | undefined,
): JsonObject | undefined {
  if (signers.kind === 'unknown') return undefined;
  const current = signers.keys.map(({ pem }) => pem);
  // API servers restart one by one, and one that is behind does not list the newest key.
  const staying = keysOf(seen).filter(
    (pem) => !current.includes(pem) && now < (memory.keysGoneSince.get(pem) ?? now) + TOKEN_LIFE,
  );
  const algorithms = [
    ...signers.keys.map(({ algorithm }) => algorithm),
    ...(staying.length === 0 ? [] : textsAt(seen, 'JWTSupportedAlgs')),
  ];
  return {
    JWTValidationPubKeys: [...new Set([...current, ...staying])].toSorted(),
    JWTSupportedAlgs: [...new Set(algorithms)].toSorted(),
    BoundIssuer: signers.issuer,
    BoundAudiences: [TOKEN_AUDIENCE],
    ClaimMappings: {
      '/kubernetes.io/serviceaccount/name': 'sa',
      '/kubernetes.io/namespace': 'ns',
    },
  };
}

/** Whether some method checks with the keys of the API server; so does the former one, which must not trust them forever. */
export function needsSigners(settings: SecureSettings, acl: SecureObserved['acl']): boolean {
  if (!settings.podAuthMethod) return false;
  return (
    settings.authMethodType === 'jwt' || (acl.kind === 'known' && methodTypes(settings, acl).includes('jwt'))
  );
}

/** PEM of each key that the method trusts, and that the API server no longer lists. */
export function keysGone(settings: SecureSettings, { acl, signers }: SecureObserved): readonly string[] {
  if (acl.kind !== 'known' || signers.kind === 'unknown') return [];
  const current = new Set(signers.keys.map(({ pem }) => pem));
  return keysOf(seenMethod(settings, acl.objects, 'jwt')).filter((pem) => !current.has(pem));
}

function keysOf(seen: SeenObject | undefined): readonly string[] {
  return textsAt(seen, 'JWTValidationPubKeys');
}

function textsAt(seen: SeenObject | undefined, key: string): readonly string[] {
  return elementsAt(property(seen?.body, 'Config'), key).flatMap((each) => asString(each) ?? []);
}

/** None where no namespace is allowed; and none of a method that cannot be made yet, which Consul would refuse. */
export function podRules(settings: SecureSettings, acl: AclContents): readonly BindingRule[] {
  return methodTypes(settings, acl).flatMap((type) => {
    const isThere = type === 'kubernetes' || seenMethod(settings, acl.objects, type) !== undefined;
    const selector = podSelector(settings, type);
    if (!isThere || selector === undefined) return [];
    const bindName = type === 'jwt' ? '${value.sa}' : '${serviceaccount.name}';
    return [{ method: podMethodName(settings, type), type: 'service', bindName, selector }];
  });
}

export const DEFAULT_SELECTOR = 'serviceaccount.name!=default';
const DEFAULT_JWT_SELECTOR = 'value.sa!="" and value.sa!=default';

const VARIABLES = {
  kubernetes: { account: 'serviceaccount.name', namespace: 'serviceaccount.namespace' },
  jwt: { account: 'value.sa', namespace: 'value.ns' },
} as const satisfies Readonly<Record<AuthMethodType, object>>;

/**
 * The former type accepts whom the other one accepts, and nobody else: what it cannot express accepts nobody.
 *
 * @returns undefined when it accepts nobody
 */
function accountSelector(
  { authMethodType, bindingRuleSelector: selector }: SecureSettings,
  type: AuthMethodType,
): string | undefined {
  if (selector === DEFAULT_SELECTOR) return type === 'jwt' ? DEFAULT_JWT_SELECTOR : selector;
  if (type === authMethodType) return selector;
  const [from, to] = [VARIABLES[authMethodType], VARIABLES[type]];
  const said = selector.replaceAll(from.namespace, to.namespace).replaceAll(from.account, to.account);
  return /\bserviceaccount\./.test(said) && type === 'jwt' ? undefined : said;
}

/** @returns undefined when no namespace is allowed, or no account */
function podSelector(settings: SecureSettings, type: AuthMethodType): string | undefined {
  const { allowNamespaces, denyNamespaces } = settings;
  const selector = accountSelector(settings, type);
  if (selector === undefined) return undefined;
  const variable = VARIABLES[type].namespace;
  const denied = [...new Set(denyNamespaces)];
  if (allowNamespaces.includes('*')) {
    const others = denied.map((each) => `${variable}!=${JSON.stringify(each)}`);
    return denied.length === 0 ? selector : `(${selector}) and ${others.join(' and ')}`;
  }
  const allowed = [...new Set(allowNamespaces)].filter((each) => !denied.includes(each));
  if (allowed.length === 0) return undefined;
  const namespaces = allowed.map((each) => `${variable}==${JSON.stringify(each)}`);
  return `(${selector}) and (${namespaces.join(' or ')})`;
}
