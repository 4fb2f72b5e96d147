/** What a token may do, without doing it: Consul's own answers to its user interface. */
import { RIGHTS_PER_REQUEST } from '../model/consul-names.ts';
import { chunks } from '../support/chunks.ts';
import { property } from '../support/json.ts';
import { jsonOf } from './answer.ts';
import type { ConsulCalls } from './client.ts';

export type AskedRight = {
  readonly Resource: string;
  readonly Access: string;
  /** Name of what is asked about; empty for a resource without names. */
  readonly Segment: string;
};

/** In the order of the questions. @throws TandemError */
export async function authorize(
  client: ConsulCalls,
  asked: readonly AskedRight[],
  signal: AbortSignal | undefined,
): Promise<readonly boolean[] | 'acls-off'> {
  const all: boolean[] = [];
  for (const some of chunks(asked, RIGHTS_PER_REQUEST)) {
    const answers = await ask(client, some, signal);
    if (answers === 'acls-off') return answers;
    all.push(...answers);
  }
  return all;
}

function ask(
  client: ConsulCalls,
  asked: readonly AskedRight[],
  signal: AbortSignal | undefined,
): Promise<readonly boolean[] | 'acls-off'> {
  return client.call<readonly boolean[] | 'acls-off'>({
    endpoint: 'other',
    method: 'POST',
    path: '/v1/internal/acl/authorize',
    body: JSON.stringify(asked),
    signal,
    accept: [401],
    read: (raw) => {
      if (raw.status === 401) return 'acls-off';
      const answers = jsonOf(raw);
      if (!Array.isArray(answers) || answers.length !== asked.length)
        throw new Error(`${asked.length} answers were expected`);
      return answers.map((answer: unknown) => property(answer, 'Allow') === true);
    },
  });
}
