/** How `tandem sync` comes to use its rights for config entries. */
import assert from 'node:assert/strict';
import { samples } from '../../unit/catalog/config-entries/samples.ts';
import { entryScene } from '../config-entries/entry-scene.ts';
import { MERGE_PATCH } from '../harness/api-client.ts';
import type { ApiServer } from '../harness/api-server.ts';
import type { Consul } from '../harness/consul.ts';
import { eventually } from '../harness/eventually.ts';
import type { RunningProcess } from '../harness/processes.ts';
import { byRunning, byStart, type PartUse } from './each-part-right.ts';
import { textOf, type Right } from './role-rights.ts';

type Sample = (typeof samples)[number];

const FINALIZER = 'finalizers.consul.hashicorp.com';

type Processes = {
  /** That writes. */
  readonly leader: () => RunningProcess;
  /** Starts another one. */
  readonly start: () => Promise<RunningProcess>;
  /** `tandem check` by the account of the sync. */
  readonly check: () => Promise<string>;
};

type EntryUses = {
  /** Makes an object of each kind, and waits until the leader has said how it stands. */
  readonly prepare: () => Promise<void>;
  readonly useOf: (right: Right) => PartUse | undefined;
};

export function entryUses(api: ApiServer, consul: Consul, { leader, start, check }: Processes): EntryUses {
  const { apply, pathOf, remove, condition, installCrds } = entryScene(api, consul);
  const placeOf = ({ object }: Sample): string => `default/${object.name}`;
  const put = (sample: Sample): Promise<unknown> =>
    apply(sample.kind.kind, placeOf(sample), sample.manifest['spec'] as object);

  const another = ({ kind, manifest }: Sample): PartUse =>
    byRunning(leader, () => apply(kind.kind, 'default/another', manifest['spec'] as object), {
      restore: () => remove(kind.kind, 'default/another'),
    });
  const leaveBehind = (sample: Sample): PartUse => {
    const place = 'default/left-behind';
    const path = pathOf(sample.kind.kind, place);
    return byRunning(
      leader,
      async () => {
        await apply(sample.kind.kind, place, sample.manifest['spec'] as object, { finalizers: [FINALIZER] });
        await remove(sample.kind.kind, place);
      },
      {
        // The sync tries again after a minute.
        restore: () => api.admin.expect('PATCH', path, { metadata: { finalizers: null } }, MERGE_PATCH),
      },
    );
  };
  const removeOne = (sample: Sample): PartUse =>
    // Consul has no entry of such a kind that could be removed; who asks whether its CRD is there is `tandem check`.
    sample.kind.enterprise === true
      ? { provoke: () => check().then((said) => () => said), says: checkSays(sample) }
      : byRunning(leader, () => remove(sample.kind.kind, placeOf(sample)), { restore: () => put(sample) });

  const useOf = (right: Right): PartUse | undefined => {
    const { verb, resource, name } = right;
    if (['list', 'watch'].includes(verb)) return byStart(start);
    const sample = samples.find(({ kind: { plural } }) =>
      [resource, name].some((each) => each?.split(/[./]/)[0] === plural),
    );
    if (sample === undefined) return undefined;
    if (verb === 'get' && resource === 'customresourcedefinitions') return removeOne(sample);
    if (verb !== 'patch') throw new Error(textOf(right));
    return resource.endsWith('/status') ? another(sample) : leaveBehind(sample);
  };
  return {
    prepare: async () => {
      await installCrds();
      for (const sample of samples) await put(sample);
      for (const sample of samples)
        await eventually(`a status of ${sample.kind.kind}`, async () =>
          assert.ok(await condition(sample.kind.kind, placeOf(sample))),
        );
    },
    useOf,
  };
}

function checkSays({ kind }: Sample): RegExp {
  return new RegExp(`may not get customresourcedefinitions .*resourceNames: \\[${kind.plural}\\.`);
}
