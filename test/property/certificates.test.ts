/** Two replicas that both believe to lead, with views as old as they like: what is served is always covered. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Ca, Serving } from '../../src/certificates/certificate-facts.ts';
import { nextStep, settleLeft, type RotationState, type Step } from '../../src/certificates/next-step.ts';
import type { OlderCa } from '../../src/certificates/secret-content.ts';

const TIMES = { caLife: 300, servingLife: 100, settle: 10 };

type Content = {
  readonly ca: Ca | undefined;
  readonly older: readonly OlderCa[];
  readonly serving: Serving | undefined;
};
type Versioned<T> = { readonly version: number; readonly at: number; readonly value: T };
type Bundle = readonly Ca[];
type Intent = {
  readonly step: Step;
  readonly secret: Versioned<Content | undefined>;
  readonly bundle: Versioned<Bundle>;
};
type Replica = {
  secret: Versioned<Content | undefined>;
  bundle: Versioned<Bundle>;
  since: Map<string, number>;
  held: Serving | undefined;
  /** Decided, and still on its way. */
  intent: Intent | undefined;
};

const actions = ['see-secret', 'see-bundle', 'decide', 'write', 'restart'] as const;
const faults = ['delete', 'lose-key', 'lose-bundle', 'lose-serving', 'lose-times', 'another'] as const;

type Action =
  | { readonly kind: 'replica'; readonly who: 0 | 1; readonly what: (typeof actions)[number] }
  | { readonly kind: 'fault'; readonly what: (typeof faults)[number] }
  | { readonly kind: 'time'; readonly by: number };

const replicaAction = fc.record({
  kind: fc.constant('replica' as const),
  who: fc.constantFrom(0 as const, 1 as const),
  what: fc.constantFrom(...actions.slice(0, 4)),
});
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 40, arbitrary: replicaAction },
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('time' as const), by: fc.integer({ min: 1, max: 30 }) }),
  },
  { weight: 1, arbitrary: replicaAction.map((each) => ({ ...each, what: 'restart' as const })) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('fault' as const), what: fc.constantFrom(...faults) }),
  },
);

function world() {
  let now = 1000;
  let made = 0;
  let steps = 0;
  const newCa = (): Ca => {
    made += 1;
    return { id: `${made}`, certificate: `<${made}>`, issued: now, expires: now + TIMES.caLife };
  };
  const issue = (ca: Ca): Serving => ({
    pair: { certificate: `of ${ca.id} at ${now}`, key: '' },
    issuer: ca.id,
    issued: now,
    expires: Math.min(now + TIMES.servingLife, ca.expires),
    isForHosts: true,
  });
  const first = newCa();
  let secret: Versioned<Content | undefined> = {
    version: 1,
    at: now,
    value: { ca: first, older: [], serving: issue(first) },
  };
  const bundles: Versioned<Bundle>[] = [{ version: 1, at: now - TIMES.settle, value: [first] }];
  const newest = (): Versioned<Bundle> => bundles.at(-1) ?? { version: 0, at: 0, value: [] };
  const join = (): Replica => ({
    secret,
    bundle: newest(),
    // The webhook configuration says when its bundles were written.
    since: new Map(newest().value.map(({ id }) => [id, newest().at])),
    held: undefined,
    intent: undefined,
  });
  const replicas = [join(), join()] as const;
  /** Bundles before this one were of no use to anybody: everything that they covered had expired. */
  let floor = 0;
  const look = (replica: Replica): void => {
    const next = replica.secret.value?.serving;
    const isOutage = replicas.every(({ held }) => held === undefined || held.expires <= now);
    if (next?.issuer === undefined || now >= next.expires) return;
    const start = replica.since.get(next.issuer);
    if (start === undefined) return;
    const { entries } = stateOf(replica);
    if (settleLeft({ now, entries, publishedFor: now - start }, next.issuer, TIMES.settle) === 0)
      [replica.held, floor] = [next, isOutage ? replica.bundle.version : floor];
  };
  const stateOf = ({ secret: seen, bundle, since }: Replica): RotationState => {
    const start = since.get(seen.value?.ca?.id ?? '');
    const entry = { bundle: bundle.value.map(({ certificate }) => certificate).join(''), cas: bundle.value };
    return {
      now,
      isSecretThere: seen.value !== undefined,
      ca: seen.value?.ca,
      older: seen.value?.older ?? [],
      serving: seen.value?.serving,
      entries: [entry, entry],
      alsoKept: [],
      publishedFor: start === undefined ? undefined : now - start,
    };
  };
  for (const replica of replicas) look(replica);

  const put = (value: Content | undefined): void => {
    secret = { version: secret.version + 1, at: now, value };
  };
  const write = ({ step, secret: seen, bundle: published }: Intent): void => {
    const before = seen.value ?? { ca: undefined, older: [], serving: undefined };
    if (step.kind === 'keep' || step.kind === 'wait') return;
    steps += 1;
    if (step.kind === 'publish') {
      if (published.version !== newest().version) return;
      const known = [before.ca, ...before.older].filter((ca) => ca !== undefined);
      const value = known.filter(({ certificate }) => step.bundle.includes(certificate));
      bundles.push({ version: published.version + 1, at: now, value });
      return;
    }
    if (seen.version !== secret.version) return;
    if (step.kind === 'new-ca') put({ ca: newCa(), older: step.older, serving: before.serving });
    else if (step.kind === 'issue') put({ ...before, serving: before.ca && issue(before.ca) });
    else put({ ...before, older: step.older });
  };
  const spoil = (what: (typeof faults)[number]): void => {
    const { value } = secret;
    if (value === undefined) return;
    const unknown = (cas: readonly Ca[]): readonly OlderCa[] =>
      cas.map((ca) => ({ ...ca, leavesAt: undefined }));
    if (what === 'delete') put(undefined);
    if (what === 'another') {
      const ca = newCa();
      put({ ca, older: [], serving: issue(ca) });
    }
    if (what === 'lose-key' && value.ca !== undefined)
      put({ ...value, ca: undefined, older: [...unknown([value.ca]), ...value.older] });
    if (what === 'lose-bundle') put({ ...value, ca: undefined, older: [] });
    if (what === 'lose-serving') put({ ...value, serving: undefined });
    if (what === 'lose-times') put({ ...value, older: unknown(value.older) });
  };
  const act = (replica: Replica, what: (typeof actions)[number]): void => {
    if (what === 'see-secret') replica.secret = secret;
    if (what === 'see-bundle') {
      replica.bundle = newest();
      const ids = replica.bundle.value.map(({ id }) => id);
      replica.since = new Map(ids.map((id) => [id, replica.since.get(id) ?? replica.bundle.at]));
    }
    if (what === 'restart') Object.assign(replica, join());
    if (what === 'decide') {
      const step = nextStep(stateOf(replica), TIMES);
      replica.intent = { step, secret: replica.secret, bundle: replica.bundle };
    }
    if (what === 'write' && replica.intent !== undefined) {
      write(replica.intent);
      replica.intent = undefined;
    }
    look(replica);
  };
  return {
    steps: () => steps,
    made: () => made,
    run: (each: Action): void => {
      if (each.kind === 'time') now += each.by;
      if (each.kind === 'fault') spoil(each.what);
      if (each.kind === 'replica') act(replicas[each.who], each.what);
    },
    /** Everybody sees everything, and each does what it wants until nobody wants anything. */
    calm: (): void => {
      for (let turn = 0; turn < 12; turn += 1) {
        for (const replica of replicas) for (const what of actions.slice(0, 4)) act(replica, what);
        now += 1;
      }
      for (const replica of replicas) for (const what of actions.slice(0, 2)) act(replica, what);
    },
    /** What is served, and by what the API server may still judge it: every bundle of the last moments. */
    refusals: (): readonly string[] => {
      const counting = bundles.filter(
        ({ version }, index) => version >= floor && (bundles[index + 1]?.at ?? Infinity) > now - TIMES.settle,
      );
      return replicas.flatMap(({ held }, who) => {
        if (held === undefined || held.expires <= now) return [];
        return counting
          .filter(({ value }) => value.some(({ expires }) => expires > now))
          .filter(({ value }) => !value.some(({ id }) => id === held.issuer))
          .map(({ version }) => `${now}: replica ${who} serves ${held.issuer}, not in bundle ${version}`);
      });
    },
    isServed: (): boolean =>
      replicas.every(
        ({ held }) => held !== undefined && now < held.expires && held.issuer === secret.value?.ca?.id,
      ),
    bundleSize: (): number => newest().value.length,
  };
}

test('whatever happens in whatever order, an admission is covered', () => {
  let steps = 0;
  let made = 0;
  fc.assert(
    fc.property(fc.array(action, { minLength: 50, maxLength: 400 }), (all) => {
      const here = world();
      for (const each of all) {
        here.run(each);
        assert.deepEqual(here.refusals(), []);
      }
      steps += here.steps();
      made += here.made() - 1;
    }),
    { numRuns: 3000 },
  );
  assert.ok(steps > 5000 && made > 1000, `${steps} steps, ${made} CAs: the property has seen rotations`);
});

test('from whatever was left behind, both replicas end with a good certificate and few CAs', () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 200 }), (all) => {
      const here = world();
      for (const each of all) here.run(each);
      for (let turn = 0; turn < 40; turn += 1) here.calm();
      assert.ok(here.isServed());
      assert.ok(here.bundleSize() <= 2);
      assert.deepEqual(here.refusals(), []);
    }),
    { numRuns: 300 },
  );
});
