/** A pod of a manifest, and what an editor does with it. */
import type { Warning } from '../inject/result.ts';
import type { Problem } from '../model/problem.ts';
import type { PatchOperation } from '../support/json-patch.ts';
import type { LocatedPod } from './pod-template.ts';
import type { ManifestDocument } from './read-documents.ts';
import type { TextEdit } from './text-edit.ts';

/** The answer of an editor about one pod. */
export type TemplateEdit =
  | {
      readonly kind: 'skip';
      readonly reason: string;
      /** Details beyond the reason, for people. */
      readonly detail?: string;
      readonly warnings: readonly Warning[];
    }
  | { readonly kind: 'invalid'; readonly problems: readonly Problem[]; readonly warnings: readonly Warning[] }
  | {
      readonly kind: 'edit';
      readonly patch: readonly PatchOperation[];
      readonly warnings: readonly Warning[];
    };

/** A pod, the answer of its editor, and its edits of the text. */
export type EditedPod = {
  readonly document: ManifestDocument;
  readonly pod: LocatedPod;
  readonly offset: number;
  readonly edit: TemplateEdit;
  readonly edits: readonly TextEdit[];
};
