/** Typed reading of one pod's annotations that collects every problem instead of stopping at the first. */
import type { Problem } from '../model/problem.ts';
import type { JsonObject } from '../support/json.ts';
import { isPort } from '../support/port.ts';
import { BOOLEAN_WORDS, mustBeString, parseBoolean, parseWholeNumber, quote } from '../support/text.ts';
import { annotationKey, ownAnnotations, type AnnotationName } from './annotations.ts';
import { parseQuantity } from './quantity.ts';
import type { Warning, WarningReason } from './result.ts';

export type AnnotationReader = {
  readonly has: (name: AnnotationName) => boolean;
  /** The text, or undefined when the annotation is absent. */
  readonly text: (name: AnnotationName) => string | undefined;
  readonly boolean: (name: AnnotationName, fallback: boolean) => boolean;
  /** @param bounds inclusive */
  readonly wholeNumber: (name: AnnotationName, fallback: number, bounds: Bounds) => number;
  readonly quantity: (name: AnnotationName, fallback: string | undefined) => string | undefined;
  /** An absolute path of a URL. */
  readonly path: (name: AnnotationName, fallback: string) => string;
  /** An absolute path of a file. */
  readonly filePath: (name: AnnotationName) => string | undefined;
  /** A number, or the name of a container port. */
  readonly port: (
    name: AnnotationName,
    fallback: number | undefined,
    named: ReadonlyMap<string, number>,
  ) => number | undefined;
  readonly problem: (name: string, message: string) => void;
  /** @param at path of a field in the pod */
  readonly fieldProblem: (at: string, message: string) => void;
  readonly warn: (reason: WarningReason, name: string, message: string) => void;
  /** @param at path of a field in the pod */
  readonly fieldWarn: (reason: WarningReason, at: string, message: string) => void;
  readonly problems: readonly Problem[];
  readonly warnings: readonly Warning[];
};

type Bounds = { readonly min: number; readonly max: number };

export function annotationReader(annotations: JsonObject): AnnotationReader {
  const problems: Problem[] = [];
  const warnings: Warning[] = [];
  const own = ownAnnotations(annotations);

  const problem = (name: string, message: string): void => {
    problems.push({ at: annotationKey(name), message });
  };
  const text = (name: AnnotationName): string | undefined => {
    const value = own.get(name);
    if (typeof value === 'string' && value.includes('\0')) {
      // No argument, variable or path of a process can hold it.
      problem(name, `${quote(value)} holds a NUL character`);
      return undefined;
    }
    if (value === undefined || value === null || typeof value === 'string') return value ?? undefined;
    problem(name, mustBeString(value));
    return undefined;
  };
  function read<T>(
    name: AnnotationName,
    fallback: T,
    expected: () => string,
    parse: (value: string) => T | undefined,
  ): T {
    const value = text(name);
    if (value === undefined) return fallback;
    const result = parse(value);
    if (result === undefined) problem(name, `${quote(value)} is not ${expected()}`);
    return result ?? fallback;
  }
  const textThat = <T extends string | undefined>(
    isRight: (value: string) => boolean,
    name: AnnotationName,
    fallback: T,
    expected: string,
  ): string | T =>
    read<string | T>(
      name,
      fallback,
      () => expected,
      (value) => (isRight(value) ? value : undefined),
    );

  return {
    has: (name) => (own.get(name) ?? undefined) !== undefined,
    text,
    problem,
    fieldProblem: (at, message) => problems.push({ at, message }),
    problems,
    warnings,
    fieldWarn: (reason, at, message) => warnings.push({ reason, at, message }),
    warn: (reason, name, message) => warnings.push({ reason, at: annotationKey(name), message }),
    boolean: (name, fallback) => read(name, fallback, () => `one of ${BOOLEAN_WORDS}`, parseBoolean),
    wholeNumber: (name, fallback, bounds) =>
      read(
        name,
        fallback,
        () => `a whole number from ${bounds.min} to ${bounds.max}`,
        (value) => numberWithin(bounds, parseWholeNumber(value)),
      ),
    quantity: (name, fallback) =>
      textThat(isQuantity, name, fallback, 'a Kubernetes quantity such as 100m or 64Mi'),
    filePath: (name) => textThat(isFilePath, name, undefined, 'an absolute path such as /certs/ca.pem'),
    path: (name, fallback) => textThat(isUrlPath, name, fallback, 'a path such as /metrics'),
    port: (name, fallback, named) =>
      read<number | undefined>(
        name,
        fallback,
        () => 'the name of a TCP container port or a number from 1 to 65535',
        (value) => {
          const number = named.get(value) ?? parseWholeNumber(value);
          return isPort(number) ? number : undefined;
        },
      ),
  };
}

function numberWithin({ min, max }: Bounds, number: number | undefined): number | undefined {
  return number !== undefined && number >= min && number <= max ? number : undefined;
}

function isQuantity(text: string): boolean {
  return parseQuantity(text) !== undefined;
}

// Linux, PATH_MAX, with its terminator.
const PATH_LENGTH = 4095;

function isFilePath(text: string): boolean {
  return text.length <= PATH_LENGTH && /^\/[^\p{Cc}]*$/u.test(text);
}

/** RFC 3986, section 3.3: segments of pchar. At most 256 characters, which is far above any path in use. */
export function isUrlPath(text: string): boolean {
  return /^\/[A-Za-z0-9\-._~!$&'()*+,;=:@%/]{0,255}$/.test(text);
}

/** RFC 3986, section 3.4: a query has `/` and `?`, too, and is as long here as a path. */
export function isPathAndQuery(text: string): boolean {
  const [path = '', ...query] = text.split('?');
  return isUrlPath(path) && isUrlPath(`/${query.join('/')}`);
}
