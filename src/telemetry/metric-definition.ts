/** What a metric is: one table each for what serves it, from which the registry and docs/metrics.md are made. */
import type { Registry } from 'prom-client';

export type MetricDefinition = {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  /** Label → its closed set of values. */
  readonly labels: { readonly [label: string]: readonly string[] };
};

export type MetricDefinitions = Readonly<Record<string, MetricDefinition>>;

/** A metric of the table as the registry takes it. */
export function metricOptions<D extends MetricDefinitions>(definitions: D, registry: Registry) {
  return <N extends keyof D & string>(name: N) => ({
    name,
    help: (definitions[name] as D[N]).help,
    labelNames: Object.keys((definitions[name] as D[N]).labels),
    registers: [registry],
  });
}
