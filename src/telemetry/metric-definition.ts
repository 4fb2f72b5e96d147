/** What a metric is: one table each for what serves it, from which the registry and docs/metrics.md are made. */

export type MetricDefinition = {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  /** Label → its closed set of values. */
  readonly labels: { readonly [label: string]: readonly string[] };
};

export type MetricDefinitions = Readonly<Record<string, MetricDefinition>>;
