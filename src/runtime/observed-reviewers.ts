/** Asks the API server, with the tokens that Consul uses to check logins, whether it accepts them and what they may do. */
import { apiClient, type ApiClient, type ClusterAccess } from '../kubernetes/api-client.ts';
import { bearerAccess } from '../kubernetes/bearer-access.ts';
import type { ReviewerRight, Reviewers, SecureObserved } from '../secure/observed.ts';
import { NO_REVIEWERS, reviewerTokens, REVIEWER_RIGHTS } from '../secure/reviewer.ts';
import type { SecureSettings } from '../secure/secure-settings.ts';
import { TandemError } from '../support/errors.ts';
import { property } from '../support/json.ts';
import { secret, type Secret } from '../support/secret.ts';

// Nothing waits for the answer, and the caller has more to do.
const TIMEOUT = 5000;

/** Nothing is concluded from a question without an answer, or with an unexpected one. */
export async function observeReviewers(
  access: ClusterAccess,
  settings: SecureSettings,
  { acl, now }: Pick<SecureObserved, 'acl' | 'now'>,
  signal: AbortSignal,
): Promise<Reviewers> {
  if (acl.kind !== 'known') return NO_REVIEWERS;
  const asked = reviewerTokens(settings, acl, now).map(async ({ method, jwt }) => ({
    method,
    answers: await answersTo(access, secret(jwt), signal),
  }));
  const all = await Promise.all(asked);
  const lacks = all.flatMap(({ answers }) => REVIEWER_RIGHTS.filter((_, at) => answers[at] === 'lacks'));
  return {
    refused: all.flatMap(({ method, answers }) => (answers.includes('refused') ? [method] : [])),
    lacks: [...new Set(lacks)],
  };
}

type Answer = 'refused' | 'lacks' | undefined;

async function answersTo(
  access: ClusterAccess,
  token: Secret,
  signal: AbortSignal,
): Promise<readonly Answer[]> {
  const client = apiClient(bearerAccess(access, token), TIMEOUT);
  try {
    return await Promise.all(REVIEWER_RIGHTS.map((right) => answerTo(client, right, signal)));
  } finally {
    client.close();
  }
}

/** Every known account may ask for its own rights, by a role of Kubernetes itself. */
async function answerTo(
  client: ApiClient,
  { verb, group, resource }: ReviewerRight,
  signal: AbortSignal,
): Promise<Answer> {
  const path = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
  const question = {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectAccessReview',
    spec: { resourceAttributes: { verb, group, resource } },
  };
  try {
    const { status, body } = await client.request('POST', path, question, signal);
    if (status === 401) return 'refused';
    const isAnswer = status === 200 || status === 201;
    return isAnswer && property(property(body, 'status'), 'allowed') === false ? 'lacks' : undefined;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof TandemError) return undefined;
    throw error;
  }
}
