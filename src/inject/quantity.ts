/**
 * Kubernetes quantities (`100m`, `64Mi`, `1e3`), read far enough to be validated and compared.
 * Source: k8s.io/apimachinery/pkg/api/resource, the grammar in the comment of Quantity.
 */

const FACTORS: ReadonlyMap<string, number> = new Map([
  ['n', 1e-9],
  ['u', 1e-6],
  ['m', 1e-3],
  ['', 1],
  ['k', 1e3],
  ['M', 1e6],
  ['G', 1e9],
  ['T', 1e12],
  ['P', 1e15],
  ['E', 1e18],
  ['Ki', 2 ** 10],
  ['Mi', 2 ** 20],
  ['Gi', 2 ** 30],
  ['Ti', 2 ** 40],
  ['Pi', 2 ** 50],
  ['Ei', 2 ** 60],
]);

/**
 * The quantity as a number of its base unit (cores, bytes), for comparison only; undefined for an invalid text or a
 * negative quantity, which Kubernetes refuses for resources.
 */
export function parseQuantity(text: string): number | undefined {
  const match =
    /^\+?([0-9]{1,30}(?:\.[0-9]{0,30})?|\.[0-9]{1,30})(?:([eE][+-]?[0-9]{1,3})|([numkMGTPE]|[KMGTPE]i)?)$/.exec(
      text,
    );
  if (match === null) return undefined;
  const [, digits = '', exponent = '', suffix = ''] = match;
  const factor = FACTORS.get(suffix);
  return factor === undefined ? undefined : Number(`${digits}${exponent}`) * factor;
}
