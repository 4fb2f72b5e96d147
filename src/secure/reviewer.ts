/** The token of the ServiceAccount with which Consul asks the API server about logins: each auth method of type kubernetes has one. */
import { parseJson, property, textAt } from '../support/json.ts';
import { isOurs } from './acl-objects.ts';
import type { AclContents, ReviewerRight, Reviewers, SeenObject } from './observed.ts';
import { objectNames, type SecureSettings } from './secure-settings.ts';

type ReviewerToken = {
  /** Name of the auth method. */
  readonly method: string;
  readonly jwt: string;
};

/** By which Consul asks whose a token is, and for the annotations of that account. */
export const REVIEWER_RIGHTS: readonly ReviewerRight[] = [
  { verb: 'create', group: 'authentication.k8s.io', resource: 'tokenreviews' },
  { verb: 'get', group: '', resource: 'serviceaccounts' },
];

export const NO_REVIEWERS: Reviewers = { refused: [], lacks: [] };

/** Those that stay unless the API server refuses them. What is in a method of somebody else is not ours to show to anyone. */
export function reviewerTokens(
  settings: SecureSettings,
  { objects }: Pick<AclContents, 'objects'>,
  now: number,
): readonly ReviewerToken[] {
  return [...objects].flatMap(([key, seen]) => {
    const [, method] = /^auth-method\/(.*)$/.exec(key) ?? [];
    if (method === undefined || !isOurs(seen.description, settings)) return [];
    const jwt = reviewerToken(seen);
    return isReviewerDue(settings, jwt, now) ? [] : [{ method, jwt }];
  });
}

/** Empty where there is none. */
export function reviewerToken(seen: SeenObject | undefined): string {
  return textAt(property(seen?.body, 'Config'), 'ServiceAccountJWT');
}

/** Due from half of its lifetime on. A text that is not a token, or a token of another account, is due, too. */
export function isReviewerDue({ name, namespace }: SecureSettings, jwt: string, now: number): boolean {
  const payload = parseJson(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString());
  const [issued, expires] = [Number(property(payload, 'iat')), Number(property(payload, 'exp'))];
  const account = `system:serviceaccount:${namespace}:${objectNames(name).reviewer}`;
  if (property(payload, 'sub') !== account) return true;
  return !(now < ((issued + expires) / 2) * 1000);
}
