/** Each right of `tandem secure` in the roles of the chart: how the process comes to use it, and that who misses it is told. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  giveBack,
  isPath,
  refusalOf,
  rightsOf,
  takeAway,
  textInRole,
  textOf,
  type Right,
} from '../chart/role-rights.ts';
import type { KubernetesObject } from '../harness/api-client.ts';
import { renderChart, type Rendered } from '../harness/chart.ts';
import { eventually } from '../harness/eventually.ts';
import { NAME, NAMESPACE, type Loop, type SecureScene } from './secure-scene.ts';

export type Use = {
  /** Who misses it: the loop that runs, another one that starts beside it, or a command. */
  readonly by: 'loop' | 'start' | 'command';
  /** Before it is taken away. */
  readonly prepare?: () => Promise<unknown>;
  /** What makes the process use it; what it uses by itself needs nothing. Of a command, what it says. */
  readonly use?: () => Promise<unknown>;
};

export type Uses = Readonly<Record<string, Use>>;

type RightCase = Use & {
  readonly what: string;
  /** More than one where one stands for the other. */
  readonly rights: readonly Right[];
  readonly says: RegExp;
};

/** With the name and the namespace that the scenes have. */
export function renderSecure(values: object): Promise<Rendered> {
  return renderChart(values, { name: NAME, namespace: NAMESPACE });
}

/** The roles of the loop, with their bindings. */
export function grantedBy({ objects }: Rendered): readonly KubernetesObject[] {
  return objects.filter(
    ({ kind, metadata }) => /Role(Binding)?$/.test(kind ?? '') && metadata.name === `${NAME}-secure`,
  );
}

/** Those of the loop, and those of the account by which Consul asks about logins. */
export function secureRights(chart: Rendered): readonly Right[] {
  return ['secure', 'auth-method'].flatMap((account) =>
    rightsOf(chart, 'secure', `system:serviceaccount:${NAMESPACE}:${NAME}-${account}`).filter(
      ({ role }) => role.metadata.name === `${NAME}-${account}`,
    ),
  );
}

/**
 * @param uses by `textOf` a right, or by its verb and resource
 * @param but those of another rendering, which are taken away elsewhere
 * @throws Error for a right that nothing makes it use
 */
export function rightCases(chart: Rendered, uses: Uses, but?: Rendered): readonly RightCase[] {
  const elsewhere = new Set(but === undefined ? [] : secureRights(but).map(textInRole));
  const all = secureRights(chart);
  return all
    .filter((right) => !elsewhere.has(textInRole(right)))
    .map((right): RightCase => {
      const { role } = right;
      const isReviewer = role.metadata.name === `${NAME}-auth-method`;
      // What the ClusterRole gives everywhere, the Role need not give again.
      const rights = [right, ...all.filter((each) => role.kind === 'Role' && isEverywhere(each, right))];
      const what = `${textOf(right)} ${role.kind === 'Role' ? `in the namespace ${NAMESPACE}` : 'everywhere'}`;
      return { what, rights, says: isReviewer ? lacks(right) : saysOf(right), ...useOf(right, uses) };
    });
}

function isEverywhere(each: Right, { verb, resource }: Right): boolean {
  return each.role.kind === 'ClusterRole' && each.verb === verb && each.resource === resource;
}

function useOf(right: Right, uses: Uses): Use {
  const { verb, resource } = right;
  const use = uses[textOf(right)] ?? uses[`${verb} ${resource}`];
  if (use !== undefined) return use;
  if (['list', 'watch'].includes(verb)) return { by: 'start' };
  // The loop reads all that it keeps with each look.
  if (verb === 'get' && isOwned(right)) return { by: 'loop' };
  throw new Error(`nothing here makes it ${textOf(right)}`);
}

function isOwned({ resource }: Right): boolean {
  return ['secrets', 'configmaps'].includes(resource);
}

function saysOf(right: Right): RegExp {
  const { verb, resource, name = '\\S+' } = right;
  if (isPath(right)) return new RegExp(`the API server answers ${resource} with status 403`);
  if (resource === 'serviceaccounts/token')
    return /no token for the ServiceAccount .*the right to create serviceaccounts\/token/;
  if (!isOwned(right) || ['list', 'watch'].includes(verb)) return refusalOf(right);
  return new RegExp(`${NAMESPACE}/${name} cannot be .*status 403, .*the right to ${verb} ${resource}`);
}

function lacks({ verb, resource }: Right): RegExp {
  return new RegExp(`${NAME}-auth-method may not ${verb} ${resource}, so logins to Consul fail`);
}

type Parts = {
  readonly secure: SecureScene;
  readonly loop: () => Loop;
  /** Starts another one as the loop was started; it may fail to serve. */
  readonly launch: () => ReturnType<SecureScene['launch']>;
  /** What a kubelet does meanwhile. */
  readonly swap?: () => Promise<void>;
};

export function eachRightIsNamed(cases: readonly RightCase[], parts: Parts): void {
  for (const each of cases)
    test(`without the right to ${each.what} it is named, and with it all goes on`, async (context) => {
      const { loop, launch, swap, secure } = parts;
      await each.prepare?.();
      const position = loop().process.position();
      await takeAway(secure.api, each.rights);
      const said = each.by === 'command' ? each.use : undefined;
      if (said === undefined) await each.use?.();
      const other = each.by === 'start' ? await launch() : undefined;
      const line = await eventually(each.what, async () => {
        const text =
          said === undefined ? (other?.log() ?? loop().process.log(position)) : String(await said());
        const named = text.split('\n').find((one) => each.says.test(one));
        assert.ok(named !== undefined, text.split('\n').slice(-5).join('\n'));
        return named;
      });
      context.diagnostic(line.slice(0, 400));
      await other?.stop();
      await giveBack(secure.api, each.rights);
      await eventually('it goes on', async () => {
        await swap?.();
        assert.match((await loop().status()).controllers[0]?.step ?? '', /^keep/);
      });
    });
}
