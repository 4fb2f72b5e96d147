/** Where the HTTP API of a server pod is. */
import { formatAddress, namedPort, podAddress, type PodAddress, type ServerPod } from './server-pod.ts';

type Found = Extract<PodAddress, { kind: 'address' }>;

/** Consul's own defaults (`ports.http` of its documentation; 8501 is what its charts use for HTTPS). */
const PORTS = { http: 8500, https: 8501 };

type HttpAccess = {
  readonly hostNetwork: boolean;
  /** TLS is asked for, or a CA is configured. */
  readonly withTls: boolean;
};

/** `http://host:port` or `https://host:port` of each pod that counts, each once, in the order of the pods. */
export function originsOf(pods: Iterable<ServerPod>, how: HttpAccess): readonly string[] {
  const origins = [...pods].flatMap((pod) => {
    const found = podAddress(pod, how.hostNetwork);
    return found.kind === 'address' ? [httpOrigin(pod, found, how)] : [];
  });
  return [...new Set(origins)];
}

/**
 * Charts of Consul name the ports of their containers, and may use the annotation for the gossip port that agents join at:
 * a port that the pod itself calls `http` or `https` beats the annotation.
 *
 * | TLS | scheme and port |
 * | --- | --- |
 * | asked for | https: port `https`, else the annotation, else 8501 |
 * | not asked for | http: port `http`; else https: port `https`; else http: the annotation, else 8500 |
 */
function httpOrigin(pod: ServerPod, { host, port }: Found, how: HttpAccess): string {
  const named = (name: string): number | undefined => namedPort(pod, name, how.hostNetwork);
  const [http, https] = [named('http'), named('https')];
  const scheme = how.withTls || (http === undefined && https !== undefined) ? 'https' : 'http';
  const own = scheme === 'https' ? https : http;
  return `${scheme}://${formatAddress(host, own ?? port ?? PORTS[scheme])}`;
}
