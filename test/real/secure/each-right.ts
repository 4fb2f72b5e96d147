/** How `tandem secure` comes to use each right in the roles of the chart, and what names the one that is missing. */
import assert from 'node:assert/strict';
import { rightsOf, type Right } from '../chart/role-rights.ts';
import { MERGE_PATCH } from '../harness/api-client.ts';
import type { Rendered } from '../harness/chart.ts';
import { eventually } from '../harness/eventually.ts';
import { NAME, NAMESPACE, type SecureScene, type StartedAgent } from './secure-scene.ts';

export type RightCase = {
  readonly what: string;
  /** More than one where one stands for the other. */
  readonly rights: readonly Right[];
  /** Who misses it: the loop that runs, one that starts, or a command. */
  readonly by: 'loop' | 'start' | 'command';
  /** Before it is taken away. */
  readonly prepare?: () => Promise<unknown>;
  /** What makes the process use it; what it uses by itself needs nothing. Of a command, what it says. */
  readonly use?: () => Promise<unknown>;
  readonly says: RegExp;
};

type Parts = {
  readonly secure: SecureScene;
  readonly server: StartedAgent;
  /** The token with all rights. */
  readonly token: string;
  readonly chart: Rendered;
  /** Logs in as a pod; what Consul answers. */
  readonly login: () => Promise<string>;
};

const OWN = `/api/v1/namespaces/${NAMESPACE}`;
const LEASE = `/apis/coordination.k8s.io/v1/namespaces/${NAMESPACE}/leases/${NAME}-secure`;
const REVIEWER = `system:serviceaccount:${NAMESPACE}:${NAME}-auth-method`;

/** All of them; a right without a case fails. */
export function rightCases(parts: Parts): readonly RightCase[] {
  const { chart } = parts;
  const account = (user: string): string => user.split(':').at(-1) ?? '';
  const all = [`system:serviceaccount:${NAMESPACE}:${NAME}-secure`, REVIEWER].flatMap((user) =>
    rightsOf(chart, 'secure', user).filter(({ role }) => role.metadata.name === account(user)),
  );
  return all.map((right): RightCase => {
    const { verb, resource, role } = right;
    const what = `${verb} ${resource}`;
    if (role.metadata.name === `${NAME}-auth-method`)
      return { what, rights: [right], by: 'loop', use: () => loginFails(parts, what), says: lacks(right) };
    // What the ClusterRole gives everywhere, the Role need not give again.
    const rights = [right, ...all.filter((each) => role.kind === 'Role' && isEverywhere(each, right))];
    const where = role.kind === 'Role' ? ` in the namespace ${NAMESPACE}` : ' everywhere';
    if (['list', 'watch'].includes(verb)) {
      const place = role.kind === 'Role' ? `in the namespace \\\\*"${NAMESPACE}` : 'at the cluster scope';
      const says = new RegExp(
        `cannot ${verb} resource \\\\*"${resource}\\\\*" in API group \\\\*"\\\\*" ${place}`,
      );
      return { what: what + where, rights, by: 'start', says };
    }
    return { what: what + where, rights, ...(usesOf(parts)[what] ?? fail(what)) };
  });
}

function isEverywhere(each: Right, { verb, resource }: Right): boolean {
  return each.role.kind === 'ClusterRole' && each.verb === verb && each.resource === resource;
}

function fail(what: string): never {
  throw new Error(`nothing here makes it ${what}`);
}

const REVIEWERS: Readonly<Record<string, RegExp>> = {
  'create tokenreviews': /tokenreviews.* is forbidden/,
  'get serviceaccounts': /annotation lookup failed.* is forbidden/,
};

async function loginFails({ login }: Parts, what: string): Promise<void> {
  assert.match(await login(), REVIEWERS[what] ?? fail(what));
}

function lacks({ verb, resource }: Right): RegExp {
  return new RegExp(`mesh-auth-method may not ${verb} ${resource}, so logins to Consul fail`);
}

/** Puts something wrong in Consul that the loop puts right, with an Event. */
export async function editPolicy({ secure, server, token }: Omit<Parts, 'chart' | 'login'>, name: string) {
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

function usesOf(parts: Parts): Readonly<Record<string, Omit<RightCase, 'what' | 'rights'>>> {
  const { admin } = parts.secure.api;
  const rotate = (): Promise<unknown> => parts.secure.run(['--rotate=agent-tokens']);
  const refused = (object: string, what: string): RegExp =>
    new RegExp(`${object} cannot be ${what}: status 403`);
  const secret = (name: string): string => `Secret ${NAMESPACE}/${NAME}-${name}`;
  const ca = `ConfigMap ${NAMESPACE}/${NAME}-consul-ca`;
  const told = async (): Promise<number> => {
    const { body } = await admin.request('GET', `${OWN}/events`);
    const { items } = body as {
      readonly items: readonly { readonly message: string; readonly count: number }[];
    };
    const ofDns = items.filter(({ message }) => message.includes(`put policy/tandem-${NAME}-dns `));
    return ofDns.reduce((sum, { count }) => sum + count, 0);
  };
  const toldOnce = async (): Promise<void> => {
    const before = await told();
    await editPolicy(parts, 'dns');
    await eventually('an Event', async () => assert.ok((await told()) > before));
  };
  return {
    'get secrets': { by: 'loop', says: refused(secret('\\S+'), 'read') },
    'update secrets': { by: 'loop', use: rotate, says: refused(secret('secure'), 'written') },
    'create secrets': {
      by: 'loop',
      use: () => admin.expect('DELETE', `${OWN}/secrets/${NAME}-ui-acl-token`),
      says: refused(secret('ui-acl-token'), 'written'),
    },
    'patch secrets': {
      by: 'command',
      use: async () => (await parts.secure.run(['--rotate=agent-tokens'])).log,
      says: refused(secret('secure'), 'annotated'),
    },
    'get configmaps': { by: 'loop', says: refused(ca, 'read') },
    'update configmaps': {
      by: 'loop',
      use: () =>
        admin.expect('PATCH', `${OWN}/configmaps/${NAME}-consul-ca`, { data: { 'ca.crt': '' } }, MERGE_PATCH),
      says: refused(ca, 'written'),
    },
    'create configmaps': {
      by: 'loop',
      use: () => admin.expect('DELETE', `${OWN}/configmaps/${NAME}-consul-ca`),
      says: refused(ca, 'written'),
    },
    'get leases': { by: 'start', says: /cannot get resource.*the Lease could not be read or written/ },
    'update leases': { by: 'loop', says: /cannot update resource.*the Lease could not be read or written/ },
    'create leases': {
      by: 'start',
      use: () => admin.expect('DELETE', LEASE),
      says: /cannot create resource.*the Lease could not be read or written/,
    },
    'create events': {
      by: 'loop',
      use: () => editPolicy(parts, 'ui'),
      says: /cannot create resource.*an Event was not written/,
    },
    'patch events': {
      by: 'loop',
      prepare: toldOnce,
      use: () => editPolicy(parts, 'dns'),
      says: /cannot patch resource.*an Event was not written/,
    },
    'create serviceaccounts/token': {
      by: 'loop',
      use: () => editMethod(parts),
      says: /no token for the ServiceAccount consul\/mesh-auth-method: status 403/,
    },
  };
}
