/** Events say a thing once, count it, and never get in the way. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { systemClock } from '../../../src/kubernetes/system-clock.ts';
import type { Clock } from '../../../src/support/clock.ts';
import type { EventTarget } from '../../../src/kubernetes/event-object.ts';
import { eventRecorder, type EventRecorder } from '../../../src/kubernetes/event-recorder.ts';
import { property } from '../../../src/support/json.ts';
import { json, scriptedServer, status, type Reply, type ScriptedServer } from './scripted-server.ts';

type Reason = 'BadName' | 'BadPort';

let server: ScriptedServer;
let outcomes: string[];
let time: number;
let recorder: EventRecorder<Reason>;

const clock: Clock = {
  now: () => 1_800_000_000_000 + time,
  elapsed: () => time,
  after: (_milliseconds, callback) => systemClock.after(0, callback),
};

beforeEach(async () => {
  server = await scriptedServer();
  outcomes = [];
  time = 0;
  recorder = eventRecorder<Reason>({
    client: server.client,
    instance: 'tandem-0',
    clock,
    random: () => 0.5,
    onOutcome: (outcome) =>
      outcomes.push(outcome.kind === 'failed' ? `failed ${outcome.error.message}` : outcome.kind),
  });
});
afterEach(() => server.close());

const web = (name = 'web'): EventTarget => ({
  apiVersion: 'v1',
  kind: 'Service',
  namespace: 'shop',
  name,
  uid: `uid-${name}`,
});
const fine: Reply = (response, request) =>
  json(request.body, request.method === 'POST' ? 201 : 200)(response, request);
const sent = (): string[] =>
  server.requests.map(({ method, body }) => `${method} ${String(property(body, 'count'))}`);

test('an Event has what kubectl describe looks for', async () => {
  server.reply(fine);
  recorder.record(web(), 'Warning', 'BadName', 'the name is too long');
  await recorder.idle();
  const [request] = server.requests;
  assert.equal(request?.path, '/api/v1/namespaces/shop/events');
  const { metadata, ...event } = request.body as { metadata: { name: string; namespace: string } };
  assert.match(metadata.name, /^web\.[0-9a-f]{16}$/);
  assert.deepEqual(event, {
    apiVersion: 'v1',
    kind: 'Event',
    involvedObject: web(),
    type: 'Warning',
    reason: 'BadName',
    message: 'the name is too long',
    count: 1,
    firstTimestamp: '2027-01-15T08:00:00Z',
    lastTimestamp: '2027-01-15T08:00:00Z',
    source: { component: 'tandem' },
    reportingComponent: 'tandem',
    reportingInstance: 'tandem-0',
  });
});

test('the same again within an hour is counted, and is new after it', async () => {
  server.reply(fine, fine, fine);
  for (const minutes of [0, 59, 61]) {
    time += minutes * 60_000;
    recorder.record(web(), 'Warning', 'BadName', 'long');
    await recorder.idle();
  }
  assert.deepEqual(sent(), ['POST 1', 'PATCH 2', 'POST 1']);
  const [first, second] = server.requests;
  assert.deepEqual(
    [second?.path, second?.headers['content-type'], second?.body],
    [
      `/api/v1/namespaces/shop/events/${String(property(property(first?.body, 'metadata'), 'name'))}`,
      'application/merge-patch+json',
      { count: 2, lastTimestamp: '2027-01-15T08:59:00Z' },
    ],
  );
});

test('what happens again while the first is on its way is one request more', async () => {
  for (let times = 0; times < 10; times += 1) recorder.record(web(), 'Warning', 'BadName', 'long');
  server.reply(fine, fine);
  await recorder.idle();
  assert.deepEqual(sent(), ['POST 1', 'PATCH 10']);
});

test('different reasons, messages and objects are different Events', async () => {
  server.reply(fine, fine, fine, fine);
  recorder.record(web(), 'Warning', 'BadName', 'long');
  recorder.record(web(), 'Warning', 'BadPort', 'long');
  recorder.record(web(), 'Warning', 'BadName', 'longer');
  recorder.record(web('other'), 'Warning', 'BadName', 'long');
  await recorder.idle();
  assert.deepEqual(sent(), ['POST 1', 'POST 1', 'POST 1', 'POST 1']);
});

test('an Event that the server has forgotten is made again', async () => {
  server.reply(fine, status(404), fine);
  recorder.record(web(), 'Warning', 'BadName', 'long');
  await recorder.idle();
  recorder.record(web(), 'Warning', 'BadName', 'long');
  await recorder.idle();
  assert.deepEqual(sent(), ['POST 1', 'PATCH 2', 'POST 2']);
});

test('an Event whose answer was lost is not made twice', async () => {
  server.reply((response) => response.socket?.resetAndDestroy(), status(409), fine);
  recorder.record(web(), 'Warning', 'BadName', 'long');
  await recorder.idle();
  assert.deepEqual([sent(), outcomes], [['POST 1', 'POST 1', 'PATCH 1'], ['written']]);
});

test('a fault is overcome; a refusal is told once and is no reason to stop', async () => {
  server.reply(status(500), status(429), status(503), fine, status(403), fine);
  recorder.record(web(), 'Warning', 'BadName', 'long');
  recorder.record(web(), 'Warning', 'BadName', 'forbidden');
  recorder.record(web(), 'Warning', 'BadName', 'fine');
  await recorder.idle();
  assert.deepEqual(outcomes, [
    'written',
    'failed Event BadName on Service web: status 403, "status 403"',
    'written',
  ]);
});

test('an API server that stays away does not hold up the rest', async () => {
  server.reply(status(500), status(500), status(500), status(500), fine);
  recorder.record(web(), 'Warning', 'BadName', 'unlucky');
  recorder.record(web(), 'Warning', 'BadName', 'lucky');
  await recorder.idle();
  assert.deepEqual(outcomes, ['failed Event BadName on Service web: status 500, "status 500"', 'written']);
});

test('25 about one object at once, then one in 5 minutes; other objects are not held up', async () => {
  server.reply(...Array.from({ length: 27 }, () => fine));
  for (let index = 0; index < 30; index += 1) recorder.record(web(), 'Warning', 'BadName', `${index}`);
  recorder.record(web('other'), 'Warning', 'BadName', 'long');
  await recorder.idle();
  assert.deepEqual([outcomes.filter((kind) => kind === 'written').length, outcomes.at(-1)], [26, 'written']);
  time += 300_000;
  recorder.record(web(), 'Warning', 'BadName', '29');
  recorder.record(web(), 'Warning', 'BadName', '28');
  await recorder.idle();
  assert.deepEqual([sent().at(-1), outcomes.slice(-2)], ['POST 2', ['written', 'rate-limited']]);
});

test('more than is remembered is forgotten, the oldest first', async () => {
  for (let index = 0; index < 4100; index += 1)
    recorder.record(web(`web-${index}`), 'Warning', 'BadName', 'x');
  assert.deepEqual(outcomes, ['forgotten', 'forgotten', 'forgotten']);
  await recorder.stop();
});

test('thousands of Events of one namespace forget and hold up none of another', async () => {
  const evil = (index: number): EventTarget => ({ ...web(`web-${index}`), namespace: 'evil' });
  recorder.record(evil(-1), 'Warning', 'BadName', 'x');
  recorder.record(web(), 'Warning', 'BadName', 'x');
  for (let index = 0; index < 10_000; index += 1) recorder.record(evil(index), 'Warning', 'BadName', 'x');
  const third = Promise.withResolvers<void>();
  server.reply(fine, fine, () => third.resolve());
  await third.promise;
  const namespaces = server.requests.map(({ path }) => path.split('/')[4]);
  assert.deepEqual(namespaces, ['evil', 'shop', 'evil']);
  await recorder.stop();
});

test('a long name and a long message are cut to what the API takes', async () => {
  server.reply(fine);
  recorder.record(web(`${'a'.repeat(219)}.b`), 'Warning', 'BadName', 'ü'.repeat(1000));
  await recorder.idle();
  const body = server.requests[0]?.body;
  const message = String(property(body, 'message'));
  assert.ok(Buffer.byteLength(message) <= 1024 && /^ü+…$/.test(message));
  assert.match(String(property(property(body, 'metadata'), 'name')), /^a{219}\.[0-9a-f]{16}$/);
});

test('it stops in the middle of a request', async () => {
  const arrived = Promise.withResolvers<void>();
  server.reply(() => arrived.resolve());
  recorder.record(web(), 'Warning', 'BadName', 'long');
  await arrived.promise;
  await recorder.stop();
  recorder.record(web(), 'Warning', 'BadName', 'late');
  assert.equal(server.requests.length, 1);
});
