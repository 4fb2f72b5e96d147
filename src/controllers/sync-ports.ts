/** What the loop needs of its two sides and of its observers. The edges implement it. */
import type { Observed } from '../model/observed-node.ts';
import type { Plan } from '../catalog/to-consul/consul-plan.ts';
import type { ServiceProblem } from '../model/problem.ts';
import type { Change } from '../catalog/to-consul/transactions.ts';
import type { CatalogWriter } from './apply-changes.ts';
import type { ClusterSnapshot } from './cluster-snapshot.ts';
import type { ControllerReporter } from '../reconcile/controller.ts';
import type { GuardReporter } from '../reconcile/deletion-guard.ts';
import type { Relisted, Watched } from './watched.ts';

export type Source = Watched<[sources: readonly string[]]> &
  Relisted & {
    readonly snapshot: Pick<ClusterSnapshot, 'sources' | 'service' | 'related'>;
  };

/** `indexes`: of each answer that it was put together from; it contains all changes up to them. */
type CatalogRead = Observed & { readonly indexes: readonly number[] };

export type Catalog = CatalogWriter & {
  /**
   * Everything that Consul has on a node. Throws a coded error if the answer is incomplete, also because the token does not show
   * everything.
   */
  readonly read: (
    node: string,
    options: { readonly consistent: boolean; readonly signal: AbortSignal },
  ) => Promise<CatalogRead>;
  /**
   * Calls back with the new index whenever something on the node may have changed since a read, until the signal is aborted.
   *
   * @param indexes of that read
   */
  readonly watch: (
    node: string,
    indexes: readonly number[],
    onChange: (index: number) => void,
    signal: AbortSignal,
  ) => Promise<void>;
};

export type PlanReport = {
  /** Everything was compared, or the sources of events. */
  readonly scope: 'all' | 'changes';
  readonly plan: Plan;
  readonly owned: number;
  readonly foreign: number;
};

export type SyncReporter = ControllerReporter<Change> &
  GuardReporter & {
    readonly planned: (report: PlanReport) => void;
    /** So many removals wait until the cluster is listed anew; `released` ends it. */
    readonly unlisted: (removals: number) => void;
    /** Everything that is wrong with one source now; empty when nothing is wrong any more. */
    readonly problems: (source: string, problems: readonly ServiceProblem[]) => void;
  };
