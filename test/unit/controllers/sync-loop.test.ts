/** What an operator sees of the sync: what is written, when, and what never is. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NODE, startSync } from './running-sync.ts';

const addresses = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => `10.0.0.${index + 1}`);

test('nothing is read or written before the cluster is listed, then everything is', async () => {
  const run = startSync({}, undefined, false);
  run.setService('web', ['10.0.0.1', '10.0.0.2']);
  await run.clock.advance(60_000);
  assert.deepEqual([run.reads(), run.writes()], [0, []]);
  run.listed();
  await run.clock.advance(1000);
  assert.deepEqual(run.names(), ['web', 'web']);
  assert.equal(run.writes().length, 1, 'one transaction');
  await run.stop();
});

test('a restart with nothing changed writes nothing', async () => {
  const run = startSync();
  run.setService('web', addresses(50));
  await run.clock.advance(60_000);
  const before = run.writes().length;
  // Another pass over everything, as a new process makes it.
  await run.clock.advance(3_600_000);
  assert.equal(run.writes().length, before);
  assert.ok(run.reports.filter(({ scope }) => scope === 'all').length > 5, 'it did compare');
  await run.stop();
});

test('one event is one transaction after 100 ms, and a Service that never rests is written every 250 ms', async () => {
  const run = startSync();
  run.setService('web', ['10.0.0.1']);
  await run.clock.advance(10_000);
  const before = run.writes().length;
  run.setService('web', ['10.0.0.1', '10.0.0.2']);
  await run.clock.advance(99);
  assert.equal(run.writes().length, before, 'still quiet');
  await run.clock.advance(1);
  assert.equal(run.writes().length, before + 1);
  assert.equal(run.seconds.at(-1), 0.1);
  for (let round = 0; round < 100; round += 1) {
    run.setService('web', addresses((round % 7) + 1));
    await run.clock.advance(20);
  }
  const churn = run.writes().length - before - 1;
  assert.ok(churn >= 6 && churn <= 8, `${churn} transactions in 2 s`);
  assert.ok(Math.max(...run.seconds.slice(-8).map(Number)) <= 0.25);
  await run.stop();
});

test('the node is written once, and again when somebody has removed it', async () => {
  const run = startSync();
  const nodes = () =>
    run.transactions().filter((operations) => operations.some((each) => 'Node' in each)).length;
  run.setService('web', ['10.0.0.1']);
  await run.clock.advance(10_000);
  run.setService('web', ['10.0.0.1', '10.0.0.2']);
  await run.clock.advance(60_000);
  assert.deepEqual([nodes(), run.transactions().length], [1, 2]);
  run.consul.loseNode();
  run.setService('web', ['10.0.0.3']);
  await run.clock.advance(10_000);
  assert.equal(nodes(), 2);
  assert.deepEqual(run.names(), ['web']);
  await run.stop();
});

for (const [whose, node] of [
  ['an agent', { ID: '6b2b8ae9-0b5c-4f6e-9d5a-2f6f3a1f0c11', Address: '127.0.0.1', Meta: {} }],
  ['somebody else', { Address: '10.9.9.9', Meta: {} }],
] as const)
  test(`a node of ${whose} is not written to, and the failure says so`, async () => {
    const run = startSync();
    run.interfere([{ Node: { Verb: 'set', Node: { Node: NODE, ...node } } }]);
    run.setService('web', ['10.0.0.1']);
    await run.clock.advance(60_000);
    assert.deepEqual(run.names(), []);
    assert.equal(run.transactions().length, 1);
    assert.match(String(run.failures[0]), /the node "k8s-sync-cluster1" in Consul .*--consul-node-name/);
    await run.stop();
  });

test('our own writes cause no reads, and one look a while after the last', async () => {
  const run = startSync();
  run.setService('web', ['10.0.0.1']);
  await run.clock.advance(60_000);
  const before = run.reads();
  for (let round = 0; round < 10; round += 1) {
    run.setService('web', addresses(round + 2));
    await run.clock.advance(200);
  }
  assert.equal(run.reads(), before);
  await run.clock.advance(60_000);
  assert.equal(run.reads(), before + 1);
  await run.stop();
});

test('an instance that somebody deletes is back within 2 s, and one that somebody edits is as it was', async () => {
  const run = startSync();
  run.setService('web', ['10.0.0.1', '10.0.0.2']);
  await run.clock.advance(60_000);
  const { Services } = run.consul.nodeServices() as {
    Services: { ID: string; Service: string; Tags: string[] }[];
  };
  const [first, second] = Services;
  assert.ok(first !== undefined && second !== undefined);
  run.interfere([{ Service: { Verb: 'delete', Node: NODE, Service: { ID: first.ID, Service: 'web' } } }]);
  await run.clock.advance(2000);
  assert.deepEqual(run.names(), ['web', 'web']);
  const edited = { ...second, Tags: ['mine'] } as never;
  run.interfere([{ Service: { Verb: 'set', Node: NODE, Service: edited } }]);
  await run.clock.advance(2000);
  const after = run.consul.nodeServices() as typeof run.consul & { Services: { Tags: string[] }[] };
  assert.deepEqual(
    after.Services.map(({ Tags }) => Tags),
    [['k8s'], ['k8s']],
  );
  await run.stop();
});

for (const source of [undefined, 'Service/default/api', 'Service/default/gone'])
  test(`an instance whose source somebody changes to ${source ?? 'nothing'} is repaired, and never out of Consul`, async () => {
    const run = startSync();
    run.setService('web', ['10.0.0.1']);
    run.setService('api', ['10.0.0.2']);
    await run.clock.advance(60_000);
    const { Services } = run.consul.nodeServices() as {
      Services: { ID: string; Service: string; Meta: Record<string, string> }[];
    };
    const web = Services.find(({ Service }) => Service === 'web');
    assert.ok(web !== undefined);
    const { 'tandem-source': _, ...meta } = web.Meta;
    const Meta = source === undefined ? meta : { ...meta, 'tandem-source': source };
    run.interfere([{ Service: { Verb: 'set', Node: NODE, Service: { ...web, Meta } as never } }]);
    await run.clock.advance(60_000);
    const removals = run
      .transactions()
      .flat()
      .filter((each) => 'Service' in each && each.Service.Verb === 'delete');
    assert.deepEqual(removals, []);
    const after = run.consul.nodeServices() as typeof run.consul & { Services: { Meta: object }[] };
    assert.deepEqual(
      after.Services.find(({ Meta: found }) => 'tandem-source' in found)?.Meta,
      Services.find(({ Meta: found }) => 'tandem-source' in found)?.Meta,
    );
    assert.deepEqual(run.names(), ['api', 'web']);
    await run.stop();
  });

test('a read that fails removes nothing and loses no event', async () => {
  const run = startSync();
  run.setService('web', ['10.0.0.1']);
  await run.clock.advance(10_000);
  run.faults.read = new Error('no leader');
  run.faults.write = { error: new Error('no leader'), lost: false };
  run.setService('api', ['10.0.1.1']);
  run.setService('web', undefined);
  await run.clock.advance(600_000);
  assert.deepEqual(run.names(), ['web']);
  assert.ok(run.failures.length > 100, 'it tried all the time');
  run.faults.read = undefined;
  run.faults.write = undefined;
  await run.clock.advance(5000);
  assert.deepEqual(run.names(), ['api']);
  await run.stop();
});

test('an answer that is lost after the write leads to a read, and to nothing twice', async () => {
  const run = startSync();
  await run.clock.advance(1000);
  run.faults.write = { error: new Error('reset'), lost: true };
  run.setService('web', ['10.0.0.1', '10.0.0.2']);
  await run.clock.advance(100);
  run.faults.write = undefined;
  await run.clock.advance(10_000);
  assert.deepEqual(run.names(), ['web', 'web']);
  assert.equal(run.writes().length, 1);
  await run.stop();
});

test('what Consul takes and never shows is written less and less often', async () => {
  const run = startSync();
  for (let index = 0; index < 20; index += 1) run.setService(`s${index}`, addresses(5));
  await run.clock.advance(60_000);
  const before = run.writes().length;
  run.faults.hidden = true;
  run.interfere([]);
  await run.clock.advance(3_600_000);
  const rounds = (run.writes().length - before) / 4;
  assert.ok(rounds >= 5 && rounds <= 25, `${rounds} rounds in an hour`);
  assert.equal(run.names().length, 100);
  await run.stop();
});

test('many removals at once wait for a second look at both sides', async () => {
  const run = startSync();
  for (let index = 0; index < 20; index += 1) run.setService(`s${index}`, addresses(5));
  await run.clock.advance(60_000);
  for (let index = 0; index < 15; index += 1) run.setService(`s${index}`, undefined);
  run.setService('new', ['10.9.9.9']);
  await run.clock.advance(9000);
  assert.equal(run.names().length, 101, 'what is new is written meanwhile');
  assert.deepEqual(
    run.guards.map(({ removals }) => removals),
    [75],
  );
  run.faults.refresh = new Error('the API server does not answer');
  await run.clock.advance(60_000);
  assert.equal(run.names().length, 101, 'no second look, no removal');
  run.faults.refresh = undefined;
  await run.clock.advance(10_000);
  assert.equal(run.names().length, 26);
  await run.stop();
});

test('removals that the second look does not see never happen', async () => {
  const run = startSync();
  for (let index = 0; index < 20; index += 1) run.setService(`s${index}`, addresses(5));
  await run.clock.advance(60_000);
  for (let index = 0; index < 15; index += 1) run.setService(`s${index}`, undefined);
  await run.clock.advance(5000);
  for (let index = 0; index < 15; index += 1) run.setService(`s${index}`, addresses(5));
  await run.clock.advance(60_000);
  assert.equal(run.names().length, 100);
  assert.equal(run.sync.counts().owned, 100);
  await run.stop();
});

test('while the second look fails, removals wait, and what is new is registered all the same', async () => {
  const run = startSync();
  run.setService('web', addresses(50));
  await run.clock.advance(60_000);
  run.faults.refresh = new Error('too many requests');
  run.setService('web', undefined);
  await run.clock.advance(30_000);
  run.setService('api', ['10.0.9.1']);
  await run.clock.advance(1000);
  assert.deepEqual([run.names().length, run.names().includes('api')], [51, true]);
  assert.match(String(run.failures[0]), /too many requests/);
  run.faults.refresh = undefined;
  await run.clock.advance(15_000);
  assert.deepEqual(run.names(), ['api']);
  await run.stop();
});

/** A new leader whose watch has not told of what the leader before has registered: instances of the Service `late`. */
function startLeader(count: number) {
  const lists = { services: Promise.withResolvers<void>(), nodes: Promise.withResolvers<void>() };
  const run = startSync({ isSourceOld: true }, undefined, false);
  run.faults.lists = new Map(Object.entries(lists).map(([kind, { promise }]) => [kind, promise]));
  const Meta = { 'tandem-owner': 'cluster1', 'tandem-source': 'Service/default/late' };
  run.interfere([
    { Node: { Verb: 'set', Node: { Node: NODE, Address: '127.0.0.1', Meta: {} } } },
    ...addresses(count).map((Address, index) => {
      const ofLate = { ID: `late-${index}`, Service: 'late', Tags: [], Address, Port: 80, Meta };
      const Service = { ...ofLate, Weights: { Passing: 1, Warning: 1 } };
      return { Service: { Verb: 'set' as const, Node: NODE, Service } };
    }),
  ]);
  return { run, lists };
}

test('a new leader removes nothing by what it has from before, until the cluster is listed anew, and registers all the same', async () => {
  const { run, lists } = startLeader(1);
  run.setService('web', ['10.1.0.1']);
  run.listed();
  await run.clock.advance(1000);
  assert.deepEqual([run.names(), run.held(), run.successes() > 0], [['late', 'web'], 1, true]);
  lists.services.resolve();
  await run.clock.advance(40_000);
  const before = run.successes();
  assert.match(String(run.failures[0]), /no new list of nodes since/);
  // Lists that take longer than any patience count when they come, and are asked for once.
  run.setService('web', ['10.1.0.1', '10.1.0.2']);
  await run.clock.advance(30 * 60_000);
  assert.deepEqual([run.names(), run.held(), run.relists()], [['late', 'web', 'web'], 1, 1]);
  assert.equal(run.successes(), before, 'the trouble lasts');
  lists.nodes.resolve();
  await run.clock.advance(1000);
  assert.deepEqual([run.names(), run.held()], [['web', 'web'], 0]);
  assert.ok(run.successes() > before);
  const told = run.failures.length;
  run.setService('web', undefined);
  await run.clock.advance(60_000);
  assert.deepEqual([run.names(), run.failures.length], [[], told]);
  await run.stop();
});

test('a leader that removes nothing asks for no lists, and one that ends holds nothing back', async () => {
  const { run } = startLeader(0);
  run.setService('web', ['10.1.0.1']);
  run.listed();
  await run.clock.advance(60_000);
  assert.equal(run.relists(), 0);
  run.setService('web', undefined);
  await run.clock.advance(1000);
  assert.deepEqual([run.relists(), run.held()], [1, 1]);
  await run.stop();
  assert.equal(run.held(), 0);
});

test('what somebody else registered on the node stays, and an id of theirs is reported', async () => {
  const run = startSync();
  run.setService('web', ['10.0.0.1']);
  await run.clock.advance(10_000);
  const { Services } = run.consul.nodeServices() as { Services: { ID: string; Meta: object }[] };
  const [ours] = Services;
  assert.ok(ours !== undefined);
  const theirs = { ...ours, Meta: { 'tandem-owner': 'cluster2' } } as never;
  const other = { ...ours, ID: 'other', Service: 'other', Meta: {} } as never;
  run.interfere([
    { Service: { Verb: 'set', Node: NODE, Service: theirs } },
    { Service: { Verb: 'set', Node: NODE, Service: other } },
  ]);
  await run.clock.advance(10_000);
  run.setService('web', undefined);
  await run.clock.advance(10_000);
  assert.deepEqual(run.names(), ['other', 'web']);
  assert.equal(run.sync.counts().foreign, 2);
  run.setService('web', ['10.0.0.1']);
  await run.clock.advance(10_000);
  assert.deepEqual(
    run.problems.get('Service/default/web')?.map(({ reason }) => reason),
    ['id-taken'],
  );
  const status = run.sync.statuses().get('Service/default/web');
  assert.deepEqual(
    status?.problems.map(({ reason }) => reason),
    ['id-taken'],
    'it is in /status too',
  );
  await run.stop();
});

for (const isBusy of [false, true])
  test(`an id that another holder frees is taken within 2 s, ${isBusy ? 'while we write all the time' : 'with no write of ours'}`, async () => {
    const run = startSync();
    run.setService('web', ['10.0.0.1']);
    await run.clock.advance(10_000);
    const { Services } = run.consul.nodeServices() as { Services: { ID: string; Meta: object }[] };
    const [ours] = Services;
    assert.ok(ours !== undefined);
    const theirs = { ...ours, Meta: { 'tandem-owner': 'cluster2' } } as never;
    run.interfere([{ Service: { Verb: 'set', Node: NODE, Service: theirs } }]);
    await run.clock.advance(10_000);
    assert.equal(run.sync.counts().owned, 0);
    let last = 0;
    const write = (): void => {
      last += 1;
      run.setService('busy', [`10.1.${last >> 8}.${last & 255}`]);
    };
    if (isBusy)
      for (let round = 0; round < 20; round += 1) {
        write();
        await run.clock.advance(100);
      }
    // The watch tells of both changes at once, with the index of ours.
    run.faults.silent = isBusy;
    run.interfere([{ Service: { Verb: 'delete', Node: NODE, Service: { ID: ours.ID, Service: 'web' } } }]);
    run.faults.silent = false;
    for (let round = 0; round < 20; round += 1) {
      if (isBusy) write();
      await run.clock.advance(100);
    }
    assert.ok(run.names().includes('web'), `${run.names().join(' ')} after 2 s`);
    assert.ok(run.reads() < 15, `${run.reads()} reads`);
    await run.stop();
  });

test('what Consul refuses is reported, keeps nothing else back, and is tried again ever less often', async () => {
  const run = startSync({}, new Set(['bad']));
  run.setService('good', ['10.0.0.1']);
  run.setService('web', ['10.0.0.2'], { annotations: { 'consul.hashicorp.com/service-tags': 'bad' } });
  await run.clock.advance(1000);
  assert.deepEqual(run.names(), ['good']);
  assert.deepEqual(run.refusals, ['Service/default/web']);
  await run.clock.advance(120_000);
  const tried = run.refusals.length;
  assert.ok(tried >= 4 && tried <= 8, `${tried} attempts in 2 minutes`);
  run.setService('web', ['10.0.0.2']);
  await run.clock.advance(1000);
  assert.deepEqual(run.names(), ['good', 'web']);
  await run.stop();
});

test('the policies leave out what they say', async () => {
  for (const [policy, expected] of [
    ['sync', ['new']],
    ['upsert-only', ['new', 'web']],
    ['create-only', ['new', 'web']],
  ] as const) {
    const run = startSync({ policy });
    run.setService('web', ['10.0.0.1']);
    await run.clock.advance(1000);
    run.setService('web', undefined);
    run.setService('new', ['10.0.0.9']);
    await run.clock.advance(60_000);
    assert.deepEqual(run.names(), expected, policy);
    await run.stop();
  }
});

test('a dry run plans and writes nothing; once ends when both sides agree', async () => {
  const dry = startSync({ dryRun: true, once: true });
  dry.setService('web', ['10.0.0.1']);
  await dry.clock.advance(1000);
  assert.deepEqual([dry.writes(), dry.ended(), dry.reports[0]?.plan.register.length], [[], true, 1]);
  const once = startSync({ once: true });
  once.setService('web', ['10.0.0.1']);
  await once.clock.advance(1000);
  assert.deepEqual([once.names(), once.ended()], [['web'], true]);
});

test('what an earlier syncer left is taken over: the new ones first, then the old ones go, and nothing else', async () => {
  const run = startSync({ adoptNodes: [NODE] });
  const earlier = (id: string, service: string, address: string) => ({
    Service: {
      Verb: 'set' as const,
      Node: NODE,
      Service: {
        ID: id,
        Service: service,
        Tags: ['k8s'],
        Address: address,
        Port: 8080,
        Meta: { 'external-source': 'kubernetes' },
        Weights: { Passing: 1, Warning: 1 },
      },
    },
  });
  run.setService('other', ['10.0.0.9']);
  await run.clock.advance(10_000);
  run.interfere([earlier('old-1', 'web', '10.0.0.1'), earlier('old-2', 'gone', '10.0.0.2')]);
  run.setService('web', ['10.0.0.1']);
  await run.clock.advance(60_000);
  assert.deepEqual(run.names(), ['gone', 'other', 'web']);
  const verbs = run.transactions().flat();
  const last = (verb: string): number =>
    verbs.findLastIndex(
      (each) => 'Service' in each && each.Service.Verb === verb && each.Service.Service.Service === 'web',
    );
  assert.ok(last('set') >= 0 && last('delete') > last('set'));
  await run.stop();
});

for (const services of [1, 200])
  test(`10,000 endpoints of ${services} Services of one namespace keep no other one waiting, to come or to go`, async () => {
    const run = startSync();
    run.setService('web', ['10.1.0.1']);
    await run.clock.advance(1000);
    run.faults.slow = 100;
    for (let at = 0; at < services; at += 1)
      run.setService(
        `evil-${at}`,
        Array.from({ length: 10_000 / services }, (_, index) => `10.2.${index >> 8}.${index & 255}`),
        { namespace: 'evil' },
      );
    await run.clock.advance(1000);
    const webs = (): number => run.names().filter((name) => name === 'web').length;
    run.setService('web', ['10.1.0.1', '10.1.0.2']);
    await run.clock.advance(1500);
    assert.equal(webs(), 2);
    run.setService('web', ['10.1.0.2']);
    await run.clock.advance(1500);
    assert.equal(webs(), 1);
    assert.ok(run.names().length < 5000, 'those of the other namespace are far from ready');
    await run.clock.advance(30_000);
    assert.equal(run.names().length, 10_001);
    await run.stop();
  });

test('a service that moves out of a namespace with many changes is never without instances, however busy Consul is', async () => {
  const run = startSync();
  const moved = { annotations: { 'consul.hashicorp.com/service-name': 'moved' } };
  run.setService('old', ['10.1.0.1'], { namespace: 'many', ...moved });
  run.setService('web', ['10.1.1.1']);
  await run.clock.advance(5000);
  run.faults.slow = 100;
  for (let n = 0; n < 40; n += 1) run.setService('few', addresses(30), { namespace: `few-${n}` });
  run.setService('new', ['10.1.0.2'], { namespace: 'other', ...moved });
  run.setService('old', undefined, { namespace: 'many' });
  run.setService('many', addresses(80), { namespace: 'many' });
  await run.clock.advance(300);
  run.setService('web', ['10.1.1.1'], { notReady: ['10.1.1.1'] });
  for (let step = 0; step < 100; step += 1) {
    await run.clock.advance(50);
    assert.ok(run.names().includes('moved'), `${step}`);
  }
  assert.equal(run.names().length, 1282);
  await run.stop();
});
