/** `tandem inject`: the engine of the webhook on files. */
import { oneOf, string } from '../config/flag.ts';
import { injectFlagProblems, injectFlags, injectSettings, ownerProblems } from '../config/inject-settings.ts';
import { inject } from '../inject/inject.ts';
import { readInjection } from '../inject/injected-pod.ts';
import { misplacedAnnotations } from '../inject/misplaced.ts';
import type { TemplateEdit } from '../manifests/edited-pod.ts';
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
    const edit = ({
      namespace = values.namespace,
      metadata,
      spec,
      manifest,
      path,
    }: PodTemplate): TemplateEdit => {
      const object = { apiVersion: 'v1', kind: 'Pod', metadata, spec };
      const misplaced = misplacedAnnotations(manifest, path);
      const result = inject({ kind: 'v1/Pod', operation: 'CREATE', namespace, object }, settings);
      const warnings = [...result.warnings, ...misplaced];
      const other =
        result.kind === 'skip' && result.reason === 'already-injected' ? readInjection(object).kind : 'none';
      if (result.kind === 'skip' && (other === 'agent' || other === 'dataplane') && other !== settings.mode)
        return { ...result, detail: `in ${other} mode; uninject first to change the mode`, warnings };
      return result.kind === 'inject' ? { ...result, kind: 'edit', warnings } : { ...result, warnings };
    };
    return editFiles(operands, { edit, done: 'injected' }, values, context);
  },
});
