/** Whether a pod is in the mesh, and why not, for people. */
import type { ExplainedRegistration } from '../catalog/mesh/explain-pod.ts';
import {
  addressNotices,
  addressReasons,
  choiceReasons,
  type AddressStatus,
} from '../catalog/mesh/virtual-address.ts';
import { nameReasons, type MeshServiceName } from '../catalog/mesh/mesh-service.ts';
import type { RedirectionExplanation } from '../inject/explain-redirect.ts';
import type { InjectionExplanation } from '../inject/explain.ts';
import { hostAndPort } from '../support/ip-address.ts';
import { terminalLine } from '../support/text.ts';
import type { ExplainedPod } from '../runtime/explained-pod.ts';
import { line, stateText } from './explain-report.ts';

export function podExplanationText({
  source,
  injection,
  redirection,
  annotations,
  registration,
}: ExplainedPod): string {
  return [
    `${source}: ${injection.kind === 'injected' ? `injected, ${injection.mode} mode` : 'not injected'}`,
    ...injectionLines(injection),
    ...(registration === undefined ? [] : [line('rule', `${registration.reason}: ${registration.meaning}`)]),
    ...servicesIn(registration).map((each) => line('service', serviceText(each))),
    ...(redirection === undefined ? [] : redirectionLines(redirection)),
    ...(registration === undefined ? [] : addressLines(registration.address)),
    ...annotations.map(({ name, value }) => line('annotation', `${name}: ${JSON.stringify(value)}`)),
    ...(registration?.registrations.flatMap(instanceLines) ?? []),
    ...(registration?.leftover.map(({ id, address, port }) =>
      line('leftover', `${id} ${hostAndPort(address, port)}  will be removed`),
    ) ?? []),
    ...(registration?.problems.map((problem) => line('problem', problem)) ?? []),
  ]
    .map(terminalLine)
    .join('');
}

function injectionLines(injection: InjectionExplanation): readonly string[] {
  switch (injection.kind) {
    case 'injected':
      return [];
    case 'skip':
      return [
        line('rule', `${injection.reason}: ${injection.meaning}`),
        ...injection.warnings.map((warning) => line('warning', warning)),
      ];
    case 'invalid':
      return [line('problem', `${injection.problem.at}: ${injection.problem.message}`)];
    case 'by-others':
      return [
        line('rule', 'it is marked as injected, but has no record of Tandem: another injector did it'),
        line('fix', 'recreate the pod without connect-inject-status'),
      ];
    case 'wanted':
      return [
        line('rule', 'it would get a sidecar if it were created now'),
        line(
          'fix',
          'recreate the pod; if it still has no sidecar, "tandem check" tells you what is wrong with the webhook',
        ),
      ];
  }
}

const ASKED: Readonly<Record<string, string>> = {
  annotation: 'by the annotation of the pod',
  namespace: 'by the label of its namespace',
  flag: 'by --transparent-proxy',
  default: 'because nothing asks for it',
};

function redirectionLines(explained: RedirectionExplanation): readonly string[] {
  const { isRedirected, askedBy, way, excluded, probes, hasConsulDns } = explained;
  const by = ASKED[askedBy] ?? askedBy;
  if (!isRedirected) return [line('redirection', `off, ${by}`)];
  const writer = way === 'node' ? 'the redirector of its node' : 'its first init container';
  return [
    line('redirection', `on, ${by}; ${writer} writes the rules`),
    ...(hasConsulDns ? [line('dns', 'by the sidecar, then the name servers of the cluster')] : []),
    ...excluded.map(({ what, elements, annotation }) =>
      line('excluded', `${what.replace('-', ' ')} ${elements.join(', ')}  by ${annotation}`),
    ),
    ...probes.map(({ container, probe, port, to }) =>
      line('probe', `${container} ${probe}: port ${port}, asked at port ${to}`),
    ),
  ];
}

function instanceLines({
  registration,
  standing,
  virtual,
  checks,
}: ExplainedRegistration): readonly string[] {
  const { id, address, port } = registration;
  return [
    line('instance', `${id} ${hostAndPort(address, port)}  ${stateText(standing)}`),
    ...(virtual === undefined
      ? []
      : [
          line(
            'virtual',
            `  ${hostAndPort(virtual.address, virtual.port)}  is its virtual address in Consul`,
          ),
        ]),
    ...checks.map(({ name, status, output }) => line('check', `  ${status}  ${name}: ${firstLine(output)}`)),
  ];
}

function addressLines(address: AddressStatus): readonly string[] {
  const { reason, chosen } = address;
  if (reason === 'not-redirected') return [];
  const of =
    chosen &&
    `${hostAndPort(chosen.virtual.address, chosen.virtual.port)} of ${chosen.service.name}, ${choiceReasons[chosen.why]}  `;
  return [
    line('address', `${of ?? ''}${reason}: ${addressReasons[reason]}`),
    ...addressNotices(address).map(({ reason: what, text }) => line('address', `  ${what}: ${text}`)),
  ];
}

function servicesIn(registration: ExplainedPod['registration']): readonly MeshServiceName[] {
  if (registration?.service === undefined) return [];
  return [registration.service, ...registration.otherServices];
}

function serviceText({ name, reason }: MeshServiceName): string {
  return `${name}  after ${nameReasons[reason]}`;
}

function firstLine(output: string): string {
  return output.trim().split('\n', 1).join('');
}
