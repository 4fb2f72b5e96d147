/** An upstream as the text of its annotation. */
import { PREPARED_QUERY, type ServiceUpstream, type Upstream } from '../../src/inject/upstream.ts';
import { LOOPBACK } from '../../src/model/registration.ts';

/** The text that parses to this upstream again; a datacenter is always in the third place. */
export function formatUpstream(upstream: Upstream): string {
  const { name, localBindPort, datacenter } = upstream;
  const labels = upstream.kind === 'prepared-query' ? '' : formatLabels(upstream);
  // Behind the port of a name with `.svc` no datacenter can stand.
  const place =
    datacenter === undefined || labels !== '' ? `${localBindPort}` : `${localBindPort}:${datacenter}`;
  if (upstream.kind === 'prepared-query') return `${PREPARED_QUERY}:${name}:${place}`;
  return `${name}${labels}:${place}${formatOptions(upstream, labels !== '' ? datacenter : undefined)}`;
}

function formatLabels({ namespace, partition, peer }: ServiceUpstream): string {
  const labels = [
    ...(namespace === undefined ? [] : [`${namespace}.ns`]),
    ...(peer === undefined ? [] : [`${peer}.peer`]),
    ...(partition === undefined ? [] : [`${partition}.ap`]),
  ];
  return labels.length === 0 ? '' : `.svc.${labels.join('.')}`;
}

function formatOptions(
  { localBindAddress, destinationPort, meshGatewayMode }: ServiceUpstream,
  datacenter: string | undefined,
): string {
  const options = [
    ...(localBindAddress === LOOPBACK ? [] : [`local_bind_address=${localBindAddress}`]),
    ...(destinationPort === undefined ? [] : [`destination_port=${destinationPort}`]),
    ...(meshGatewayMode === undefined ? [] : [`mesh_gateway_mode=${meshGatewayMode}`]),
    ...(datacenter === undefined ? [] : [`datacenter=${datacenter}`]),
  ];
  return options.length === 0 ? '' : `?${options.join('&')}`;
}
