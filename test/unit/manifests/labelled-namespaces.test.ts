/** What the Namespaces in files say of the pods in them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { labelledNamespaces } from '../../../src/manifests/labelled-namespaces.ts';

const namespace = (name: string, labels: object): string =>
  JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } });

const inject = 'consul.hashicorp.com/connect-inject';
const transparent = 'consul.hashicorp.com/transparent-proxy';

test('a label has the effect that the webhook configuration gives it', () => {
  const on = { inject: true, transparentProxy: undefined };
  const none = { inject: undefined, transparentProxy: undefined };
  for (const [labels, expected] of [
    [{ [inject]: 'true' }, on],
    [{ [inject]: 'True' }, none],
    [{ [inject]: '1' }, none],
    [{ [inject]: 'false' }, none],
    [{ [inject]: true }, none],
    [{ [transparent]: 'f' }, { inject: undefined, transparentProxy: false }],
    [
      { [inject]: 'true', [transparent]: 'True' },
      { inject: true, transparentProxy: true },
    ],
    [{ [transparent]: 'yes' }, none],
    [{}, none],
  ] as const)
    assert.deepEqual(labelledNamespaces([namespace('shop', labels)]).get('shop'), expected);
});

test('namespaces are found in streams, in lists, and behind a byte order mark', () => {
  const opted = (name: string) => JSON.parse(namespace(name, { [inject]: 'true' })) as object;
  const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [opted('b')] });
  const found = labelledNamespaces([`\uFEFF${JSON.stringify(opted('a'))}\n---\n${list}`]);
  assert.deepEqual([...found.keys()], ['a', 'b']);
});

test('of two with one name the last one counts, as for kubectl apply', () => {
  const found = labelledNamespaces([namespace('shop', { [inject]: 'true' }), namespace('shop', {})]);
  assert.equal(found.get('shop')?.inject, undefined);
});

test('what is no Namespace of Kubernetes, or cannot be read, says nothing', () => {
  const other = JSON.stringify({ apiVersion: 'x/v1', kind: 'Namespace', metadata: { name: 'a' } });
  assert.equal(labelledNamespaces([other, 'kind: Namespace\n- broken', 'kind: Namespace\n']).size, 0);
});
