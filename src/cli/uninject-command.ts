/** `tandem uninject`: the inverse of `tandem inject`. */
import type { TemplateEdit } from '../manifests/edited-pod.ts';
import type { PodTemplate } from '../manifests/pod-template.ts';
import { uninject } from '../inject/uninject.ts';
import { command } from './command.ts';
import { checkEditFlags, editFiles, editFlags } from './edit-files.ts';

export const uninjectCommand = command({
  operands: '[FILE…|DIR|-]',
  flags: editFlags,
  examples: [
    'tandem uninject injected.yaml > original.yaml',
    'kubectl get deployment web -o yaml | tandem uninject --diff',
  ],
  check: checkEditFlags,
  run: (values, operands, context) =>
    editFiles(operands, { editAmong: () => editPod, done: 'uninjected' }, values, context),
});

function editPod({ metadata, spec }: PodTemplate): TemplateEdit {
  const result = uninject({ metadata, spec });
  return result.kind === 'uninject' ? { ...result, kind: 'edit', warnings: [] } : { ...result, warnings: [] };
}
