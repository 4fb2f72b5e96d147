/** What a metric is: one table for each process that serves metrics, from which the registry and docs/metrics.md are made. */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

type MetricDefinition = {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  /** Label → its closed set of values. */
  readonly labels: { readonly [label: string]: readonly string[] };
  /** Of a histogram. */
  readonly buckets?: readonly number[];
};

export type MetricDefinitions = Readonly<Record<string, MetricDefinition>>;

type Made = { readonly counter: Counter; readonly gauge: Gauge; readonly histogram: Histogram };

export type MadeMetrics<D extends MetricDefinitions> = { readonly [N in keyof D]: Made[D[N]['type']] };

/** What a status port serves: Prometheus text format, and its media type. */
export function servedBy(registry: Registry) {
  return { text: () => registry.metrics(), contentType: registry.contentType };
}

/** A counter whose count is kept elsewhere. */
export function followCount(counter: Counter, count: () => number): void {
  let seen = 0;
  Object.assign(counter, {
    collect: () => {
      const now = count();
      counter.inc(now - seen);
      seen = now;
    },
  });
}

/** Every metric of a table. @param prefix of their names */
export function makeMetrics<D extends MetricDefinitions>(
  definitions: D,
  registry: Registry,
  prefix = '',
): MadeMetrics<D> {
  const made = Object.entries(definitions).map(([name, { type, help, labels, buckets = [] }]) => {
    const options = { name: prefix + name, help, labelNames: Object.keys(labels), registers: [registry] };
    if (type === 'counter') return [name, new Counter(options)];
    if (type === 'gauge') return [name, new Gauge(options)];
    return [name, new Histogram({ ...options, buckets: [...buckets] })];
  });
  return Object.fromEntries(made) as MadeMetrics<D>;
}
