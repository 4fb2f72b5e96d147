/** What must hold for every pod. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import jsonPatch, { type Operation } from 'fast-json-patch';
import { injectFlags, injectSettings } from '../../src/config/inject-settings.ts';
import { parseFlags } from '../../src/config/parse-flags.ts';
import type { InjectRequest } from '../../src/inject/decide.ts';
import { inject } from '../../src/inject/inject.ts';
import { applied, reverted } from '../../src/inject/pod-edit.ts';
import { uninject } from '../../src/inject/uninject.ts';
import type { InjectSettings } from '../../src/inject/settings.ts';
import type { PatchOperation } from '../../src/support/json-patch.ts';
import { arbitraryGrowth, growthOf } from './arbitrary-growth.ts';
import { arbitraryPod, hostilePod } from './arbitrary-pod.ts';

const arbitrarySettings = fc
  .record({
    native: fc.boolean(),
    sleep: fc.boolean(),
    flags: fc.constantFrom(
      [],
      ['--sidecar-proxy=builtin'],
      ['--proxy-mode=dataplane'],
      ['--proxy-mode=dataplane', '--consul-tls', '--consul-ca-pem=PEM', '--consul-auth-method=k8s'],
    ),
  })
  .map(({ native, sleep, flags }) => settingsOf(native, flags, sleep));

function settingsOf(
  nativeSidecar: boolean,
  flags: readonly string[] = [],
  preStopSleep = true,
): InjectSettings {
  const parsed = parseFlags(injectFlags, ['--default-inject', ...flags], {});
  assert.ok(parsed.ok);
  return injectSettings(parsed.values, {
    version: '0.0.0',
    nativeSidecar,
    preStopSleep,
    ownNamespace: 'tandem',
    owner: 'east',
  });
}

function requestFor(object: unknown): InjectRequest {
  return { kind: 'v1/Pod', operation: 'CREATE', namespace: 'default', object };
}

// Annotations named __proto__ are data; the guard of fast-json-patch is for patches of untrusted origin.
function apply(object: unknown, patch: readonly PatchOperation[]): unknown {
  const operations = structuredClone(patch) as Operation[];
  return jsonPatch.applyPatch(structuredClone(object), operations, true, false, false).newDocument;
}

test('a patch applies, a second injection skips, and uninject gives the pod back', () => {
  fc.assert(
    fc.property(arbitraryPod, arbitrarySettings, (pod, settings) => {
      const before = structuredClone(pod);
      const result = inject(requestFor(pod), settings);
      assert.deepEqual(pod, before, 'the input is not changed');
      fc.pre(result.kind === 'inject');
      const injected = apply(pod, result.patch);
      assert.deepEqual(inject(requestFor(injected), settings), {
        kind: 'skip',
        reason: 'already-injected',
        warnings: [],
      });
      const back = uninject(injected);
      assert.equal(back.kind, 'uninject');
      assert.deepEqual(apply(injected, back.patch), pod);
    }),
    { numRuns: 1000 },
  );
});

test('whatever is added and replaced, taking the edits back gives the pod back', () => {
  fc.assert(
    fc.property(arbitraryPod, arbitraryGrowth, (pod, growth) => {
      const edits = growthOf(pod, growth);
      const grown = apply(pod, applied(edits));
      assert.deepEqual((grown as { grown?: unknown }).grown, growth.grown);
      assert.deepEqual(apply(grown, reverted(edits)), pod);
    }),
    { numRuns: 500 },
  );
});

test('most generated pods are injected, so the properties speak of something', () => {
  const settings = settingsOf(true);
  const kinds = fc
    .sample(arbitraryPod, { numRuns: 300, seed: 1 })
    .map((pod) => inject(requestFor(pod), settings).kind);
  assert.ok(kinds.filter((kind) => kind === 'inject').length > 150, kinds.join(' '));
});

test('equal input gives equal bytes', () => {
  fc.assert(
    fc.property(arbitraryPod, arbitrarySettings, (pod, settings) => {
      const first = JSON.stringify(inject(requestFor(pod), settings));
      assert.equal(JSON.stringify(inject(requestFor(structuredClone(pod)), settings)), first);
    }),
  );
});

test('a patch only adds: no operation replaces or removes what the author wrote', () => {
  fc.assert(
    fc.property(arbitraryPod, arbitrarySettings, (pod, settings) => {
      const result = inject(requestFor(pod), settings);
      fc.pre(result.kind === 'inject');
      assert.ok(result.patch.every(({ op }) => op === 'add'));
      const injected = apply(pod, result.patch);
      assertKept(pod, injected, '');
    }),
  );
});

test('hostile annotations never make the engine throw, and never leave their place as text', () => {
  fc.assert(
    fc.property(hostilePod, arbitrarySettings, (pod, settings) => {
      const result = inject(requestFor(pod), settings);
      fc.pre(result.kind === 'inject');
      const back = uninject(apply(pod, result.patch));
      assert.equal(back.kind, 'uninject');
      assert.deepEqual(apply(apply(pod, result.patch), back.patch), pod);
    }),
    { numRuns: 300 },
  );
});

test('anything at all as a request is answered', () => {
  fc.assert(
    fc.property(fc.anything({ maxDepth: 5 }), fc.anything({ maxDepth: 4 }), (object, spec) => {
      for (const each of [
        object,
        { metadata: object, spec },
        { metadata: {}, spec: { containers: [object] } },
      ]) {
        assert.ok(['skip', 'invalid', 'inject'].includes(inject(requestFor(each), settingsOf(true)).kind));
        assert.ok(['skip', 'invalid', 'uninject'].includes(uninject(each).kind));
      }
    }),
    { numRuns: 2000 },
  );
});

/** Every value of `before` is in `after` at its place; lists keep their order and may have gained elements. */
function assertKept(before: unknown, after: unknown, path: string): void {
  if (before === null || path === '/metadata/annotations/tandem/injected') return;
  if (path.endsWith('/connect-inject-status')) return;
  if (Array.isArray(before)) {
    assert.ok(Array.isArray(after), path);
    let from = 0;
    for (const element of before) {
      const index = after.findIndex((each, at) => at >= from && sameElement(element, each));
      assert.notEqual(index, -1, `${path}: ${JSON.stringify(element)}`);
      assertKept(element, after[index], `${path}/*`);
      from = index + 1;
    }
  } else if (typeof before === 'object') {
    for (const key of Object.keys(before)) {
      assertKept(
        (before as Record<string, unknown>)[key],
        (after as Record<string, unknown>)[key],
        `${path}/${key}`,
      );
    }
  } else {
    assert.equal(after, before, path);
  }
}

function sameElement(left: unknown, right: unknown): boolean {
  const name = nameOf(left);
  return name === undefined ? JSON.stringify(left) === JSON.stringify(right) : name === nameOf(right);
}

function nameOf(value: unknown): unknown {
  return (value as { name?: unknown } | null)?.name;
}

test('a volume nested by the thousand is a problem of the pod, not a stack that overflows', () => {
  const deep = `[{"name":"deep","a":${'['.repeat(100_000)}${']'.repeat(100_000)}}]`;
  const annotations = { 'consul.hashicorp.com/consul-sidecar-user-volume': deep };
  const object = { metadata: { annotations }, spec: { containers: [{ name: 'web' }] } };
  const result = inject(requestFor(object), settingsOf(true));
  assert.equal(result.kind, 'invalid');
  assert.match(result.problems[0]?.message ?? '', /nested more than 16 deep/);
});
