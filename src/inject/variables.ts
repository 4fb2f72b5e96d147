/** The variables by which an application finds its upstreams. */
import type { Upstream } from './upstream.ts';

export type Variable = { readonly name: string; readonly value: string };

/**
 * `<NAME>_CONNECT_SERVICE_HOST` and `_PORT` for each upstream, in order. Of two upstreams with one name the first gives
 * the variables. Where the name that other tools produce (only `-` replaced) differs, that one is there too.
 */
export function upstreamVariables(upstreams: readonly Upstream[]): readonly Variable[] {
  const variables = new Map<string, Variable>();
  for (const { name, localBindAddress, localBindPort } of upstreams) {
    for (const stem of stems(name)) {
      for (const [suffix, value] of [
        ['HOST', localBindAddress],
        ['PORT', String(localBindPort)],
      ] as const) {
        const variable = { name: `${stem}_CONNECT_SERVICE_${suffix}`, value };
        if (!variables.has(variable.name)) variables.set(variable.name, variable);
      }
    }
  }
  return [...variables.values()];
}

function stems(name: string): readonly string[] {
  const upper = name.toUpperCase();
  const plain = upper.replaceAll(/[^A-Z0-9_]/g, '_').replace(/^(?=[0-9])/, '_');
  const customary = upper.replaceAll('-', '_');
  // The API server refuses a variable that starts with a digit (k8s.io/apimachinery, validation.IsEnvVarName).
  return plain === customary || /^[0-9]/.test(customary) ? [plain] : [plain, customary];
}
