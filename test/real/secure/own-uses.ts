/** How `tandem secure` comes to use its rights where it keeps the servers of the chart. */
import assert from 'node:assert/strict';
import { MERGE_PATCH } from '../harness/api-client.ts';
import { eventually } from '../harness/eventually.ts';
import type { Use, Uses } from './each-right.ts';
import { NAME, NAMESPACE, type SecureScene, type StartedAgent } from './secure-scene.ts';

type Parts = {
  readonly secure: SecureScene;
  readonly server: StartedAgent;
  /** The token with all rights. */
  readonly token: string;
  /** Logs in as a pod; what Consul answers. */
  readonly login: () => Promise<string>;
};

const OWN = `/api/v1/namespaces/${NAMESPACE}`;
const LEASE = `/apis/coordination.k8s.io/v1/namespaces/${NAMESPACE}/leases/${NAME}-secure`;

/** Puts something wrong in Consul that the loop puts right, with an Event. */
export async function editPolicy({ secure, server, token }: Omit<Parts, 'login'>, name: string) {
  const path = `/v1/acl/policy/name/tandem-${NAME}-${name}`;
  const { json } = await secure.ask(server, 'GET', path, { token });
  const { ID: id, ...rest } = json as Record<string, string>;
  const body = { ...rest, ID: id, Rules: '' };
  await secure.ask(server, 'PUT', `/v1/acl/policy/${id}`, { token, body });
}

async function editMethod({ secure, server, token }: Parts): Promise<void> {
  const path = `/v1/acl/auth-method/tandem-${NAME}-k8s-auth-method`;
  const { json } = await secure.ask(server, 'GET', path, { token });
  const { Config, ...rest } = json as { readonly Config: object };
  const body = { ...rest, Config: { ...Config, Host: 'https://elsewhere' } };
  await secure.ask(server, 'PUT', path, { token, body });
}

export function ownUses(parts: Parts): Uses {
  const { admin } = parts.secure.api;
  const asks = (rotation: string) => async (): Promise<string> =>
    (await parts.secure.run([`--rotate=${rotation}`])).log;
  const remove = (path: string) => (): Promise<unknown> => admin.expect('DELETE', path);
  const edit = (path: string, change: object) => (): Promise<unknown> =>
    admin.expect('PATCH', path, change, MERGE_PATCH);
  const byLoop = (use?: () => Promise<unknown>): Use => ({ by: 'loop', ...(use && { use }) });
  const editToken = (name: string): Use =>
    byLoop(edit(`${OWN}/secrets/${NAME}-${name}`, { stringData: { token: 'another' } }));
  const loginFails = (answer: RegExp): Use => byLoop(async () => assert.match(await parts.login(), answer));
  return {
    [`update secrets ${NAME}-secure`]: byLoop(asks('agent-tokens')),
    [`update secrets ${NAME}-server-secrets`]: byLoop(asks('server-certificate')),
    [`update secrets ${NAME}-client-secrets`]: byLoop(asks('server-certificate')),
    [`update secrets ${NAME}-bootstrap-acl-token`]: byLoop(asks('bootstrap-token')),
    [`update secrets ${NAME}-ui-acl-token`]: editToken('ui-acl-token'),
    [`update secrets ${NAME}-acl-replication-acl-token`]: editToken('acl-replication-acl-token'),
    'create secrets': byLoop(remove(`${OWN}/secrets/${NAME}-ui-acl-token`)),
    'patch secrets': { by: 'command', use: asks('agent-tokens') },
    'update configmaps': byLoop(edit(`${OWN}/configmaps/${NAME}-consul-ca`, { data: { 'ca.crt': '' } })),
    'create configmaps': byLoop(remove(`${OWN}/configmaps/${NAME}-consul-ca`)),
    'get leases': { by: 'start' },
    'update leases': byLoop(),
    'create leases': byLoop(remove(LEASE)),
    'create events': byLoop(() => editPolicy(parts, 'ui')),
    'patch events': { by: 'loop', prepare: () => toldOnce(parts), use: () => editPolicy(parts, 'dns') },
    'create serviceaccounts/token': byLoop(() => editMethod(parts)),
    'create tokenreviews': loginFails(/tokenreviews.* is forbidden/),
    'get serviceaccounts': loginFails(/annotation lookup failed.* is forbidden/),
  };
}

/** What is told again raises the count of its Event. */
async function toldOnce(parts: Parts): Promise<void> {
  const told = async (): Promise<number> => {
    const { body } = await parts.secure.api.admin.request('GET', `${OWN}/events`);
    const { items } = body as {
      readonly items: readonly { readonly message: string; readonly count: number }[];
    };
    const ofDns = items.filter(({ message }) => message.includes(`put policy/tandem-${NAME}-dns `));
    return ofDns.reduce((sum, { count }) => sum + count, 0);
  };
  const before = await told();
  await editPolicy(parts, 'dns');
  await eventually('an Event', async () => assert.ok((await told()) > before));
}
