/** 100,000 rows: what a look costs grows with them and no faster, and what is sent of them has a bound. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Status } from '../../../src/status-page/status.ts';
import { changeOf } from '../../../src/status-page/view-change.ts';
import { viewOf } from '../../../src/status-page/view.ts';
import { cpuCosts } from '../support/cpu-cost.ts';
import { everything, pod, registrar, service, statusOf, toConsul, toKubernetes } from './sample-status.ts';

const all = { ...everything, isAll: true };
const SINCE = '2026-01-02T03:04:05.678Z';

/** So many rows, half Services and half pods; every tenth has a problem. */
function largeStatus(rows: number): Status {
  const half = Array.from({ length: rows / 2 }, (_, at) => at);
  const pods = half.map((at) =>
    pod(`Pod/ns-${at % 100}/pod-${at}`, {
      service: { name: `service-${at}`, reason: 'kubernetes-service' },
      instances: ['', '-sidecar-proxy'].map((suffix) => ({ id: `pod-${at}${suffix}`, status: 'passing' })),
      ...(at % 10 === 0 ? { problems: ['its id belongs to somebody else'], since: SINCE } : {}),
    }),
  );
  const services = half.map((at) =>
    service(`service-${at}`, at % 10 === 0 ? { problems: ['no such port'], since: SINCE } : {}),
  );
  return statusOf([toConsul(services), toKubernetes(), registrar(pods)]);
}

test('what a look costs grows as the rows do', () => {
  const [few, many] = [largeStatus(10_000), largeStatus(100_000)];
  // A status that nobody has looked at: its rows are made, too.
  const looks = (status: Status) => () => viewOf({ ...status }, undefined, { ...everything, text: 'pod-7' });
  looks(few)();
  const [cheap = NaN, dear = NaN] = cpuCosts(looks(few), looks(many));
  const ratio = dear / cheap;
  // Ten times the rows; sorting adds a quarter, and what a larger heap costs comes on top. A square would be 100.
  assert.ok(ratio < 40, `${ratio}`);
});

test('readers who look at the same status share its rows', () => {
  const status = largeStatus(100_000);
  viewOf(status, undefined, everything);
  const [first = NaN, next = NaN] = cpuCosts(
    () => viewOf({ ...status }, undefined, everything),
    () => viewOf(status, undefined, everything),
  );
  assert.ok(next < first, `${next} of ${first}`);
});

test('100,000 rows: the sums are right, and a page has at most 10,000 of a table', () => {
  const status = largeStatus(100_000);
  const view = viewOf(status, undefined, everything);
  assert.equal(view.pieces.get('count.'), '100,000');
  assert.equal(view.pieces.get('count.problem'), '10,000');
  assert.match(view.pieces.get('note.pods') ?? '', /The first 500 of 50,000 pods; .*>Show 10,000<\/a>/);
  assert.match(view.pieces.get('verdict') ?? '', /5,000 pods have problems/);
  const whole = viewOf(status, undefined, all);
  assert.deepEqual(
    whole.tables.map(({ rows }) => rows.size),
    [10_000, 0, 10_000],
  );
  assert.match(whole.pieces.get('note.pods') ?? '', /^The first 10,000 of 50,000 pods; [^<]*$/);
  const change = changeOf(undefined, whole);
  assert.equal(change?.tables.flatMap(({ put }) => put).length, 20_000);
});
