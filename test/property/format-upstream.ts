/** An upstream as the text of its annotation. */
import { PREPARED_QUERY } from '../../src/inject/parse-upstreams.ts';
import { LOOPBACK, type ProxyUpstream } from '../../src/model/registration.ts';

/** The text that parses to this upstream again; a datacenter is always in the third place. */
export function formatUpstream(upstream: ProxyUpstream): string {
  const { name, bindPort, datacenter } = upstream;
  const labels = upstream.type === PREPARED_QUERY ? '' : formatLabels(upstream);
  // Behind the port of a name with `.svc` no datacenter can stand.
  const place = datacenter === '' || labels !== '' ? `${bindPort}` : `${bindPort}:${datacenter}`;
  if (upstream.type === PREPARED_QUERY) return `${PREPARED_QUERY}:${name}:${place}`;
  return `${name}${labels}:${place}${formatOptions(upstream, labels !== '' ? datacenter : '')}`;
}

function formatLabels({ namespace, partition, peer }: ProxyUpstream): string {
  const labels = [
    ...(namespace === '' ? [] : [`${namespace}.ns`]),
    ...(peer === '' ? [] : [`${peer}.peer`]),
    ...(partition === '' ? [] : [`${partition}.ap`]),
  ];
  return labels.length === 0 ? '' : `.svc.${labels.join('.')}`;
}

function formatOptions(
  { bindAddress, destinationPort, meshGateway }: ProxyUpstream,
  datacenter: string,
): string {
  const options = [
    ...(bindAddress === LOOPBACK ? [] : [`local_bind_address=${bindAddress}`]),
    ...(destinationPort === '' ? [] : [`destination_port=${destinationPort}`]),
    ...(meshGateway === '' ? [] : [`mesh_gateway_mode=${meshGateway}`]),
    ...(datacenter === '' ? [] : [`datacenter=${datacenter}`]),
  ];
  return options.length === 0 ? '' : `?${options.join('&')}`;
}
