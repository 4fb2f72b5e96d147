/** Config entries at the TLS port: answered like pods, within the same limits, and never in their way. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { admitEntry } from '../../../src/admission/admit-entry.ts';
import { podReview, responseOf, startWebhook, type Answer, type RunningWebhook } from './running-webhook.ts';

const PATH = '/validate/config-entries';

function entryReview(spec: object): object {
  return podReview({
    kind: { group: 'consul.hashicorp.com', version: 'v1alpha1', kind: 'ServiceIntentions' },
    namespace: 'shop',
    object: { metadata: { name: 'web', namespace: 'shop' }, spec },
  });
}

function validate({ send }: RunningWebhook, spec: object): Promise<Answer> {
  const headers = { 'content-type': 'application/json' };
  return send({ path: PATH, headers }, JSON.stringify(entryReview(spec)));
}

test('every problem is in one answer, with the warnings', async (t) => {
  const running = await startWebhook({ admitEntry });
  t.after(running.stop);
  const permissions = [{ action: 'allow', http: { pathRegex: '(?=a)' } }];
  const sources = [
    { name: 'a', action: 'alow' },
    { name: 'b', permissions },
  ];
  const answer = await validate(running, { destination: { name: 'web' }, sources, jwtt: {} });
  const response = responseOf(answer);
  assert.equal(response['allowed'], false);
  assert.deepEqual(response.status, {
    code: 422,
    reason: 'Invalid',
    message:
      'spec.jwtt: is not a field; did you mean jwt?; spec.sources[0].action: "alow" must be "allow" or "deny"',
  });
  assert.match(String(response['warnings']), /sources\[1\].permissions\[0\].http.pathRegex: .*RE2/);
  const [{ result, reason, namespace, name } = {}] = running.outcomes;
  assert.deepEqual([result, reason, namespace, name], ['denied', 'invalid', 'shop', 'ServiceIntentions/web']);
});

test('a valid object is allowed; without config entries there is no such path', async (t) => {
  const running = await startWebhook({ admitEntry });
  t.after(running.stop);
  const spec = { destination: { name: 'web' }, sources: [{ name: 'a', action: 'allow' }] };
  const answer = await validate(running, spec);
  assert.deepEqual(responseOf(answer), { uid: 'uid-1', allowed: true });
  const without = await startWebhook();
  t.after(without.stop);
  assert.equal((await validate(without, spec)).status, 404);
});

test('a fault of ours lets the object pass, and says so', async (t) => {
  const running = await startWebhook({
    admitEntry: () => {
      throw new Error('planted');
    },
  });
  t.after(running.stop);
  const response = responseOf(await validate(running, {}));
  assert.equal(response['allowed'], true);
  assert.match(String(response['warnings']), /not checked; its log has the details under error id error-1/);
  assert.equal(running.outcomes[0]?.result, 'error');
});

test('an object with more values than any that people write is not read', async (t) => {
  const running = await startWebhook({ admitEntry });
  t.after(running.stop);
  const sources = Array.from({ length: 20_001 }, () => ({}));
  const answer = await validate(running, { sources });
  assert.deepEqual([answer.status, answer.body], [413, 'the body has more than 20000 values\n']);
  assert.deepEqual(running.refusals, ['too-many-values']);
});
