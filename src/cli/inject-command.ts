/** `tandem inject`: the engine of the webhook on files. */
import { oneOf, string } from '../config/flag.ts';
import {
  injectFlagProblems,
  injectFlags,
  injectSettings,
  ownerProblems,
  withDefaults,
} from '../config/inject-settings.ts';
import { inject } from '../inject/inject.ts';
import { readInjection } from '../inject/injected-pod.ts';
import { misplacedAnnotations } from '../inject/misplaced.ts';
import type { InjectSettings } from '../inject/settings.ts';
import type { TemplateEdit } from '../manifests/edited-pod.ts';
import { labelledNamespaces } from '../manifests/labelled-namespaces.ts';
import type { PodTemplate } from '../manifests/pod-template.ts';
import { version } from '../version.ts';
import { command } from './command.ts';
import { checkEditFlags, editFiles, editFlags } from './edit-files.ts';

const flags = {
  ...editFlags,
  nativeSidecar: oneOf(
    'Run sidecars as native sidecars (Kubernetes 1.29 or newer). auto means on.',
    ['auto', 'on', 'off'],
    'auto',
  ),
  ownNamespace: string("Tandem's own namespace. Its pods are never injected.", 'NAME', undefined),
  ...injectFlags,
};

export const injectCommand = command({
  operands: '[FILE…|DIR|-]',
  flags,
  examples: [
    'tandem inject examples | kubectl apply -f -',
    'tandem inject --in-place --default-inject deployment.yaml',
  ],
  check: (values) => [...checkEditFlags(values), ...injectFlagProblems(values), ...ownerProblems(values)],
  run: (values, operands, context) => {
    const nativeSidecar = values.nativeSidecar !== 'off';
    const settings = injectSettings(values, {
      version,
      nativeSidecar,
      preStopSleep: true,
      ownNamespace: values.ownNamespace,
    });
    const editAmong = (texts: readonly string[]): ((template: PodTemplate) => TemplateEdit) => {
      const namespaces = labelledNamespaces(texts);
      return (template) => {
        const namespace = template.namespace ?? values.namespace;
        const defaults = namespaces.get(namespace);
        return editPod(
          template,
          namespace,
          defaults === undefined ? settings : withDefaults(settings, defaults),
        );
      };
    };
    return editFiles(operands, { editAmong, done: 'injected' }, values, context);
  },
});

function editPod(
  { metadata, spec, manifest, path }: PodTemplate,
  namespace: string,
  settings: InjectSettings,
): TemplateEdit {
  const object = { apiVersion: 'v1', kind: 'Pod', metadata, spec };
  const result = inject({ kind: 'v1/Pod', operation: 'CREATE', namespace, object }, settings);
  const warnings = [...result.warnings, ...misplacedAnnotations(manifest, path)];
  const other =
    result.kind === 'skip' && result.reason === 'already-injected' ? readInjection(object).kind : 'none';
  if (result.kind === 'skip' && (other === 'agent' || other === 'dataplane') && other !== settings.mode)
    return { ...result, detail: `in ${other} mode; uninject first to change the mode`, warnings };
  return result.kind === 'inject' ? { ...result, kind: 'edit', warnings } : { ...result, warnings };
}
