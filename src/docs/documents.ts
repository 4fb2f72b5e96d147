/** The generated documents, made from the tables that the program itself reads. */
import { ANNOTATION_PREFIX } from '../model/kubernetes-names.ts';
import { exit } from '../runtime/context.ts';
import { commands } from '../cli/commands.ts';
import { flagForm, settingName } from '../cli/help.ts';
import { flagGroups, keysOfGroup, ownFlags, type FlagGroup } from '../config/flag-groups.ts';
import type { Flag } from '../config/flag.ts';
import { variableName, type Flags } from '../config/parse-flags.ts';
import { problemReasons } from '../model/problem.ts';
import { serviceAnnotations } from '../model/service-annotations.ts';
import { serviceSkipReasons } from '../catalog/to-consul/decide-service.ts';
import { absentWhenEmpty, annotations } from '../inject/annotations.ts';
import { skipReasons, warningReasons } from '../inject/result.ts';
import { servedMetrics } from '../telemetry/controller-metrics.ts';
import type { MetricDefinitions } from '../telemetry/metric-table.ts';
import { webhookMetricDefinitions } from '../telemetry/metrics.ts';
import { secureMetricDefinitions } from '../telemetry/secure-metrics.ts';
import { redirectorMetricDefinitions } from '../telemetry/redirector-metrics.ts';
import { syncMetricDefinitions } from '../telemetry/sync-metrics.ts';
import { configEntryDocuments } from './config-entry-documents.ts';

/** Path below the root → text. */
export async function generatedDocuments(): Promise<ReadonlyMap<string, string>> {
  return new Map([
    ['docs/flags.md', await flagsDocument()],
    ['docs/annotations.md', annotationsDocument()],
    ['docs/metrics.md', metricsDocument()],
    ...configEntryDocuments(),
  ]);
}

async function flagsDocument(): Promise<string> {
  const loaded = await Promise.all(
    Object.entries(commands).map(async ([name, { summary, load }]) => ({
      name,
      summary,
      ...(await load()),
    })),
  );
  const sections = [...loaded.map(commandSection), ...flagGroups.map((group) => groupSection(group, loaded))];
  return `# Flags

Every flag can also be set by a variable: \`TANDEM_TLS_CERT_FILE\` sets \`--tls-cert-file\`. A flag overrides a variable, and
a variable overrides the default. If flags or variables are wrong, Tandem reports all problems at once and exits with code 2.

| exit code | meaning |
| --- | --- |
| ${exit.done} | done |
| ${exit.internal} | an error; the message says which |
| ${exit.usage} | a flag, a variable or an operand is wrong |
| ${exit.changes} | \`plan\`, and \`inject\` and \`uninject\` with \`--check\`: something would change |
| ${exit.unreadable} | a file cannot be read or is not YAML; nothing is written |
| ${exit.denied} | \`inject\` and \`uninject\`: a pod is denied; nothing is written. \`config\`: an object is invalid |

${sections.join('\n')}`;
}

type NamedCommand = {
  readonly name: string;
  readonly summary: string;
  readonly operands: string;
  readonly flags: Flags;
};

function commandSection({ name, summary, operands, flags }: NamedCommand): string {
  const own = ownFlags(flags);
  const listed = Object.keys(own).length === 0 ? [] : [flagTable(own)];
  const groups = flagGroups.filter((group) => keysOfGroup(group, flags).length > 0);
  const links = groups.map(({ subject }) => `[${subject}](#${anchorOf(subject)})`);
  const shared = links.length === 0 ? [] : [`Shared flags: ${links.join(', ')}.\n`];
  const title = `## tandem ${name}${operands === '' ? '' : ` ${operands}`}\n`;
  return [title, `${summary}.\n`, ...listed, ...shared].join('\n');
}

function groupSection(group: FlagGroup, all: readonly NamedCommand[]): string {
  const users = all.map(({ name, flags }) => ({ name, keys: keysOfGroup(group, flags) }));
  const size = Object.keys(group.flags).length;
  const full = users.filter(({ keys }) => keys.length === size).map(({ name }) => `\`tandem ${name}\``);
  const partial = users
    .filter(({ keys }) => keys.length > 0 && keys.length < size)
    .map(({ name, keys }) => {
      const names = keys.map((key) => `\`${settingName(key, group.flags[key])}\``);
      return `\`tandem ${name}\` takes only ${names.join(', ')}.`;
    });
  const note = [`For ${full.join(', ')}.`, ...partial].join(' ');
  return `## ${titleOf(group.subject)}\n\n${note}\n\n${flagTable(group.flags)}`;
}

function titleOf(subject: string): string {
  return `Flags for ${subject}`;
}

/** The fragment that GitHub gives a heading. */
function anchorOf(subject: string): string {
  return titleOf(subject).toLowerCase().replaceAll(' ', '-');
}

function flagTable(flags: Flags): string {
  const rows = Object.entries(flags).map(([key, flag]) => {
    const variables = [variableName(key), ...flag.variables].map((name) => `\`${name}\``).join(', ');
    return [`\`${cell(flagForm(key, flag))}\``, variables, defaultOf(flag), flag.doc];
  });
  return table(['flag', 'variables', 'default', 'meaning'], rows);
}

function defaultOf({ default: value }: Flag<unknown>): string {
  if (value === undefined || (Array.isArray(value) && value.length === 0)) return '';
  if (Array.isArray(value)) return `\`${value.join(',')}\``;
  if (typeof value === 'object' && value !== null) {
    const parts = Object.values(value);
    return parts.every((each) => each === undefined) ? '' : `\`${parts.join(':')}\``;
  }
  return `\`${JSON.stringify(value).replaceAll('"', '')}\``;
}

function annotationsDocument(): string {
  const rows = Object.entries(annotations).map(([name, entry]) => {
    const mode = 'mode' in entry ? `(${entry.mode} mode) ` : '';
    return [`\`${name}\``, cell(entry.value), entry.default, mode + entry.meaning];
  });
  return `# Annotations

With the prefix \`${ANNOTATION_PREFIX}\`, except those that are written with another one.

## On a pod, for injection

For a workload, put them on its pod template. A value that cannot be read denies the pod; the message lists every problem. An unknown
annotation with this prefix, or with \`tandem/\`, gives a warning.

${table(['name', 'value', 'default', 'meaning'], rows)}
Without a value, these count as absent, as in consul-k8s: ${[...absentWhenEmpty].map((name) => `\`${name}\``).join(', ')}.

## Several services in one pod

\`connect-service: web,admin\` with \`connect-service-port: 8080,9090\` makes the pod two services. The service at position i, counted
from 0, has a sidecar of its own: inbound traffic on port 20000 + i, Envoy's admin interface on 19000 + i, and in dataplane mode its health
on 21000 + i and the lifecycle endpoints on 20600 + i. The name of the service stands behind the names of its containers, such as
\`consul-dataplane-admin\`. Tags, meta, resources and the other settings are those of each; upstreams and metrics those of the first. With
an auth method, the service that is called like the ServiceAccount of the pod, or else the first, logs in as that account. Each other one
needs a ServiceAccount of its name in the namespace, and a Secret of the same name, of type \`kubernetes.io/service-account-token\`, with
the token of that account. Until the Secret is there, the kubelet does not start the pod, and an Event says so. Transparent proxy is not
possible with several services.

## Transparent proxy

A transparent pod gets the container \`consul-connect-redirect\`: before all others with a native sidecar, as the last init container with
a classic one. All its TCP traffic goes by the sidecar, IPv4 and IPv6. What it cannot redirect is refused. The kubelet still reaches the
pod, because the ports of its probes and hooks are replaced; \`tandem uninject\` puts them back. The container at position i, counted from
0 with native sidecars of the author behind the containers, is asked at these ports:

| probe or hook | port | how |
| --- | --- | --- |
| \`livenessProbe\`, \`readinessProbe\`, \`startupProbe\` | 20300 + i, 20400 + i, 20500 + i | \`httpGet\` and \`grpc\` by a path that Envoy exposes, without its query; \`tcpSocket\` by a port that opens connections and passes no data |
| \`lifecycle.preStop\`, \`lifecycle.postStart\` | 20700 + i, 20800 + i | \`httpGet\` as a probe |

A handler with a \`host\`, on an excluded port, or on a port of the sidecar stays as it is, as does \`exec\`. HTTPS cannot be exposed and
denies the pod: exclude its port, or use another kind of probe. With a classic sidecar, a \`postStart\` hook with \`httpGet\` and the probes
of native sidecars of the author deny it too: they ask before the sidecar runs.

## Upstreams

\`\`\`
upstream    = service-ref ":" port [ ":" [ datacenter ] ] [ options ]
            | "prepared_query:" query-name ":" port [ ":" [ datacenter ] ]
service-ref = name
            | name ".svc" [ "." namespace ".ns" ] [ "." peer ".peer" | "." partition ".ap" | "." datacenter ".dc" ]
options     = "?" key "=" value { "&" key "=" value }
              keys: local_bind_address, destination_port, mesh_gateway_mode, datacenter
port        = 1..65535, or the name of a container port
\`\`\`

For the upstream \`db:1234\`, every container gets \`DB_CONNECT_SERVICE_HOST\` and \`DB_CONNECT_SERVICE_PORT\` before its own variables, so
that \`$(DB_CONNECT_SERVICE_PORT)\` works in them. A variable that the container defines itself stays. An upstream at a
local port below 1024 gets a warning: on nodes with CRI-O, or containerd before 2.0, the sidecar cannot listen there. Choose a higher port, or
set the sysctl \`net.ipv4.ip_unprivileged_port_start\` to "0" in \`spec.securityContext.sysctls\`, as the restricted profile allows.

## Requests and limits

The annotations \`sidecar-proxy-cpu-request\`, \`-cpu-limit\`, \`-memory-request\` and \`-memory-limit\` apply to every added container: the
sidecar and, in agent mode, its init container. The init container takes what the annotations leave open from the flags \`--init-…\`. If all
four are set, each request equal to its limit, a Guaranteed pod stays Guaranteed, and a namespace whose ResourceQuota requires limits
accepts the pod. A Guaranteed pod that would become Burstable gets a warning.

A pod with its own resources (\`spec.resources\`, Kubernetes 1.34) is sized as a whole. Where the pod has requests or limits for cpu or
memory, added containers have none and share those of the pod, with a warning. Annotations still apply; they are a problem if the API server
would refuse the pod.

${serviceSection()}
${podReasonsSection()}`;
}

function serviceSection(): string {
  const rows = Object.entries(serviceAnnotations).map(([name, entry]) => [
    `\`${name}\``,
    cell(entry.value),
    entry.default,
    entry.meaning,
  ]);
  return `## On a Service, for the catalog sync

${table(['name', 'value', 'default', 'meaning'], rows)}| \`service-meta-<key>\` | text of at most 512 bytes, no control characters but tabs and line ends; key \`[A-Za-z0-9_-]+\`, at most 128 characters | none | Meta of every instance. |

A Service that is not synced has one of these reasons, in \`/status\` and in \`tandem explain\`:

${reasonTable(serviceSkipReasons)}
A value that cannot be used is a Warning Event on the Service, and a line of \`/status\`:

${reasonTable(problemReasons)}`;
}

function podReasonsSection(): string {
  return `## Why a pod has no sidecar

The reason is in the log, in the metric \`tandem_admissions_total\`, and in the report of \`tandem inject\`.

${reasonTable(skipReasons)}
## Warnings on a pod

The pod is admitted anyway. Warnings are in the answer that \`kubectl\` prints, in the log line, in the metric
\`tandem_admission_warnings_total\`, on the status page, in the report of \`tandem inject\`, and in the record on the pod.

${reasonTable(warningReasons)}`;
}

function reasonTable(reasons: Readonly<Record<string, string>>): string {
  return table(
    ['reason', 'meaning'],
    Object.entries(reasons).map(([reason, meaning]) => [`\`${reason}\``, meaning]),
  );
}

function metricsDocument(): string {
  return `# Metrics

Tandem serves them as Prometheus text at \`/metrics\` of the status port. Label values come from closed sets.

## tandem webhook

${metricTable(webhookMetricDefinitions)}
## tandem sync

${metricTable({ ...syncMetricDefinitions, ...servedMetrics('to-consul'), ...servedMetrics('to-kubernetes') })}
## tandem sync with --registrar, in addition

${metricTable(servedMetrics('registrar'))}
## tandem sync with --config-entries, in addition

${metricTable(servedMetrics('config-entries'))}
## tandem redirector

${metricTable(redirectorMetricDefinitions)}

## tandem secure

${metricTable(secureMetricDefinitions)}`;
}

function metricTable(definitions: MetricDefinitions): string {
  const rows = Object.entries(definitions).map(([name, { type, help, labels }]) => {
    const values = Object.entries(labels).map(([label, set]) => `\`${label}\`: ${set.join(', ')}`);
    return [`\`${name}\``, type, help, values.join('<br>')];
  });
  return table(['name', 'type', 'meaning', 'labels'], rows);
}

function table(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [columns, columns.map(() => '---'), ...rows];
  return lines.map((cells) => `| ${cells.join(' | ')} |\n`).join('');
}

/** A bar would end the cell of a table. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
