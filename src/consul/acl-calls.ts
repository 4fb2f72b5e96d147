/** What the loop of `tandem secure` reads of Consul's ACLs, and writes to them. */
import { listAt, objectAt, textIn } from '../model/decode-consul.ts';
import type { AclKind, AclObject, BindingRule } from '../secure/acl-objects.ts';
import type { ComponentLogin } from '../secure/component-login.ts';
import type { SeenObject, SeenRule } from '../secure/observed.ts';
import { asString, property, textAt } from '../support/json.ts';
import { secret, type Secret } from '../support/secret.ts';
import { jsonOf } from './answer.ts';
import type { ConsulCalls } from './client.ts';
import { unquoted } from './secure-calls.ts';
import type { Call, RawAnswer } from './servers.ts';

// Without a leader there is no answer, and agents must still get what they load.
const TOKEN_MILLISECONDS = 3000;
// The leader waits for its followers, and the first leader may still be elected.
const BOOTSTRAP_MILLISECONDS = 5 * 60_000;

const collections: Readonly<Record<AclKind, string>> = {
  policy: '/v1/acl/policy',
  token: '/v1/acl/token',
  role: '/v1/acl/role',
  'auth-method': '/v1/acl/auth-method',
};

const lists = {
  policy: '/v1/acl/policies',
  role: '/v1/acl/roles',
  'auth-method': '/v1/acl/auth-methods',
} as const;

/** All with the token of the calls. */
export function aclCalls(calls: ConsulCalls) {
  const access = aclAccess(calls);
  return { ...tokenCalls(calls, access), ...objectCalls(access), ...loginCalls(access) };
}

type Access = ReturnType<typeof aclAccess>;

function aclAccess({ call }: ConsulCalls) {
  const acl = <T>(what: Omit<Call<T>, 'endpoint'>): Promise<T> =>
    call({
      ...what,
      endpoint: what.method === 'GET' ? 'acl-read' : 'acl-write',
      read: unquoted(what.read),
    });
  const write = (what: {
    readonly method: 'PUT' | 'DELETE';
    readonly path: string;
    readonly body?: unknown;
    readonly conceals?: Secret;
  }): Promise<void> => {
    const { body, conceals, ...rest } = what;
    return acl({
      ...rest,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(conceals === undefined ? {} : { conceals }),
      read: () => undefined,
    });
  };
  return { acl, write };
}

function tokenCalls({ call }: ConsulCalls, { acl, write }: Access) {
  return {
    /** How Consul sees the token of these calls. */
    tokenState: (
      signal: AbortSignal,
    ): Promise<
      { readonly kind: 'known'; readonly accessor: string } | { readonly kind: 'unknown' | 'off' }
    > =>
      acl({
        method: 'GET',
        path: '/v1/acl/token/self',
        timeout: TOKEN_MILLISECONDS,
        accept: [401, 403],
        signal,
        read: (raw) => {
          if (raw.status === 401) return { kind: 'off' };
          // Right after a start a follower may not have asked the leader yet: only this text says that there is none.
          if (raw.status === 403 && /ACL not found/i.test(raw.text)) return { kind: 'unknown' };
          return { kind: 'known', accessor: textIn(objectAt(jsonOf(raw), 'answer'), 'AccessorID', 'answer') };
        },
      }),
    /**
     * Makes this token, and needs none. `off`: the leader runs without ACLs. `closed`: somebody else bootstrapped
     * first; with this index the ACLs can be reset.
     */
    bootstrap: (
      token: Secret,
    ): Promise<{ readonly kind: 'written' | 'off' } | { readonly kind: 'closed'; readonly index: string }> =>
      call({
        endpoint: 'acl-bootstrap',
        method: 'PUT',
        path: '/v1/acl/bootstrap',
        body: JSON.stringify({ BootstrapSecret: token.reveal() }),
        conceals: token,
        timeout: BOOTSTRAP_MILLISECONDS,
        once: true,
        accept: [401, 403],
        read: ({ status, text }) => {
          if (status === 403)
            return { kind: 'closed', index: /reset index: (\d+)/.exec(text)?.[1] ?? 'unknown' };
          return { kind: status === 401 ? 'off' : 'written' };
        },
      }),
    deleteToken: (accessor: string) =>
      write({ method: 'DELETE', path: `/v1/acl/token/${encodeURIComponent(accessor)}` }),
    /** Accessors of the tokens with this policy and a description that the test takes. */
    tokensWith: (
      policy: string,
      isWanted: (description: string) => boolean,
      signal: AbortSignal,
    ): Promise<readonly string[]> =>
      acl({
        method: 'GET',
        path: '/v1/acl/tokens',
        query: { policy },
        signal,
        read: (raw) =>
          listAt(jsonOf(raw), 'answer', (each, at) => ({
            accessor: textIn(objectAt(each, at), 'AccessorID', at),
            description: textAt(each, 'Description'),
          })).flatMap(({ accessor, description }) => (isWanted(description) ? [accessor] : [])),
      }),
  };
}

function objectCalls({ acl, write }: Access) {
  return {
    /** Name → id. Consul treats a question for one that does not exist as an error, and logs it. */
    names: (kind: keyof typeof lists, signal: AbortSignal): Promise<ReadonlyMap<string, string>> =>
      acl({
        method: 'GET',
        path: lists[kind],
        signal,
        read: (raw) =>
          new Map(
            listAt(jsonOf(raw), 'answer', (each, at) => {
              const named = objectAt(each, at);
              return [textIn(named, 'Name', at), asString(named['ID']) ?? ''];
            }),
          ),
      }),
    object: (
      { kind, name }: Pick<AclObject, 'kind' | 'name'>,
      signal: AbortSignal,
    ): Promise<SeenObject | undefined> =>
      acl({
        method: 'GET',
        path: `${collections[kind]}/${kind === 'policy' || kind === 'role' ? 'name/' : ''}${encodeURIComponent(name)}`,
        // A token that is not there is a 403.
        accept: kind === 'token' ? [403, 404] : [404],
        signal,
        read: (raw) => seenObject(kind, raw),
      }),
    putObject: ({ kind, name, body }: AclObject, id: string | undefined) => {
      const suffix = id === undefined ? '' : `/${encodeURIComponent(kind === 'auth-method' ? name : id)}`;
      const named = id === undefined || kind === 'auth-method' ? body : { ...body, ID: id };
      const hidden = asString(body['SecretID']) ?? asString(property(body['Config'], 'ServiceAccountJWT'));
      return write({
        method: 'PUT',
        path: `${collections[kind]}${suffix}`,
        body: named,
        ...(hidden === undefined ? {} : { conceals: secret(hidden) }),
      });
    },
  };
}

/** Who may log in, and who is logged in. */
function loginCalls({ acl, write }: Access) {
  return {
    rules: (signal: AbortSignal): Promise<readonly SeenRule[]> =>
      acl({
        method: 'GET',
        path: '/v1/acl/binding-rules',
        signal,
        read: (raw) => listAt(jsonOf(raw), 'answer', seenRule),
      }),
    putRule: (rule: BindingRule, description: string) =>
      write({
        method: 'PUT',
        path: '/v1/acl/binding-rule',
        body: {
          AuthMethod: rule.method,
          BindType: rule.type,
          BindName: rule.bindName,
          Selector: rule.selector,
          Description: description,
        },
      }),
    /** All tokens from logins by an auth method that have not expired. */
    logins: (method: string, signal: AbortSignal): Promise<readonly ComponentLogin[]> =>
      acl({
        method: 'GET',
        path: '/v1/acl/tokens',
        query: { authmethod: method },
        signal,
        read: (raw) => listAt(jsonOf(raw), 'answer', loginOf),
      }),
    deleteRule: (id: string) =>
      write({ method: 'DELETE', path: `/v1/acl/binding-rule/${encodeURIComponent(id)}` }),
  };
}

function seenObject(kind: AclKind, raw: RawAnswer): SeenObject | undefined {
  if (raw.status !== 200) {
    if (/ACL not found|does not exist/i.test(raw.text)) return undefined;
    throw new Error(`status ${raw.status}`);
  }
  const body = objectAt(jsonOf(raw), 'answer');
  const id = textIn(body, kind === 'token' ? 'AccessorID' : kind === 'auth-method' ? 'Name' : 'ID', 'answer');
  return { id, description: asString(body['Description']) ?? '', body };
}

function loginOf(value: unknown, place: string): ComponentLogin {
  const token = objectAt(value, place);
  return {
    at: Date.parse(textIn(token, 'CreateTime', place)),
    roles: rolesIn(token['Roles'], place),
  };
}

/** Consul answers null for none. */
function rolesIn(roles: unknown, place: string): readonly string[] {
  return Array.isArray(roles) ? roles.map((role) => textIn(objectAt(role, place), 'Name', place)) : [];
}

function seenRule(value: unknown, place: string): SeenRule {
  const rule = objectAt(value, place);
  const type = textIn(rule, 'BindType', place);
  return {
    id: textIn(rule, 'ID', place),
    description: asString(rule['Description']) ?? '',
    method: textIn(rule, 'AuthMethod', place),
    // If the type is another, it is not ours, whatever its name.
    type: type === 'role' ? 'role' : 'service',
    bindName: type === 'role' || type === 'service' ? textIn(rule, 'BindName', place) : '',
    selector: asString(rule['Selector']) ?? '',
  };
}
