/** Which ACL object is written next: policies, tokens, roles, auth methods, binding rules, in this order. */
import { isDeepStrictEqual } from 'node:util';
import { asObject, asString, property } from '../support/json.ts';
import {
  aclObjects,
  componentRules,
  descriptionOf,
  isOurs,
  twinOf,
  type AclObject,
  type BindingRule,
} from './acl-objects.ts';
import { aclKey, type AclContents, type SecureObserved, type SeenObject } from './observed.ts';
import { podMethods, podRules } from './pod-auth-method.ts';
import { isReviewerDue, reviewerToken } from './reviewer.ts';
import { tokensOf, type SecureSettings } from './secure-settings.ts';
import type { SecureState } from './secure-state.ts';

export type AclStep =
  | {
      readonly kind: 'put';
      readonly reason: 'missing' | 'different';
      readonly object: AclObject;
      /** Undefined creates it. */
      readonly id: string | undefined;
    }
  /** An auth method with a new token of its reviewer. */
  | {
      readonly kind: 'put-auth-method';
      readonly reason: 'missing' | 'different' | 'reviewer-token-due' | 'reviewer-token-refused';
      readonly object: AclObject;
      readonly id: string | undefined;
    }
  | {
      readonly kind: 'put-rule';
      readonly reason: 'missing';
      readonly rule: BindingRule;
      readonly description: string;
    }
  | { readonly kind: 'delete-rule'; readonly reason: 'twice' | 'not-wanted'; readonly id: string }
  | { readonly kind: 'put-bootstrap'; readonly reason: 'asked'; readonly token: string }
  | { readonly kind: 'delete-token'; readonly reason: 'former' | 'in-no-secret'; readonly accessor: string };

/**
 * Lines 10 to 12, and the two management tokens while one rotates.
 *
 * @param isLoaded every agent has loaded its Secret
 */
export function aclStep(
  settings: SecureSettings,
  observed: SecureObserved,
  acl: AclContents,
  state: SecureState,
  isLoaded: boolean,
): AclStep | undefined {
  const { bootstrap } = observed;
  if (bootstrap.next !== undefined && !acl.nextBootstrap)
    return { kind: 'put-bootstrap', reason: 'asked', token: bootstrap.next };
  if (acl.formerBootstrap !== undefined)
    return { kind: 'delete-token', reason: 'former', accessor: acl.formerBootstrap };
  for (const object of [...aclObjects(settings, state), ...podMethods(settings, observed, acl)]) {
    const step = putStep(settings, object, acl.objects.get(aclKey(object)), observed);
    if (step !== undefined) return step;
  }
  return ruleStep(settings, acl) ?? (isLoaded ? strayStep(settings, acl, state) : undefined);
}

// A new token may be due at once, if a clock is ahead or the API server grants a very short life. And it may be refused by an
// API server that is behind the one that issued it.
const REVIEWER_AGAIN = 60_000;

function putStep(
  settings: SecureSettings,
  object: AclObject,
  seen: SeenObject | undefined,
  { now, memory, reviewers }: Pick<SecureObserved, 'now' | 'memory' | 'reviewers'>,
): AclStep | undefined {
  if (isTaken(settings, object, seen)) return undefined;
  const reason = seen === undefined ? 'missing' : isSame(object, seen) ? undefined : 'different';
  const id = seen?.id;
  if (object.kind !== 'auth-method' || object.body['Type'] === 'jwt')
    return reason && { kind: 'put', reason, object, id };
  if (reason !== undefined) return { kind: 'put-auth-method', reason, object, id };
  if (now < (memory.reviewers.get(object.name) ?? -Infinity) + REVIEWER_AGAIN) return undefined;
  const again = isReviewerDue(settings, reviewerToken(seen), now)
    ? 'reviewer-token-due'
    : reviewers.refused.includes(object.name)
      ? 'reviewer-token-refused'
      : undefined;
  return again && { kind: 'put-auth-method', reason: again, object, id };
}

/** Why nothing is written: another cluster has the same name and owner on these servers. */
export function ownerTaken(settings: SecureSettings, acl: AclContents): string | undefined {
  const described = [
    ...[...acl.objects].map(([key, { description }]) => ({ key, description })),
    ...acl.rules.map(({ method, description }) => ({ key: `binding rule of ${method}`, description })),
  ];
  const [first] = described.flatMap(({ key, description }) => {
    const uid = twinOf(description, settings);
    return uid === undefined ? [] : [{ key, uid }];
  });
  return (
    first &&
    `${first.key} in Consul belongs to another cluster with the owner ${settings.owner} (UID of its kube-system: ${first.uid}), so nothing is written; give one of the two another global.owner, or delete what that cluster has left there if it is gone`
  );
}

/** Names of objects of somebody else that are in the way. */
export function takenNames(settings: SecureSettings, observed: SecureObserved): readonly string[] {
  const { acl, state } = observed;
  if (acl.kind !== 'known' || state === undefined || ownerTaken(settings, acl) !== undefined) return [];
  return [...aclObjects(settings, state), ...podMethods(settings, observed, acl)]
    .filter((object) => isTaken(settings, object, acl.objects.get(aclKey(object))))
    .map(aclKey);
}

/** The accessor of a token is ours, whatever is written on it. */
function isTaken(settings: SecureSettings, { kind }: AclObject, seen: SeenObject | undefined): boolean {
  return seen !== undefined && kind !== 'token' && !isOurs(seen.description, settings);
}

function isSame({ kind, body }: AclObject, seen: SeenObject): boolean {
  const same = (...keys: readonly string[]): boolean =>
    keys.every((key) => (body[key] ?? '') === (seen.body[key] ?? ''));
  if (!same('Description')) return false;
  switch (kind) {
    case 'policy':
      return same('Rules');
    case 'token':
    case 'role':
      return policyNames(body) === policyNames(seen.body);
    case 'auth-method': {
      const wanted = Object.entries(asObject(body['Config']));
      const isSameConfig = wanted.every(([key, value]) =>
        isDeepStrictEqual(value, property(seen.body['Config'], key)),
      );
      return same('Type') && isSameTtl(body, seen.body) && isSameConfig;
    }
  }
}

/** Consul answers without it, or with zero, where none is set. */
function isSameTtl(wanted: AclObject['body'], seen: AclObject['body']): boolean {
  const ttl = (body: AclObject['body']): string => asString(body['MaxTokenTTL']) ?? '0s';
  return ttl(wanted) === ttl(seen);
}

function policyNames(body: AclObject['body']): string {
  const policies = Array.isArray(body['Policies']) ? body['Policies'] : [];
  return policies
    .map((each) => String(property(each, 'Name')))
    .toSorted()
    .join();
}

function ruleStep(settings: SecureSettings, acl: AclContents): AclStep | undefined {
  const { rules } = acl;
  // A rule on somebody else's method would give its accounts rights of ours.
  const isForeign = ({ method }: BindingRule): boolean => {
    const seen = acl.objects.get(aclKey({ kind: 'auth-method', name: method }));
    return seen !== undefined && !isOurs(seen.description, settings);
  };
  const wanted = [...podRules(settings, acl), ...componentRules(settings)].filter((rule) => !isForeign(rule));
  for (const rule of wanted) {
    const [first, second] = rules.filter((seen) => isSameRule(seen, rule));
    if (first === undefined)
      return { kind: 'put-rule', reason: 'missing', rule, description: descriptionOf(settings, 'rule') };
    if (second !== undefined && isOurs(second.description, settings))
      return { kind: 'delete-rule', reason: 'twice', id: second.id };
  }
  const stray = rules.find(
    (seen) => isOurs(seen.description, settings) && !wanted.some((rule) => isSameRule(seen, rule)),
  );
  return stray && { kind: 'delete-rule', reason: 'not-wanted', id: stray.id };
}

/** They have no name. */
function isSameRule(one: BindingRule, other: BindingRule): boolean {
  return (
    one.method === other.method &&
    one.type === other.type &&
    one.bindName === other.bindName &&
    one.selector === other.selector
  );
}

/** Includes objects that were wanted once, and no longer are. */
function strayStep(
  settings: SecureSettings,
  { ownTokens }: AclContents,
  { tokens, nextTokens }: SecureState,
): AclStep | undefined {
  const kept = tokensOf(settings).flatMap((name) => [tokens[name]?.accessor, nextTokens[name]?.accessor]);
  const stray = ownTokens.find((accessor) => !kept.includes(accessor));
  return stray === undefined ? undefined : { kind: 'delete-token', reason: 'in-no-secret', accessor: stray };
}
