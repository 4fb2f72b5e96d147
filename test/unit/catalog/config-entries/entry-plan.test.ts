/** The conflict table cell by cell, whose an entry is, and what is removed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  NO_RECALL,
  type EntrySettings,
  type HeldEntry,
} from '../../../../src/catalog/config-entries/decide-entry.ts';
import {
  ownMeta,
  type Meta,
  type ObservedEntry,
} from '../../../../src/catalog/config-entries/entry-holder.ts';
import { entryKindOf } from '../../../../src/catalog/config-entries/entry-kinds.ts';
import {
  isLeftover,
  readEntryObject,
  type EntryObject,
} from '../../../../src/catalog/config-entries/entry-object.ts';
import {
  planEntries,
  type EntryPlan,
  type KindView,
} from '../../../../src/catalog/config-entries/entry-plan.ts';

const SETTINGS: EntrySettings = {
  owner: 'one',
  datacenter: 'dc1',
  adopt: false,
  policy: 'sync',
  allowNamespaces: ['*'],
};

type Given = {
  readonly name?: string;
  readonly namespace?: string;
  readonly spec?: object;
  readonly created?: string;
  readonly annotations?: object;
  readonly metadata?: object;
  readonly status?: object;
};

function objectOf(kind: string, given: Given = {}): EntryObject {
  const {
    name = 'web',
    namespace = 'shop',
    spec = { protocol: 'http' },
    created = '2026-01-01T00:00:00Z',
  } = given;
  const metadata = {
    name,
    namespace,
    uid: `${namespace}/${name}`,
    resourceVersion: '1',
    generation: 1,
    creationTimestamp: created,
    annotations: given.annotations ?? {},
    ...given.metadata,
  };
  const object = readEntryObject({ kind, metadata, spec, status: given.status ?? {} });
  assert.ok(object !== undefined);
  return object;
}

const web = (given: Given = {}): EntryObject => objectOf('ServiceDefaults', given);
const intentions = (name: string, destination: string, given: Given = {}): EntryObject =>
  objectOf('ServiceIntentions', {
    name,
    spec: { destination: { name: destination }, sources: [{ name: 'a', action: 'allow' }] },
    ...given,
  });

function observed(Meta: Meta, fields: object = { Protocol: 'http' }, name = 'web'): ObservedEntry {
  const entry = { Kind: 'service-defaults', Name: name, Meta, ModifyIndex: 7, CreateIndex: 7, ...fields };
  return { entryKind: 'service-defaults', name, index: 7, id: ID, meta: Meta, entry };
}

const ID = 'a.consul/7';
const ours = (object: EntryObject): Meta => ownMeta(SETTINGS, object);
const OTHER: Meta = { ...ours(web()), 'tandem-owner': 'two', 'tandem-object': 'x/y' };
const K8S: Meta = { 'external-source': 'kubernetes', 'consul.hashicorp.com/source-datacenter': 'dc1' };
const K8S_ELSEWHERE: Meta = { ...K8S, 'consul.hashicorp.com/source-datacenter': 'dc2' };
const NOBODY: Meta = {};
const MIGRATE = { 'consul.hashicorp.com/migrate-entry': 'true' };
const OVERWRITE = { 'tandem/overwrite': 'true' };

function plan(
  objects: readonly EntryObject[],
  entries: readonly ObservedEntry[] | undefined,
  settings: Partial<EntrySettings> = {},
  view: Partial<KindView> = {},
): EntryPlan {
  const kind = entryKindOf(objects[0]?.kind ?? 'ServiceDefaults');
  assert.ok(kind !== undefined);
  const one: KindView = {
    kind,
    objects,
    entries,
    trouble: undefined,
    keep: undefined,
    crdCreated: undefined,
    ...view,
  };
  return planEntries([one], { ...SETTINGS, ...settings }, NO_RECALL);
}

/** What is written, or else how the one object stands. */
function verdict({ writes, objects }: EntryPlan): string {
  const [write] = writes;
  if (write !== undefined) return `${write.action} ${write.reason} ${write.index}`;
  const state = objects[0]?.state;
  return state?.kind === 'failed' ? state.reason : (state?.kind ?? 'none');
}

function message({ objects }: EntryPlan, at = 0): string {
  const state = objects[at]?.state;
  return state !== undefined && 'message' in state ? state.message : '';
}

const SYNCED = {
  observedGeneration: 1,
  conditions: [{ type: 'Synced', status: 'True', reason: 'Synced', message: '' }],
};
const TCP = { Protocol: 'tcp' };

for (const [holder, meta, same, other] of [
  ['ours', ours(web()), 'synced', 'update changed 7'],
  ['another owner', OTHER, 'elsewhere', 'ExternallyManagedConfigError'],
  ['consul-k8s here', K8S, 'update adopted 7', 'ExternallyManagedConfigError'],
  ['consul-k8s in another datacenter', K8S_ELSEWHERE, 'elsewhere', 'ExternallyManagedConfigError'],
  ['nobody', NOBODY, 'elsewhere', 'ExternallyManagedConfigError'],
  ['another source', { 'external-source': 'terraform' }, 'elsewhere', 'ExternallyManagedConfigError'],
] as const)
  test(`an entry of ${holder}`, () => {
    assert.equal(verdict(plan([web()], [observed(meta)])), same);
    assert.equal(verdict(plan([web()], [observed(meta, TCP)])), other);
  });

test('no entry is created, with our meta and the index 0', () => {
  const { writes } = plan([web()], []);
  assert.deepEqual(
    writes.map(({ action, index, entry }) => ({ action, index, entry })),
    [
      {
        action: 'create',
        index: 0,
        entry: { Kind: 'service-defaults', Name: 'web', Protocol: 'http', Meta: ours(web()) },
      },
    ],
  );
});

test('the annotations and adopt open the ways that the table names, and no others', () => {
  const annotated = (annotations: object, meta: Meta, fields?: object, settings = {}): string =>
    verdict(plan([web({ annotations })], [observed(meta, fields)], settings));
  assert.equal(annotated(MIGRATE, NOBODY), 'update migrated 7');
  assert.equal(annotated(MIGRATE, NOBODY, TCP), 'MigrationFailedError');
  assert.equal(annotated(OVERWRITE, NOBODY, TCP), 'update overwritten 7');
  assert.equal(annotated({}, K8S, TCP, { adopt: true }), 'update adopted 7');
  for (const meta of [OTHER, K8S_ELSEWHERE])
    assert.equal(
      annotated({ ...MIGRATE, ...OVERWRITE }, meta, TCP, { adopt: true }),
      'ExternallyManagedConfigError',
    );
});

test('what is held names the holder, the differing field with both values, and the way out', () => {
  assert.match(
    message(plan([web()], [observed(OTHER, TCP)])),
    /cluster "two", made there from "x\/y".*Protocol is "tcp" in Consul, "http" here/,
  );
  assert.match(message(plan([web()], [observed(K8S, TCP)])), /consul-k8s.*--config-entries-adopt/);
  assert.match(message(plan([web()], [observed(K8S_ELSEWHERE, TCP)])), /"dc2"/);
  assert.match(message(plan([web()], [observed(NOBODY, TCP)])), /migrate-entry.*tandem\/overwrite/);
  assert.match(message(plan([web({ annotations: MIGRATE })], [observed(NOBODY, TCP)])), /Protocol is "tcp"/);
});

test('any other meta of ours is a difference', () => {
  const meta = ours(web());
  assert.equal(verdict(plan([web()], [observed({ ...meta, more: 'x' })])), 'update changed 7');
  assert.equal(verdict(plan([web()], [observed({ ...meta, 'tandem-object': 'a/b' })])), 'update changed 7');
});

test('an older object that is given the name of an entry does not take it from the object that has it', () => {
  const holder = web({ created: '2026-02-01T00:00:00Z' });
  const thief = web({ name: 'old', namespace: 'a', annotations: { 'tandem/entry-name': 'Web' } });
  for (const objects of [
    [holder, thief],
    [thief, holder],
  ]) {
    const found = plan(objects, [observed(ours(holder))]);
    assert.deepEqual([found.writes, found.removals], [[], []]);
    assert.equal(message(found, objects.indexOf(thief)).includes('"shop/web" had this entry first'), true);
  }
});

test('an object that is given the name of an entry that nobody made does not take it', () => {
  const status = { ...SYNCED, entryId: ID };
  // An annotation does not raise the generation, so that the status still looks right.
  const object = web({ status, annotations: { 'tandem/entry-name': 'Api' } });
  const before = observed(ours(object));
  const made = { ...observed(NOBODY, TCP, 'Api'), index: 8, id: 'a.consul/8' };
  const { writes, removals, objects } = plan([object], [before, made]);
  assert.deepEqual([writes, removals], [[], []]);
  assert.equal(verdict({ ...plan([object], [before, made]), objects }), 'ExternallyManagedConfigError');
});

test('what has not changed on either side is not gone through again', () => {
  let reads = 0;
  const spec = {
    get protocol() {
      reads += 1;
      return 'http';
    },
  };
  const object = web({ spec });
  const entry = observed(ours(object));
  assert.equal(verdict(plan([object], [entry])), 'synced');
  const before = reads;
  assert.ok(before > 0);
  assert.equal(verdict(plan([object], [entry])), 'synced');
  assert.equal(reads, before);
  assert.equal(verdict(plan([object], [observed(ours(object), TCP)])), 'update changed 7');
});

test('an entry in Consul that is nested too deep to be shown is told about, and no more', () => {
  const deep = JSON.parse(`${'['.repeat(9000)}${']'.repeat(9000)}`) as unknown;
  const found = plan([web()], [observed(NOBODY, { Protocol: 'http', Odd: { a: deep, b: 1 } })]);
  assert.match(message(found), /Odd is absent here/);
});

test('a change of an entry whose object stands as it was is drift', () => {
  const status = { ...SYNCED, entryId: ID };
  const object = web({ status });
  assert.equal(verdict(plan([object], [observed(ours(object), TCP)])), 'update drift 7');
  assert.equal(verdict(plan([object], [observed(NOBODY, TCP)])), 'update drift 7');
  assert.equal(verdict(plan([object], [observed(OTHER, TCP)])), 'ExternallyManagedConfigError');
  const terraform = { 'external-source': 'terraform' };
  assert.equal(verdict(plan([object], [observed(terraform, TCP)])), 'ExternallyManagedConfigError');
  assert.equal(verdict(plan([object], [])), 'create drift 0');
  assert.equal(verdict(plan([web({ status, metadata: { generation: 2 } })], [])), 'create missing 0');
});

test('an entry without our meta is ours only when it is the one that was: no condition says so', () => {
  const unmarked = (entryId: string | undefined, fields: object = TCP, annotations = {}): string => {
    const status = entryId === undefined ? SYNCED : { ...SYNCED, entryId };
    return verdict(plan([web({ status, annotations })], [observed(NOBODY, fields)]));
  };
  // Of no entry, of another Consul, or of one that somebody deleted to make another.
  for (const entryId of [undefined, 'b.consul/7', 'a.consul/8']) {
    assert.equal(unmarked(entryId), 'ExternallyManagedConfigError');
    assert.equal(unmarked(entryId, { Protocol: 'http' }), 'elsewhere');
    assert.equal(unmarked(entryId, TCP, MIGRATE), 'MigrationFailedError');
    assert.equal(unmarked(entryId, TCP, OVERWRITE), 'update overwritten 7');
  }
  assert.equal(unmarked(ID), 'update drift 7');
  assert.equal(unmarked(ID, { Protocol: 'http' }), 'update drift 7');
});

test('while Consul does not tell which entry it is, one without meta is not said to be of somebody else', () => {
  const nameless = { ...observed(NOBODY, TCP), id: undefined };
  const had = { ...SYNCED, entryId: ID };
  assert.equal(verdict(plan([web({ status: had })], [nameless])), 'unknown');
  assert.equal(verdict(plan([web({ status: had, annotations: MIGRATE })], [nameless])), 'unknown');
  assert.equal(
    verdict(plan([web({ status: had, annotations: OVERWRITE })], [nameless])),
    'update overwritten 7',
  );
  assert.equal(verdict(plan([web({ status: SYNCED })], [nameless])), 'ExternallyManagedConfigError');
  // Nor does an older object get it meanwhile.
  const older = web({ namespace: 'a', created: '2025-01-01T00:00:00Z', annotations: OVERWRITE });
  const found = plan([older, web({ status: had })], [nameless]);
  assert.deepEqual(
    found.objects.map(({ state }) => (state.kind === 'failed' ? state.reason : state.kind)),
    ['NameTaken', 'unknown'],
  );
});

test('without a trust domain, each object is read as often as there are few or many', () => {
  const readsOfEach = (count: number): number => {
    let reads = 0;
    const names = Array.from({ length: count }, (_, index) => `web-${index}`);
    const objects = names.map((name) =>
      Object.defineProperty({ ...web({ name }) }, 'status', {
        get: () => {
          reads += 1;
          return { ...SYNCED, entryId: ID };
        },
      }),
    );
    plan(
      objects,
      names.map((name) => ({ ...observed(NOBODY, TCP, name), id: undefined })),
    );
    return reads / count;
  };
  assert.equal(readsOfEach(200), readsOfEach(2));
});

test('an entry that was ours a moment ago is, whatever the status says by now', () => {
  const kind = entryKindOf('ServiceDefaults');
  assert.ok(kind !== undefined);
  const unread = { trouble: undefined, keep: undefined, crdCreated: undefined };
  const view: KindView = { kind, objects: [web()], entries: [observed(NOBODY, TCP)], ...unread };
  const held = (id: string): string =>
    verdict(planEntries([view], SETTINGS, { ...NO_RECALL, held: () => ({ id, place: 'shop/web' }) }));
  assert.equal(held(ID), 'update changed 7');
  assert.equal(held('b.consul/7'), 'ExternallyManagedConfigError');
});

test('of two objects, the one that the entry was made from keeps it, also when an edit dropped the meta', () => {
  const older = web({ namespace: 'a', created: '2025-01-01T00:00:00Z' });
  const maker = (entryId: string): EntryObject => web({ status: { ...SYNCED, entryId } });
  const verdicts = (objects: readonly EntryObject[], recall = NO_RECALL): readonly string[] => {
    const kind = entryKindOf('ServiceDefaults');
    assert.ok(kind !== undefined);
    const unread = { trouble: undefined, keep: undefined, crdCreated: undefined };
    const entries = [observed(NOBODY, TCP)];
    const found = planEntries([{ kind, objects, entries, ...unread }], SETTINGS, recall);
    return found.objects.map(({ state }) => (state.kind === 'failed' ? state.reason : state.kind));
  };
  assert.deepEqual(verdicts([older, maker(ID)]), ['NameTaken', 'pending']);
  const held = (): HeldEntry => ({ id: ID, place: 'shop/web' });
  assert.deepEqual(verdicts([older, web()], { ...NO_RECALL, held }), ['NameTaken', 'pending']);
  // It is another entry, which nobody has: the older object is told so.
  assert.deepEqual(verdicts([older, maker('b.consul/7')]), ['ExternallyManagedConfigError', 'NameTaken']);
});

test('what Consul took and gives back otherwise is not written again', () => {
  const kind = entryKindOf('ServiceDefaults');
  assert.ok(kind !== undefined);
  const view: KindView = {
    kind,
    objects: [web()],
    entries: [observed(ours(web()), TCP)],
    trouble: undefined,
    keep: undefined,
    crdCreated: undefined,
  };
  const taken = (at: number): string =>
    verdict(
      planEntries([view], SETTINGS, { ...NO_RECALL, isAccepted: (_key, _entry, index) => index === at }),
    );
  assert.equal(taken(7), 'synced');
  assert.equal(taken(8), 'update changed 7');
});

test('of two objects the older has the entry, then the first by its place; names differ without case', () => {
  const young = web({ namespace: 'a', created: '2026-01-02T00:00:00Z' });
  const old = web({ namespace: 'z' });
  const twin = web({ namespace: 'y', name: 'Web' });
  const { writes, objects } = plan([young, old, twin], []);
  assert.deepEqual(
    writes.map(({ object }) => object.namespace),
    ['y'],
  );
  assert.deepEqual(
    objects.map(({ state }) => (state.kind === 'failed' ? state.reason : state.kind)),
    ['NameTaken', 'NameTaken', 'pending'],
  );
  assert.match(message({ objects, writes } as EntryPlan), /"y\/Web" had this entry first/);
});

test('when the one that has the entry goes, the other takes it by one update', () => {
  const gone = web({ namespace: 'a' });
  const next = web({ namespace: 'b' });
  const result = plan([next], [observed(ours(gone))]);
  assert.equal(verdict(result), 'update changed 7');
  assert.deepEqual(result.removals, []);
});

test('an invalid object keeps its entry, and other objects from it', () => {
  const broken = web({ spec: { protocol: 'http', destination: { addresses: [], port: 0 } } });
  const other = web({ namespace: 'z', created: '2026-02-01T00:00:00Z' });
  const result = plan([broken, other], [observed(ours(broken))]);
  assert.deepEqual(
    result.objects.map(({ state }) => (state.kind === 'failed' ? state.reason : state.kind)),
    ['InvalidSpec', 'NameTaken'],
  );
  assert.deepEqual([result.writes, result.removals], [[], []]);
});

test('only ours is removed, and only when its object is gone', () => {
  const removed = (
    entries: readonly ObservedEntry[],
    objects: readonly EntryObject[] = [],
  ): readonly string[] => plan(objects, entries).removals.map(({ key }) => key);
  assert.deepEqual(removed([observed(ours(web()))]), ['service-defaults/web']);
  for (const meta of [OTHER, K8S, K8S_ELSEWHERE, NOBODY]) assert.deepEqual(removed([observed(meta)]), []);
  assert.deepEqual(removed([observed(ours(web()))], [web()]), []);
  const ending = web({ metadata: { deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: ['x'] } });
  assert.deepEqual(removed([observed(ours(web()))], [ending]), ['service-defaults/web']);
});

test('nothing is removed while one side is not known, by another policy, or when the object went with its CRD', () => {
  const entries = [observed(ours(web()))];
  assert.deepEqual(plan([], entries, {}, { keep: 'no list' }).removals, []);
  assert.equal(plan([], entries, {}, { keep: 'no list' }).kept[0]?.why, 'no list');
  for (const policy of ['upsert-only', 'create-only'] as const)
    assert.deepEqual(plan([], entries, { policy }).removals, []);
  const lost = plan([], entries, {}, { crdCreated: '2026-01-01T00:00:01Z' });
  assert.deepEqual(lost.removals, []);
  assert.match(lost.kept[0]?.why ?? '', /removed with an earlier CRD; apply the object again/);
  for (const crdCreated of ['2025-12-31T23:59:59Z', '2026-01-01T00:00:00Z'])
    assert.equal(plan([], entries, {}, { crdCreated }).removals.length, 1);
  assert.equal(verdict(plan([web()], undefined, {}, { trouble: 'Consul is away' })), 'unknown');
});

test('an entry that an earlier version wrote, without the age of its object, stays unless that names another one', () => {
  const { 'tandem-object-created': _created, ...undated } = ours(web());
  const crdCreated = '2025-01-01T00:00:00Z';
  const { removals, kept } = plan([], [observed(undated)], {}, { crdCreated });
  assert.deepEqual(removals, []);
  assert.match(
    kept[0]?.why ?? '',
    /an earlier version wrote it.*apply the object again, or delete the entry/,
  );
  // It is dated as soon as its object is there.
  assert.equal(verdict(plan([web()], [observed(undated)], {}, { crdCreated })), 'update changed 7');
  const renamed = web({ annotations: { 'tandem/entry-name': 'api' } });
  const other = { ...observed(ours(renamed), {}, 'api'), index: 8 };
  const names = plan([renamed], [observed(undated), other], {}, { crdCreated }).removals;
  assert.deepEqual(
    names.map(({ name, reason }) => [name, reason]),
    [['web', 'renamed']],
  );
  assert.equal(plan([], [observed(undated)]).removals.length, 1, 'a purge asks for no CRD');
});

test('upsert-only updates, create-only does not', () => {
  const entries = [observed(ours(web()), TCP)];
  assert.equal(verdict(plan([web()], entries, { policy: 'upsert-only' })), 'update changed 7');
  assert.equal(verdict(plan([web()], entries, { policy: 'create-only' })), 'ExternallyManagedConfigError');
});

test('under create-only, an entry that says what its object says is in order, whenever that was made', () => {
  const anew = web({ created: '2026-05-01T00:00:00Z' });
  assert.equal(verdict(plan([anew], [observed(ours(web()))], { policy: 'create-only' })), 'synced');
});

test('a namespace that is not allowed has no effect, and what it had stays until its object goes', () => {
  const settings = { allowNamespaces: ['other'] };
  assert.equal(verdict(plan([web()], [], settings)), 'NamespaceNotAllowed');
  const result = plan([web()], [observed(ours(web()))], settings);
  assert.deepEqual(result.removals, []);
  assert.match(result.kept[0]?.why ?? '', /not allowed any more/);
  const allowed = web({ namespace: 'other', created: '2026-03-01T00:00:00Z' });
  assert.deepEqual(
    plan([web(), allowed], [], settings).writes.map(({ object }) => object.namespace),
    ['other'],
  );
});

function intentionsEntry(object: EntryObject, name: string): ObservedEntry {
  const entry = { Kind: 'service-intentions', Name: name, Sources: [{ Name: 'a', Action: 'allow' }] };
  return { entryKind: 'service-intentions', name, index: 3, id: undefined, meta: ours(object), entry };
}

test('another destination is written first, and the old entry goes when that is there', () => {
  const object = intentions('rule', 'new');
  const result = plan([object], [intentionsEntry(object, 'old')]);
  assert.deepEqual(
    result.writes.map(({ action, name }) => [action, name]),
    [['create', 'new']],
  );
  assert.deepEqual(
    result.removals.map(({ name, reason, after }) => [name, reason, after]),
    [['old', 'renamed', 'service-intentions/new']],
  );
  const done = plan([object], [intentionsEntry(object, 'old'), intentionsEntry(object, 'new')]);
  assert.deepEqual(
    done.removals.map(({ name, after }) => [name, after]),
    [['old', undefined]],
  );
});

test('while the new destination is refused, the old entry stays', () => {
  const object = intentions('rule', 'new', {
    spec: { destination: { name: 'new' }, sources: [{ name: 'a', action: 'alow' }] },
  });
  const result = plan([object], [intentionsEntry(object, 'old')]);
  assert.deepEqual([result.writes, result.removals], [[], []]);
  assert.match(result.kept[0]?.why ?? '', /names another entry now/);
});

test('a finalizer of consul-k8s is seen on what is being deleted, and on nothing else', () => {
  const finalizers = ['finalizers.consul.hashicorp.com'];
  const ending = web({ metadata: { finalizers, deletionTimestamp: '2026-01-01T00:00:00Z' } });
  const alive = web({ name: 'other', metadata: { finalizers } });
  const free = web({ metadata: { finalizers: ['x'], deletionTimestamp: '2026-01-01T00:00:00Z' } });
  assert.deepEqual([ending, alive, free].map(isLeftover), [true, false, false]);
});

test('no message repeats what somebody else keeps in a field that may hold keys', () => {
  const kind = entryKindOf('JWTProvider');
  assert.ok(kind !== undefined);
  const jwks = (text: string): object => ({ local: { jwks: Buffer.from(text).toString('base64') } });
  const object = objectOf('JWTProvider', {
    spec: { issuer: 'mine', jsonWebKeySet: jwks('{"keys":[]}') },
    annotations: MIGRATE,
  });
  const entry = {
    Name: 'web',
    Issuer: 'theirs',
    JSONWebKeySet: { Local: { JWKS: 'c2VjcmV0' } },
    Forwarding: { HeaderName: 'secret' },
  };
  const view = { kind, objects: [object], trouble: undefined, keep: undefined, crdCreated: undefined };
  const entries = [{ entryKind: 'jwt-provider', name: 'web', index: 7, id: undefined, meta: {}, entry }];
  const text = message(planEntries([{ ...view, entries }], SETTINGS, NO_RECALL));
  assert.match(text, /Issuer is "theirs" in Consul, "mine" here/);
  assert.match(text, /JWKS differs in Consul/);
  assert.match(text, /Forwarding is absent here/);
  assert.doesNotMatch(text, /c2VjcmV0|secret/);
});

test('what an author writes as data is not shown either: options of a proxy, headers, arguments', () => {
  const defaults = entryKindOf('ProxyDefaults');
  assert.ok(defaults !== undefined);
  const object = objectOf('ProxyDefaults', { name: 'global', spec: { config: { a: 'mine' } } });
  const entry = { Name: 'global', Config: { a: 'theirs', b: { token: 'theirs' } } };
  const view = {
    kind: defaults,
    objects: [object],
    trouble: undefined,
    keep: undefined,
    crdCreated: undefined,
  };
  const entries = [{ entryKind: 'proxy-defaults', name: 'global', index: 7, id: undefined, meta: {}, entry }];
  const text = message(planEntries([{ ...view, entries }], SETTINGS, NO_RECALL));
  assert.match(text, /Config\.a differs in Consul; Config\.b is absent here/);
  assert.doesNotMatch(text, /theirs/);
});
