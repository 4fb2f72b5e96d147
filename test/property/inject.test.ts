/** What must hold for every pod. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { admitPod } from '../../src/admission/admit-pod.ts';
import jsonPatch, { type Operation } from 'fast-json-patch';
import { injectFlags, injectSettings } from '../../src/config/inject-settings.ts';
import { parseFlags } from '../../src/config/parse-flags.ts';
import { parseResolver } from '../../src/inject/resolver.ts';
import type { InjectRequest } from '../../src/inject/decide.ts';
import { inject } from '../../src/inject/inject.ts';
import { omitVariables } from '../../src/inject/omit-variables.ts';
import { applied, reverted } from '../../src/inject/pod-edit.ts';
import { parseRecord } from '../../src/inject/record.ts';
import { parseRedirectOptions } from '../../src/redirection/options.ts';
import { property } from '../../src/support/json.ts';
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
      ['--transparent-proxy'],
      ['--transparent-proxy', '--consul-dns-redirection', '--proxy-mode=dataplane'],
      ['--transparent-proxy', '--redirection=node', '--proxy-mode=dataplane'],
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
    resolver: parseResolver('nameserver 10.96.0.10\nsearch tandem.svc.x\noptions ndots:5 edns0'),
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

/** All that the kept parts of an answer depend on, of few values each: pods that differ in one of them are frequent. */
const keptOptions = fc
  .record(
    {
      'connect-service': fc.constantFrom('web', 'api', 'web,admin', 'api,admin'),
      'connect-service-port': fc.constantFrom('1001', '1001,1002'),
      'consul-envoy-proxy-concurrency': fc.constantFrom('1', '0'),
      'enable-consul-dataplane-as-sidecar': fc.constantFrom('true', 'false'),
      'enable-metrics': fc.constantFrom('true', 'false'),
      'prometheus-scrape-port': fc.constantFrom('20300', '20301'),
      'prometheus-scrape-path': fc.constantFrom('/a', '/b'),
      'envoy-extra-args': fc.constantFrom('--a b', '"--a b"', '--a $(b)', '--a größe', '--a '.repeat(400)),
      'sidecar-proxy-cpu-request': fc.constantFrom('1m', '20m'),
      'sidecar-proxy-cpu-limit': fc.constantFrom('100m', '200m'),
      'sidecar-proxy-memory-limit': fc.constantFrom('100Mi', '300Mi'),
      'consul-sidecar-user-volume': fc.constant('[{"name":"more","emptyDir":{}}]'),
      'consul-sidecar-user-volume-mount': fc.constantFrom(
        '[{"name":"more","mountPath":"/尺寸"}]',
        '[{"name":"more","mountPath":"/more","__proto__":{"a":1}}]',
        '[{"name":"more","mountPath":"/more","toJSON":"\\u2028</script>\\u0007"}]',
      ),
      'transparent-proxy': fc.constantFrom('true', 'false'),
      'transparent-proxy-exclude-inbound-ports': fc.constantFrom('9000', '9001'),
      'transparent-proxy-exclude-outbound-ports': fc.constantFrom('9000', '9001'),
      'transparent-proxy-exclude-outbound-cidrs': fc.constantFrom('10.0.0.0/8', '10.0.0.0/9', 'a::/16'),
      'transparent-proxy-exclude-uids': fc.constantFrom('5996', '0'),
      'consul-dns': fc.constantFrom('true', 'false'),
    },
    { requiredKeys: [] },
  )
  .map((options) =>
    Object.fromEntries(
      Object.entries(options).map(([name, value]) => [`consul.hashicorp.com/${name}`, value]),
    ),
  );

/** The same pod to the engine: its name, and values of variables, are never read. */
function alike({ spec, ...pod }: { readonly spec: { readonly containers?: unknown } }): object {
  const containers = Array.isArray(spec.containers) ? spec.containers : [];
  const changed = containers.map((each: object) => ({ ...each, image: 'another', command: ['another'] }));
  return {
    ...pod,
    spec: { ...spec, hostname: 'another', ...(changed.length > 0 && { containers: changed }) },
  };
}

test('the bytes of an answer do not depend on the pods before it', () => {
  const settings = fc.constantFrom(
    [],
    ['--sidecar-proxy=builtin'],
    ['--redirection=node', '--consul-auth-method=k8s', '--consul-tls', '--consul-ca-pem=größe'],
    ['--proxy-mode=dataplane'],
  );
  const before = new Map<readonly string[], InjectSettings>();
  let injected = 0;
  fc.assert(
    fc.property(arbitraryPod, keptOptions, settings, (pod, options, flags) => {
      const asking = { ...pod, metadata: { annotations: options } };
      const warm = before.get(flags) ?? settingsOf(true, flags);
      before.set(flags, warm);
      const result = inject(requestFor(asking), warm);
      const first = inject(requestFor(asking), settingsOf(true, flags));
      assert.equal(JSON.stringify(result), JSON.stringify(first));
      const patch = first.kind === 'inject' ? JSON.stringify(first.patch) : undefined;
      const answer = { ...first, ...(patch && { patch: Buffer.from(patch).toString('base64') }) };
      // The third time it may be one that is there already.
      const shortened = JSON.parse(omitVariables(JSON.stringify(asking))) as unknown;
      for (const each of [asking, alike(asking), shortened])
        assert.equal(JSON.stringify(admitPod(requestFor(each), warm)), JSON.stringify(answer));
      if (result.kind === 'inject') injected += 1;
    }),
    { numRuns: 800 },
  );
  assert.ok(injected > 100, `${injected} are injected`);
});

test('a patch only adds, and replaces what the record names: ports of probes and hooks, the policy of DNS', () => {
  fc.assert(
    fc.property(arbitraryPod, arbitrarySettings, (pod, settings) => {
      const result = inject(requestFor(pod), settings);
      fc.pre(result.kind === 'inject');
      assert.ok(result.patch.every(({ op }) => op === 'add'));
      const injected = apply(pod, result.patch);
      assertKept(withReplaced(pod, injected), injected, '');
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
    { numRuns: 150 },
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

/** The pod with the values that the record on the injected one says it replaced. */
function withReplaced(pod: unknown, injected: unknown): unknown {
  const { metadata, spec } = injected as Injected;
  const record = parseRecord(metadata.annotations['tandem/injected']);
  assert.ok(record !== undefined);
  const before = structuredClone(pod) as { spec: Record<string, unknown> };
  const policy = record.redirect?.dns?.policy;
  if (policy !== undefined) {
    assert.equal(before.spec['dnsPolicy'], policy);
    before.spec['dnsPolicy'] = 'None';
  }
  for (const { container, probe, port, to } of record.redirect?.probes ?? []) {
    const [own, now] = [before.spec, spec].map((each) => handlerOf(each, container, probe));
    assert.ok(own !== undefined && now !== undefined);
    assert.deepEqual([own.port, now.port], [port, to]);
    own.port = to;
  }
  return before;
}

type Injected = {
  readonly metadata: { readonly annotations: { readonly 'tandem/injected': string } };
  readonly spec: Readonly<Record<string, unknown>>;
};

/** The part of a probe that has a port. */
function handlerOf(spec: Injected['spec'], container: string, probe: string): { port: unknown } | undefined {
  const all = [spec['containers'], spec['initContainers']].flat() as { readonly name?: string }[];
  const found = probe.split('.').reduce<unknown>(
    property,
    all.find((each) => each?.name === container),
  );
  return Object.values(found ?? {}).find(
    (each): each is { port: unknown } => property(each, 'port') !== undefined,
  );
}

const exclusions = fc.record({
  'inbound-ports': fc.constantFrom('', 'http, 9999', '1,1,65535'),
  'outbound-ports': fc.constantFrom('', ' 8200 ,5432'),
  'outbound-cidrs': fc.constantFrom('', '203.0.113.9', '::/0, 10.0.0.0/8', '2001:DB8::1:2'),
  uids: fc.constantFrom('', '0,4294967294', '5995,5996'),
});

test('no text of an author is in the rules, and the node gets options that it reads', () => {
  fc.assert(
    fc.property(arbitraryPod, exclusions, fc.constantFrom('init', 'node'), (pod, excluded, way) => {
      const annotations = {
        'consul.hashicorp.com/transparent-proxy': 'true',
        ...Object.fromEntries(
          Object.entries(excluded).map(([name, value]) => [
            `consul.hashicorp.com/transparent-proxy-exclude-${name}`,
            value,
          ]),
        ),
      };
      const asking = { ...pod, metadata: { annotations } };
      const result = inject(requestFor(asking), settingsOf(true, [`--redirection=${way}`]));
      fc.pre(result.kind === 'inject');
      const injected = apply(asking, result.patch) as Injected;
      const [first] = injected.spec['initContainers'] as { name: string; env: { value: string }[] }[];
      assert.equal(first?.name, 'consul-connect-redirect');
      const options = property(injected.metadata.annotations, 'tandem/redirect');
      if (way === 'node') assert.equal(parseRedirectOptions(String(options)).kind, 'options');
      else assert.match(String(first.env[0]?.value).replaceAll('"lo"', ''), /^[a-z0-9_ .,:;{}/>!=\n-]*$/);
    }),
    { numRuns: 300 },
  );
});

/** Every value of `before` is in `after` at its place; lists keep their order and may have gained elements. */
function assertKept(before: unknown, after: unknown, path: string): void {
  if (before === null || ['injected', 'redirect'].includes(path.split('/tandem/')[1] ?? '')) return;
  if (path.endsWith('/connect-inject-status') || path.endsWith('/transparent-proxy-status')) return;
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
