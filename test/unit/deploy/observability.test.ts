/** Dashboard and alerts ask for metrics that exist, by labels and values that these have. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import type { MetricDefinitions } from '../../../src/telemetry/metric-table.ts';
import { webhookMetricDefinitions } from '../../../src/telemetry/metrics.ts';
import { servedMetrics } from '../../../src/telemetry/controller-metrics.ts';
import { redirectorMetricDefinitions } from '../../../src/telemetry/redirector-metrics.ts';
import { secureMetricDefinitions } from '../../../src/telemetry/secure-metrics.ts';
import { syncMetricDefinitions } from '../../../src/telemetry/sync-metrics.ts';

const FOLDER = join(import.meta.dirname, '../../../deploy/observability');
const definitions: MetricDefinitions = {
  ...webhookMetricDefinitions,
  ...syncMetricDefinitions,
  ...servedMetrics('to-consul'),
  ...servedMetrics('to-kubernetes'),
  ...servedMetrics('registrar'),
  ...servedMetrics('config-entries'),
  ...redirectorMetricDefinitions,
  ...secureMetricDefinitions,
  // Of every Envoy, by its own name.
  envoy_listener_manager_lds_update_rejected: { type: 'counter', help: '', labels: {} },
};

type Dashboard = { readonly panels: readonly { readonly targets: readonly { readonly expr: string }[] }[] };
type Alerts = { readonly groups: readonly { readonly rules: readonly { readonly expr: string }[] }[] };

const dashboard = JSON.parse(readFileSync(join(FOLDER, 'grafana-dashboard.json'), 'utf8')) as Dashboard;
const alerts = parse(readFileSync(join(FOLDER, 'alerts.yaml'), 'utf8')) as Alerts;
const expressions = [
  ...dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
  ...alerts.groups.flatMap(({ rules }) => rules.map(({ expr }) => expr)),
];

/** What is wrong with one expression. */
function problemsOf(expression: string): readonly string[] {
  const used = [...expression.matchAll(/((?:tandem|envoy)_\w+?)(?:_bucket)?(?:\{([^}]*)\})?(?=[[\s)]|$)/g)];
  const labels = [...expression.matchAll(/by \(([^)]*)\)/g)].flatMap(([, list = '']) => list.split(/,\s*/));
  const known = used.flatMap(([, name = '']) => Object.keys(definitions[name]?.labels ?? {}));
  return [
    ...(used.length === 0 ? ['names no metric'] : []),
    ...used.flatMap(([, name = '', matchers = '']) => problemsOfMetric(name, matchers)),
    ...labels.filter((label) => label !== 'le' && !known.includes(label)).map((label) => `no label ${label}`),
  ];
}

function problemsOfMetric(name: string, matchers: string): readonly string[] {
  const definition = definitions[name];
  if (definition === undefined) return [`no metric ${name}`];
  return [...matchers.matchAll(/(\w+)!?="([^"]*)"/g)].flatMap(([, label = '', value = '']) =>
    definition.labels[label]?.includes(value) === true ? [] : [`${name} has no ${label}="${value}"`],
  );
}

test('dashboard and alerts ask only for what is served', () => {
  assert.ok(expressions.length >= 20, `${expressions.length} expressions`);
  assert.deepEqual(
    expressions.flatMap((expression) => problemsOf(expression).map((problem) => `${expression}: ${problem}`)),
    [],
  );
});

test('planted: what does not exist is found', () => {
  assert.deepEqual(problemsOf('sum(tandem_nothing_total)'), ['no metric tandem_nothing_total']);
  assert.deepEqual(problemsOf('sum by (color) (tandem_leader)'), ['no label color']);
  assert.deepEqual(problemsOf('tandem_admissions_total{result="fine"}'), [
    'tandem_admissions_total has no result="fine"',
  ]);
});

test('every metric is on the dashboard', () => {
  const shown = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)).join('\n');
  assert.deepEqual(
    Object.keys(definitions).filter(
      (name) =>
        name.startsWith('tandem_') && !shown.includes(name) && name !== 'tandem_certificate_reloads_total',
    ),
    [],
  );
});
