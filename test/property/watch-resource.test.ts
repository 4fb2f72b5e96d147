/** Whatever faults come between, in the end what is known is what is there, and each change was told from what was told before. */
import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ApiAnswer, ApiClient, WatchAnswer } from '../../src/kubernetes/api-client.ts';
import { systemClock } from '../../src/kubernetes/system-clock.ts';
import { IDLE } from '../../src/kubernetes/watch-session.ts';
import { watchResource } from '../../src/kubernetes/watch-resource.ts';
import { TandemError } from '../../src/support/errors.ts';
import { asString, property } from '../../src/support/json.ts';

type Change = { readonly name: string; readonly kind: 'put' | 'delete' };
type ListFault = 'none' | 'gone' | 'unreachable' | 'server-error';
type WatchFault = 'close' | 'reset' | 'garbage' | 'gone' | 'duplicate' | 'refused' | 'late';
type Step = { readonly changes: readonly Change[]; readonly list: ListFault; readonly watch: WatchFault };

type Versioned = { readonly name: string; readonly version: number; readonly isDeleted: boolean };

const objectOf = ({ name, version }: Versioned): object => ({
  metadata: { name, resourceVersion: String(version) },
});
const lineOf = (event: Versioned): string =>
  `${JSON.stringify({ type: event.isDeleted ? 'DELETED' : 'MODIFIED', object: objectOf(event) })}\n`;
const refusal = (status: number): ApiAnswer => ({
  status,
  body: { message: 'a fault' },
  weight: 0,
  headers: {},
});

/** An API server whose every list and watch makes a step of the script, and which is well after the last one. */
function faultyServer(script: readonly Step[]): {
  readonly client: Pick<ApiClient, 'request' | 'watch'>;
  readonly state: Map<string, Versioned>;
} {
  const steps = [...script];
  const state = new Map<string, Versioned>();
  const history: Versioned[] = [];
  let version = 1;
  const apply = ({ name, kind }: Change): void => {
    if (kind === 'delete' && !state.has(name)) return;
    version += 1;
    const event = { name, version, isDeleted: kind === 'delete' };
    history.push(event);
    if (event.isDeleted) state.delete(name);
    else state.set(name, event);
  };
  const pages = new Map<string, { readonly items: readonly Versioned[]; readonly version: number }>();

  const request = async (_method: string, path: string): Promise<ApiAnswer> => {
    const token = new URLSearchParams(path.split('?')[1]).get('continue');
    const page = pages.get(token ?? '') ?? { items: [...state.values()], version };
    const step = steps.shift();
    step?.changes.forEach(apply);
    if (step?.list === 'unreachable') throw new TandemError('TANDEM_KUBERNETES_UNREACHABLE', 'a fault');
    if (step?.list === 'gone') return refusal(410);
    if (step?.list === 'server-error') return refusal(500);
    const rest = page.items.slice(2);
    const next = rest.length > 0 ? `${pages.size}-of-${page.version}` : '';
    if (next !== '') pages.set(next, { items: rest, version: page.version });
    const metadata = { resourceVersion: String(page.version), continue: next };
    return {
      status: 200,
      body: { metadata, items: page.items.slice(0, 2).map(objectOf) },
      weight: 0,
      headers: {},
    };
  };

  const watch = async (path: string, signal: AbortSignal): Promise<WatchAnswer> => {
    const from = Number(new URLSearchParams(path.split('?')[1]).get('resourceVersion'));
    const step = steps.shift();
    step?.changes.forEach(apply);
    if (step?.watch === 'refused') return { kind: 'refused', ...refusal(500) };
    const stream = new PassThrough();
    signal.addEventListener('abort', () => stream.destroy(new Error('aborted')));
    stream.on('error', () => undefined);
    const missed = history.filter((event) => event.version > from);
    for (const event of missed) stream.write(lineOf(event));
    if (step?.watch === 'duplicate') for (const event of missed) stream.write(lineOf(event));
    if (step?.watch === 'late') for (const event of history.slice(0, 2)) stream.write(lineOf(event));
    if (step?.watch === 'garbage') stream.write('{"type":');
    if (step?.watch === 'gone') stream.write('{"type":"ERROR","object":{"code":410}}\n');
    if (step?.watch === 'reset') setImmediate(() => stream.destroy(new Error('a fault')));
    else if (step !== undefined) stream.end();
    // As the messages of Node's HTTP, as far as a watch reads them.
    return { kind: 'stream', stream: stream as never };
  };
  return { client: { request, watch }, state };
}

const change = fc.record({
  name: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
  kind: fc.constantFrom('put' as const, 'put' as const, 'delete' as const),
});
const step = fc.record({
  changes: fc.array(change, { maxLength: 4 }),
  list: fc.constantFrom<ListFault>('none', 'none', 'none', 'gone', 'unreachable', 'server-error'),
  watch: fc.constantFrom<WatchFault>('close', 'reset', 'garbage', 'gone', 'duplicate', 'refused', 'late'),
});

test('after the last fault, what is known is what is there', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (script) => {
      const end: Step = { changes: [{ name: 'end', kind: 'put' }], list: 'none', watch: 'close' };
      const { client, state } = faultyServer([...script, end]);
      const told = new Map<string, string>();
      const ended = Promise.withResolvers<void>();
      const resource = watchResource({
        client,
        path: '/x',
        query: {},
        clock: {
          ...systemClock,
          after: (milliseconds, callback) => systemClock.after(milliseconds === IDLE ? IDLE : 0, callback),
        },
        random: () => 0,
        read: (object) => asString(property(property(object, 'metadata'), 'resourceVersion')),
        onChange: (key, before, after) => {
          assert.equal(before, told.get(key));
          assert.notEqual(before, after);
          if (after === undefined) told.delete(key);
          else told.set(key, after);
          if (key === 'end') ended.resolve();
        },
        onRestart: () => undefined,
      });
      try {
        await Promise.race([ended.promise, resource.done]);
        assert.deepEqual(
          told,
          new Map([...state.values()].map(({ name, version }) => [name, String(version)])),
        );
        assert.deepEqual([...resource.keys()].sort(), [...state.keys()].sort());
      } finally {
        await resource.stop();
      }
    }),
    { numRuns: 300 },
  );
});
