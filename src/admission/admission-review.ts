/**
 * The AdmissionReview of `admission.k8s.io`, versions v1 and v1beta1: a request out of a body, and the body of an answer.
 * Source: Kubernetes, "Dynamic Admission Control", and k8s.io/api/admission/v1.
 */
import type { Problem } from '../model/problem.ts';
import type { InjectRequest } from '../inject/decide.ts';
import { describeProblems, shortened, warningText, type Warning } from '../inject/result.ts';
import { asString, isObject, property, textAt } from '../support/json.ts';
import { quote } from '../support/text.ts';

const VERSIONS = ['admission.k8s.io/v1', 'admission.k8s.io/v1beta1'] as const;
type Version = (typeof VERSIONS)[number];

export type AdmissionRequest = InjectRequest & {
  readonly apiVersion: Version;
  readonly uid: string;
  /** `metadata.name`, or `metadata.generateName` of a pod that has no name yet. */
  readonly name: string;
  /** With an UPDATE, the stored object. */
  readonly oldObject: unknown;
};

type DecodedReview =
  | { readonly ok: true; readonly request: AdmissionRequest }
  /** `why` is a sentence for the caller; nothing can be answered as an AdmissionReview without a uid. */
  | { readonly ok: false; readonly why: string };

/**
 * @param body the text of the HTTP request, undefined when there was none
 * @param shorten removes from the text what nobody reads
 */
export function decodeReview(
  body: string | undefined,
  shorten: (body: string) => string = (text) => text,
): DecodedReview {
  if (body === undefined || body.trim() === '')
    return undecodable('the request has no body; expected an AdmissionReview');
  let review: unknown;
  try {
    review = JSON.parse(shorten(body));
  } catch {
    return undecodable(`the body is not JSON${positionOf(errorIn(body))}`);
  }
  const apiVersion = VERSIONS.find((version) => version === property(review, 'apiVersion'));
  if (property(review, 'kind') !== 'AdmissionReview' || apiVersion === undefined)
    return undecodable(wrongVersion(review));
  const request = property(review, 'request');
  const uid = textAt(request, 'uid');
  if (!isObject(request)) return undecodable('the AdmissionReview has no request');
  if (uid === '') return undecodable('the request of the AdmissionReview has no uid');
  return { ok: true, request: readRequest(apiVersion, uid, request) };
}

// What an API server writes in front of it are names, each of at most 253 characters (k8s.io/api/admission/v1, AdmissionRequest).
const FRONT = 2048;

/** The namespace of a request that is not read yet. An API server writes it in front of the object; empty where it is not there. */
export function namespaceIn(body: Uint8Array): string {
  const front = Buffer.from(body.buffer, body.byteOffset, Math.min(body.length, FRONT)).toString('latin1');
  return /"object":|"namespace":"([a-z0-9-]{1,63})"/.exec(front)?.[1] ?? '';
}

function errorIn(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch (error) {
    return error;
  }
}

/** Only the place: the rest of the message quotes the body, and a pod never reaches a log. */
function positionOf(error: unknown): string {
  const place = / at position [0-9]+/.exec(error instanceof Error ? error.message : '');
  return place === null ? '' : `, error${place[0]}`;
}

function undecodable(why: string): DecodedReview {
  return { ok: false, why };
}

function wrongVersion(review: unknown): string {
  const apiVersion = property(review, 'apiVersion');
  const kind = property(review, 'kind');
  const found = `${quote(asString(apiVersion) ?? 'no apiVersion')} ${quote(asString(kind) ?? 'no kind')}`;
  return `the body is ${found}; expected an AdmissionReview of ${VERSIONS.join(' or ')}`;
}

function readRequest(apiVersion: Version, uid: string, request: object): AdmissionRequest {
  const object = property(request, 'object') ?? undefined;
  const metadata = property(object, 'metadata');
  const name = asString(property(metadata, 'name') ?? property(request, 'name')) ?? '';
  return {
    apiVersion,
    uid,
    kind: readKind(property(request, 'kind')),
    operation: textAt(request, 'operation'),
    namespace: textAt(request, 'namespace'),
    name: name === '' ? textAt(metadata, 'generateName') : name,
    object,
    oldObject: property(request, 'oldObject') ?? undefined,
  };
}

/** `v1/Pod`, `apps/v1/Deployment`. */
function readKind(kind: unknown): string {
  const parts = ['group', 'version', 'kind'].map((key) => textAt(kind, key));
  return parts.filter((part) => part !== '').join('/');
}

type Answer = Pick<AdmissionRequest, 'apiVersion' | 'uid'>;

/** Allowed, nothing changes. */
export function allowed(request: Answer, warnings: readonly Warning[]): string {
  return encode(request, { allowed: true, ...warned(warnings) });
}

/**
 * Allowed, with a patch of RFC 6902.
 *
 * @param patch in base64
 * @returns the size in bytes too, because V8 would copy a long text once to count its bytes, and again to send it
 */
export function patched(
  request: Answer,
  patch: string,
  warnings: readonly Warning[],
): { readonly text: string; readonly bytes: number } {
  const text = encode(request, { allowed: true, patchType: 'JSONPatch', ...warned(warnings), patch: '' });
  // Base64 needs no escapes, and the patch is nearly all of the answer: it is inserted as it is, not scanned again.
  const place = text.length - '"}}'.length;
  return {
    text: text.slice(0, place) + patch + text.slice(place),
    bytes: Buffer.byteLength(text) + patch.length,
  };
}

/** Refused; the message reaches the developer through `kubectl describe replicaset`. */
export function denied(request: Answer, problems: readonly Problem[], warnings: readonly Warning[]): string {
  const status = { code: 422, reason: 'Invalid', message: describeProblems(problems) };
  return encode(request, { allowed: false, status, ...warned(warnings) });
}

/**
 * A bug of ours.
 *
 * @param isAllowed whether the object is admitted nevertheless
 * @param errorId stands beside the error in the log
 */
export function errored(request: Answer, isAllowed: boolean, errorId: string): string {
  const [what, after] = isAllowed ? ['config entry', ', which is not checked'] : ['pod', ''];
  const message = `Tandem failed on this ${what}${after}; its log has the details under error id ${errorId}`;
  return isAllowed
    ? encode(request, { allowed: true, warnings: [message] })
    : encode(request, { allowed: false, status: { code: 500, reason: 'InternalError', message } });
}

function encode({ apiVersion, uid }: Answer, response: object): string {
  return JSON.stringify({ apiVersion, kind: 'AdmissionReview', response: { uid, ...response } });
}

// The API server passes on 4,096 characters of warnings, each of at most 256 (k8s.io/apiserver,
// pkg/endpoints/filters/warning.go).
const WARNINGS_LENGTH = 4096;

function warned(warnings: readonly Warning[]): { readonly warnings?: readonly string[] } {
  let room = WARNINGS_LENGTH;
  const kept = warnings
    .map((warning) => shortened(warningText(warning)))
    .filter((warning) => (room -= warning.length) >= 0);
  return kept.length === 0 ? {} : { warnings: kept };
}
