/** Whether a token shows config entries: with ACLs on, a list hides those that it may not read, and may not say so. */
import type { EntryKind } from '../catalog/config-entries/entry-table.ts';
import { authorize, type AskedRight } from './authorize.ts';
import type { ConsulCalls } from './client.ts';

// What the rules of Consul ask for (agent/structs/config_entry*.go, `CanWrite`).
const BY_SERVICE = new Set(['service-defaults', 'service-resolver', 'service-router', 'service-splitter']);
const MESH: AskedRight = { Resource: 'mesh', Access: 'write', Segment: '' };

function rightOf({ entryKind }: EntryKind, name: string): AskedRight {
  if (entryKind === 'service-intentions') return { Resource: 'intention', Access: 'write', Segment: name };
  if (BY_SERVICE.has(entryKind)) return { Resource: 'service', Access: 'write', Segment: name };
  return MESH;
}

/** Why the token may not see all of these entries; undefined when it does. @throws TandemError */
export function whyUnseen(
  client: ConsulCalls,
  entries: readonly { readonly kind: EntryKind; readonly name: string }[],
  signal: AbortSignal,
): Promise<string | undefined> {
  return whyMissing(
    client,
    entries.map(({ kind, name }) => rightOf(kind, name)),
    signal,
  );
}

/** The same for any possible entry: only a rule for the empty prefix covers the empty name. */
export function whyAnyUnseen(client: ConsulCalls, signal: AbortSignal): Promise<string | undefined> {
  const ofAny = (Resource: string): AskedRight => ({ Resource, Access: 'write', Segment: '' });
  return whyMissing(client, [MESH, ofAny('service'), ofAny('intention')], signal);
}

async function whyMissing(
  client: ConsulCalls,
  asked: readonly AskedRight[],
  signal: AbortSignal,
): Promise<string | undefined> {
  const isAllowed = await authorize(client, asked, signal);
  if (isAllowed === 'acls-off') return undefined;
  const missing = asked.find((_right, at) => isAllowed[at] === false);
  return missing === undefined
    ? undefined
    : `the token may not write ${missing.Resource} ${JSON.stringify(missing.Segment)}, so it may not show everything`;
}
