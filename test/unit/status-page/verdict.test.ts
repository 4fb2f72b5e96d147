/** The first thing that somebody reads: is all well, what is not, since when, and what to do. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Status } from '../../../src/status-page/status.ts';
import { viewOf } from '../../../src/status-page/view.ts';
import { page, pieceText } from './read-page.ts';
import {
  agents,
  everything,
  failure,
  nothing,
  registrar,
  service,
  statusOf,
  synced,
  toConsul,
  toKubernetes,
  tokens,
  webhookStatus,
} from './sample-status.ts';

function title(status: Status, notReady?: string): string {
  return viewOf(status, notReady, everything).verdict.title;
}

function text(status: Status, notReady?: string): string {
  return pieceText(page(status, everything, notReady), 'verdict') ?? '';
}

const wrong = service('web', { problems: ['no such port'], since: '2026-01-02T03:00:00.000Z' });

test('the title says what is', () => {
  assert.equal(title(synced([service('web')])), 'In sync');
  assert.equal(title(synced([wrong])), 'In sync, with something to fix');
  assert.equal(title(statusOf([toConsul([])], { leader: false })), 'Standing by');
  assert.equal(title(statusOf([toConsul([], { lastSuccess: undefined })])), 'Starting');
  assert.equal(title({ ...nothing, webhook: webhookStatus([]) }), 'Ready');
  assert.equal(title({ ...nothing, webhook: webhookStatus([], 'it expired') }), 'Not ready');
});

test('a part that fails, waits or is not ready makes it bad, whichever it is', () => {
  const failing = { lastFailure: failure('Consul does not answer') };
  const bad: readonly Status[] = [
    statusOf([toConsul([], failing)]),
    statusOf([toConsul([], { ...failing, lastSuccess: undefined })]),
    statusOf([toConsul([]), toKubernetes([], failing)]),
    statusOf([toConsul([]), registrar([], failing)]),
    statusOf([toConsul([]), registrar([]), agents(failing)]),
    statusOf([toConsul([], { heldRemovals: 1 })]),
    statusOf([toConsul([]), toKubernetes([], { heldRemovals: 1 })]),
    statusOf([toConsul([]), registrar([], { heldRemovals: 1 })]),
    { ...synced([]), webhook: webhookStatus([], 'it expired') },
  ];
  for (const status of bad) assert.equal(title(status), 'Not in sync', JSON.stringify(status));
  assert.equal(title(synced([]), 'the cluster is not listed yet'), 'Not in sync');
  const over = toConsul([], { ...failing, lastSuccess: '2026-01-02T03:04:07.000Z' });
  assert.equal(title(statusOf([over])), 'In sync', 'a failure before the last success');
  const follower = statusOf([toConsul([], { ...failing, heldRemovals: 3 })], { leader: false });
  assert.equal(title(follower), 'Standing by', 'of a term that is over');
});

test('while one direction is off, the other says when all was compared', () => {
  const status = statusOf([toKubernetes()]);
  assert.match(text(status), /In sync Last compared 2026-01-02 03:04:05 UTC/);
  const slow = statusOf([toConsul([]), toKubernetes([], { lastSuccess: '2026-01-02T02:00:00.000Z' })]);
  assert.match(text(slow), /Last compared 2026-01-02 02:00:00 UTC/);
});

test('each trouble says what, since when, and what to do', () => {
  const sync = toConsul([wrong], { lastFailure: failure('Consul does not answer'), heldRemovals: 37 });
  const said = text(statusOf([sync]));
  assert.match(
    said,
    /Kubernetes to Consul fails: Consul does not answer since 2026-01-02 03:04:05 UTC.*tandem check/,
  );
  assert.match(said, /holds 37 removals back.*10 s later/);
  assert.match(
    said,
    /1 Service has a problem: default\/web since 2026-01-02 03:00:00 UTC Each row says what to do/,
  );
});

test('a watch that has no list yet is named', () => {
  const sync = toConsul([], { watches: { services: { isSynced: false }, nodes: { isSynced: true } } });
  assert.match(
    text(statusOf([sync]), 'the cluster is not listed yet'),
    /not listed yet \(services\).*right to list/,
  );
});

test('of many problems a few are named, and the oldest gives the time', () => {
  const sources = ['a', 'b', 'c', 'd', 'e'].map((name, at) =>
    service(name, { refused: 'no', since: `2026-01-0${5 - at}T00:00:00.000Z` }),
  );
  assert.match(
    text(synced(sources)),
    /5 Services have problems: default\/a , default\/b , default\/c and 2 more since 2026-01-01/,
  );
});

test('a dry run says so', () => {
  assert.match(text(statusOf([toConsul([])], { dryRun: true })), /Dry run: nothing is written/);
});

test('tokens of pods that are gone and stay: it works, with something to fix, and the row says what', () => {
  const since = '2026-01-02T03:00:00.000Z';
  const error = '403 Permission denied';
  const stay = {
    refused: tokens({ refused: error, since }),
    failed: tokens(undefined, { lastSuccess: undefined, lastFailure: { at: since, since, error } }),
  };
  const of = (kind: keyof typeof stay, leader = true): Status =>
    statusOf([toConsul([]), registrar([]), stay[kind]], { leader });
  assert.equal(title(of('refused')), 'In sync, with something to fix');
  assert.match(
    text(of('refused')),
    /tokens of pods that are gone stay: 403 Permission denied since 2026-01-02 03:00:00 UTC Give the sync's token acl = "write"/,
  );
  assert.match(text(of('failed')), /Tandem retries\./);
  assert.equal(title(of('refused', false)), 'Standing by');
  assert.equal(title(statusOf([toConsul([]), registrar([]), tokens()])), 'In sync');
});

test('files that cannot be read are out of sync; an object that is there twice is to be repaired', () => {
  const repeated = ['a', 'b', 'c', 'd', 'e'].map((name) => `Service default/${name} is in x:1 and y:1`);
  const broken = { error: 'web.yaml:3:1: no YAML', since: '2026-01-02T03:00:00.000Z' };
  const unreadable = { ...synced([]), files: { unreadable: broken, repeated: [], invalid: [] } };
  assert.equal(title(unreadable), 'Not in sync');
  assert.match(
    text(unreadable),
    /cannot be read: web\.yaml:3:1: no YAML since 2026-01-02 03:00:00 UTC Correct/,
  );
  const twice = { ...synced([]), files: { unreadable: undefined, repeated, invalid: [] } };
  assert.equal(title(twice), 'In sync, with something to fix');
  assert.match(text(twice), /Service default\/c is in x:1 and y:1 , and so are 2 more Remove one/);
  const invalid = ['a.yaml:3: refused: ServiceDefaults web: spec.protocol: "htp" must be "tcp"'];
  const withInvalid = { ...synced([]), files: { unreadable: undefined, repeated: [], invalid } };
  assert.equal(title(withInvalid), 'In sync, with something to fix');
  assert.match(
    text(withInvalid),
    /a\.yaml:3: refused: ServiceDefaults web: .* Correct the object\. tandem config lists/,
  );
  assert.equal(
    title({ ...synced([]), files: { unreadable: undefined, repeated: [], invalid: [] } }),
    'In sync',
  );
});
