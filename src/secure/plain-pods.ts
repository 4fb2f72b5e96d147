/** How injected pods reach Consul. They keep the way with which they were injected, so a stage may cut some of them off. */
import { environmentOf } from '../inject/expand.ts';
import { DATAPLANE_CONTAINER, INIT_CONTAINER } from '../inject/names.ts';
import { asString, property } from '../support/json.ts';
import type { SecureSettings } from './secure-settings.ts';

export type PodAccess = {
  /** `namespace/name` */
  readonly pod: string;
  readonly tls: boolean;
  readonly login: boolean;
};

/** Undefined for what has no sidecar of ours, and for what has come to its end. Throws on no input. */
export function readPodAccess(raw: unknown): PodAccess | undefined {
  const metadata = property(raw, 'metadata');
  const phase = asString(property(property(raw, 'status'), 'phase')) ?? '';
  if (['Succeeded', 'Failed'].includes(phase)) return undefined;
  const pod = `${asString(property(metadata, 'namespace'))}/${asString(property(metadata, 'name'))}`;
  const init = environmentOf(containerOf(raw, INIT_CONTAINER), new Map());
  const scheme = init.get('TANDEM_SCHEME');
  if (scheme !== undefined) return { pod, tls: scheme === 'https://', login: init.has('TANDEM_AUTH_METHOD') };
  const args = property(containerOf(raw, DATAPLANE_CONTAINER), 'args');
  if (!Array.isArray(args)) return undefined;
  return { pod, tls: !args.includes('-tls-disabled'), login: args.includes('-credential-type=login') };
}

/** Pods that would lose Consul where plain ports are closed, and who has no token gets nothing. */
export function cutOff(
  { tls, acls }: Pick<SecureSettings, 'tls' | 'acls'>,
  pods: readonly PodAccess[],
): readonly PodAccess[] {
  return pods.filter((each) => (tls && !each.tls) || (acls && !each.login));
}

/** Of several services, the first. */
function containerOf(raw: unknown, name: string): unknown {
  const spec = property(raw, 'spec');
  const all = ['initContainers', 'containers'].flatMap((list): readonly unknown[] => {
    const containers = property(spec, list);
    return Array.isArray(containers) ? containers : [];
  });
  return all.find((each) => {
    const found = asString(property(each, 'name')) ?? '';
    return found === name || found.startsWith(`${name}-`);
  });
}
