/** The labels by which a namespace changes the defaults of its pods. */
import { INJECT_LABEL, REDIRECT_LABEL } from '../model/kubernetes-names.ts';
import { property, textAt } from '../support/json.ts';
import { parseBoolean } from '../support/text.ts';
import type { NamespaceDefaults } from './settings.ts';

/**
 * As the selectors of the webhook configuration decide it: the API server compares the label of injection letter by letter.
 *
 * @param namespace the object
 */
export function namespaceDefaults(namespace: unknown): NamespaceDefaults {
  const labels = property(property(namespace, 'metadata'), 'labels');
  return {
    inject: property(labels, INJECT_LABEL) === 'true' ? true : undefined,
    transparentProxy: parseBoolean(textAt(labels, REDIRECT_LABEL)),
  };
}
