/** Faults that only a real cluster shows: each that is planted fails the installation, soon and by its name. */
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test, type TestContext } from 'node:test';
import { openCluster } from './harness/cluster.ts';
import { makeNamespace, removeNamespace } from './harness/namespaces.ts';
import { CHART, installRelease, secondsSince, type Values } from './harness/release.ts';

const SHOP = 'tandem-shop';
const PARTS: Values = {
  global: { enabled: false },
  connectInject: { enabled: true, replicas: 1 },
};
const AGENT_PORT = 8500;
// What is broken has not to be waited for as long as what is late.
const LISTENS_MILLISECONDS = 20_000;

const cluster = await openCluster();
const folder = mkdtempSync(join(tmpdir(), 'tandem-planted-'));
after(() => rmSync(folder, { recursive: true }));

type Fault = readonly [template: string, text: string, planted: string];

/** A copy of the chart in which each template has another text in the place of the first such one. */
function chartWith(...faults: readonly Fault[]): string {
  const chart = mkdtempSync(join(folder, 'chart-'));
  cpSync(CHART, chart, { recursive: true });
  for (const [template, text, planted] of faults) {
    const file = join(chart, 'templates', template);
    const sound = readFileSync(file, 'utf8');
    assert.ok(sound.includes(text), `${template} has: ${text}`);
    writeFileSync(file, sound.replace(text, planted));
  }
  return chart;
}

/** @param seconds far below the time that an installation is given */
async function fails(
  context: TestContext,
  seconds: number,
  causes: readonly RegExp[],
  install: () => Promise<unknown>,
): Promise<void> {
  const from = performance.now();
  await assert.rejects(install, ({ message }: Error) => {
    for (const cause of causes) assert.match(message, cause);
    return true;
  });
  const took = secondsSince(from);
  context.diagnostic(`found and taken away after ${took} s`);
  assert.ok(took < seconds, `${took} s`);
}

test('a flag that the image does not know', (context) => {
  const chart = chartWith(['webhook-deployment.yaml', '--shutdown-delay=', '--shut-down-delay=']);
  return fails(context, 120, [/CrashLoopBackOff/, /shut-down-delay.* is not a flag of this command/], () =>
    installRelease(cluster, PARTS, chart),
  );
});

test('a name of a port that is too long', (context) => {
  const chart = chartWith(['webhook-deployment.yaml', 'name: https', 'name: https-of-the-webhook']);
  return fails(context, 120, [/must be no more than 15 characters/], () =>
    installRelease(cluster, PARTS, chart),
  );
});

test('a wrong port of a probe', (context) => {
  const ready = 'path: /health/ready\n    port: ';
  const chart = chartWith(['_pod.tpl', `${ready}status`, `${ready}8082`]);
  const cause = /never: .*\n.*Readiness probe failed: .*:8082\/health\/ready.*connection refused/;
  return fails(context, 120, [cause], () => installRelease(cluster, PARTS, chart, LISTENS_MILLISECONDS));
});

test('a missing right, and a port of the node that somebody else has', async (context) => {
  const rights = ['resources: [leases]\n  verbs: [create]', 'resources: [leases]\n  verbs: [get]'] as const;
  const chart = chartWith(['_webhook-certificate.tpl', ...rights]);
  await makeNamespace(cluster, SHOP);
  after(() => removeNamespace(cluster, SHOP));
  await cluster.api.expect('POST', `/api/v1/namespaces/${SHOP}/pods`, holderOf(AGENT_PORT));
  const causes = [
    /never: .*\n.*leases.* is forbidden: User .*:tandem-webhook.* cannot create/,
    /tandem-client.*free ports/,
  ];
  const client = { enabled: true, join: ['consul.example'] };
  await fails(context, 120, causes, () => installRelease(cluster, { ...PARTS, client }, chart));
});

/** A pod that has this port of its node. */
function holderOf(port: number): object {
  const container = {
    name: 'holder',
    image: cluster.image,
    command: ['node', '-e', 'setInterval(() => {}, 60000)'],
    ports: [{ containerPort: port, hostPort: port }],
  };
  return { metadata: { name: 'holder' }, spec: { containers: [container] } };
}
