/** What `tandem check` says about config entries and about what consul-k8s left. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { entryFindings, type EntryFacts } from '../../../src/check/entry-findings.ts';

const established = { isEstablished: true, release: undefined, isKept: false };
const FINE: EntryFacts = {
  adopt: false,
  crds: { kind: 'seen', value: [{ name: 'meshes.consul.hashicorp.com', found: established }] },
  leftovers: { kind: 'seen', value: [] },
  webhooks: { kind: 'seen', value: [] },
};
const DENIED = { kind: 'failed', code: 'TANDEM_KUBERNETES_REFUSED', reason: 'status 403' } as const;
const lines = (facts: Partial<EntryFacts>): readonly string[] =>
  entryFindings({ ...FINE, ...facts }).map((each) =>
    each.status === 'ok' ? `ok ${each.seen}` : `${each.status} ${each.seen} → ${each.fix}`,
  );
const crd = (found: (typeof FINE.crds & { kind: 'seen' })['value'][number]['found']) =>
  lines({ crds: { kind: 'seen', value: [{ name: 'meshes.consul.hashicorp.com', found }] } });

test('CRDs are there, or are named with the way to have them', () => {
  assert.deepEqual(lines({}), ['ok all 1 CRDs are established']);
  assert.match(crd(undefined).join(), /^failure 1 of 1 CRDs are not installed: meshes\..*installCRDs=true/);
  assert.match(crd({ ...established, isEstablished: false }).join(), /^failure CRDs are not established/);
  assert.match(
    crd({ ...established, release: 'consul' }).join(),
    /^warning uninstalling consul deletes 1 CRDs.*kubectl annotate crd meshes.consul.hashicorp.com helm.sh\/resource-policy=keep/,
  );
  assert.match(crd({ ...established, release: 'consul', isKept: true }).join(), /^ok .*release consul$/);
});

test('an object that cannot end comes with the command that lets it, unless Tandem does', () => {
  const left = { plural: 'servicedefaults', namespace: 'shop', name: 'web', at: 1 };
  const leftovers = { kind: 'seen', value: [left] } as const;
  assert.match(
    lines({ leftovers })[1] ?? '',
    /kubectl -n shop patch servicedefaults\.consul\.hashicorp\.com web --type=json -p '\[\{"op":"test","path":"\/metadata\/finalizers\/1","value":"finalizers\.consul\.hashicorp\.com"\},\{"op":"remove","path":"\/metadata\/finalizers\/1"\}\]'/,
  );
  assert.match(lines({ leftovers, adopt: true })[1] ?? '', /→ start the sync, which removes it$/);
  const many = { kind: 'seen', value: Array.from({ length: 12 }, () => left) } as const;
  assert.equal(lines({ leftovers: many }).length, 12);
});

test('webhooks of consul-k8s are named once for each configuration', () => {
  const value = ['mesh', 'router'].map((kind) => ({ configuration: 'consul', entry: `mutate-${kind}` }));
  assert.match(
    lines({ webhooks: { kind: 'seen', value } })[1] ?? '',
    /^warning consul has webhooks for config entries, such as mutate-mesh/,
  );
  assert.equal(lines({ webhooks: undefined }).length, 1);
});

test('what cannot be read is told as unknown', () => {
  const said = lines({ crds: DENIED, leftovers: DENIED, webhooks: DENIED });
  assert.equal(said.length, 3);
  for (const each of said) assert.match(each, /^warning cannot tell .*status 403/);
});
