/** ACL tokens of pods, as the clean-up after them needs them. */
import { readPodTokens, type PodToken } from '../catalog/mesh/pod-token.ts';
import type { Tokens } from '../controllers/token-loop.ts';
import { hasCode } from '../support/errors.ts';
import type { ConsulCalls } from './client.ts';
import { outcomeOf } from './connect-catalog.ts';
import { read } from './read.ts';

/** @param methods the auth methods with which pods log in */
export function podTokens(client: ConsulCalls, methods: readonly string[]): Tokens {
  const ofMethod = async (
    method: string,
    owner: string,
    signal: AbortSignal,
  ): Promise<readonly PodToken[]> => {
    const decode = (json: unknown): readonly PodToken[] => {
      const tokens = readPodTokens(json, method, owner);
      if (tokens === undefined) throw new Error('the answer is not a list');
      return tokens;
    };
    const query = { authmethod: method };
    const what = { endpoint: 'acl-tokens', path: '/v1/acl/tokens', query, decode } as const;
    return (await read(client, what, { signal })).value;
  };
  return {
    list: async (owner, signal) => {
      try {
        const lists = await Promise.all(methods.map((method) => ofMethod(method, owner, signal)));
        return lists.flat();
      } catch (error) {
        if (hasCode(error, 'TANDEM_CONSUL_FORBIDDEN')) return { refused: error.message };
        throw error;
      }
    },
    // 404: it is gone already, as by a sidecar that has logged out itself.
    delete: (accessor, signal) =>
      outcomeOf(
        client.call({
          endpoint: 'acl-token-delete',
          method: 'DELETE',
          path: `/v1/acl/token/${encodeURIComponent(accessor)}`,
          accept: [404],
          signal,
          read: () => undefined,
        }),
      ),
  };
}
