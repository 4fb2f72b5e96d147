/** Typed reading of one pod's annotations that collects every problem instead of stopping at the first. */
import { property, type JsonObject } from '../support/json.ts';
import { BOOLEAN_WORDS, parseBoolean, parseWholeNumber, quote } from '../support/text.ts';
import { annotationKey, type AnnotationName } from './annotations.ts';
import { parseQuantity } from './quantity.ts';
import type { Problem, Warning, WarningReason } from './result.ts';

export type AnnotationReader = {
  /** The text, or undefined when the annotation is absent. */
  readonly text: (name: AnnotationName) => string | undefined;
  readonly boolean: (name: AnnotationName, fallback: boolean) => boolean;
  /** @param bounds inclusive */
  readonly wholeNumber: (name: AnnotationName, fallback: number, bounds: Bounds) => number;
  readonly quantity: (name: AnnotationName, fallback: string | undefined) => string | undefined;
  /** An absolute path of a URL. */
  readonly path: (name: AnnotationName, fallback: string) => string;
  readonly problem: (name: string, message: string) => void;
  readonly warn: (reason: WarningReason, name: string, message: string) => void;
  readonly problems: readonly Problem[];
  readonly warnings: readonly Warning[];
};

type Bounds = { readonly min: number; readonly max: number };

export function annotationReader(annotations: JsonObject): AnnotationReader {
  const problems: Problem[] = [];
  const warnings: Warning[] = [];

  const problem = (name: string, message: string): void => {
    problems.push({ at: annotationKey(name), message });
  };
  const text = (name: AnnotationName): string | undefined => {
    const value = property(annotations, annotationKey(name));
    if (value === undefined || value === null || typeof value === 'string') return value ?? undefined;
    problem(name, `${JSON.stringify(value)} is no string; put it in quotes`);
    return undefined;
  };
  function read<T>(
    name: AnnotationName,
    fallback: T,
    expected: string,
    parse: (value: string) => T | undefined,
  ): T {
    const value = text(name);
    if (value === undefined) return fallback;
    const result = parse(value);
    if (result === undefined) problem(name, `${quote(value)} is not ${expected}`);
    return result ?? fallback;
  }

  return {
    text,
    problem,
    problems,
    warnings,
    warn: (reason, name, message) => warnings.push({ reason, at: annotationKey(name), message }),
    boolean: (name, fallback) => read(name, fallback, `one of ${BOOLEAN_WORDS}`, parseBoolean),
    wholeNumber: (name, fallback, { min, max }) =>
      read(name, fallback, `a whole number from ${min} to ${max}`, (value) => {
        const number = parseWholeNumber(value);
        return number !== undefined && number >= min && number <= max ? number : undefined;
      }),
    quantity: (name, fallback) =>
      read<string | undefined>(name, fallback, 'a Kubernetes quantity such as 100m or 64Mi', (value) =>
        parseQuantity(value) === undefined ? undefined : value,
      ),
    path: (name, fallback) =>
      read(name, fallback, 'a path such as /metrics', (value) => (isUrlPath(value) ? value : undefined)),
  };
}

/** RFC 3986, section 3.3: segments of pchar. At most 256 characters, which is far above any path in use. */
export function isUrlPath(text: string): boolean {
  return /^\/[A-Za-z0-9\-._~!$&'()*+,;=:@%/]{0,255}$/.test(text);
}
