/** One admission: the text of a request in, the answer and what is reported of it out. */
import {
  allowed,
  decodeReview,
  denied,
  errored,
  patched,
  type AdmissionRequest,
} from '../admission/admission-review.ts';
import type { EntryAdmission } from '../admission/admit-entry.ts';
import type { PodAdmission } from '../admission/admit-pod.ts';
import type { Warning } from '../inject/result.ts';

/** One answered request, for log and metrics. Never holds the object. */
export type AdmissionOutcome = {
  readonly result: 'injected' | 'allowed' | 'denied' | 'error' | 'bad-request';
  /** A skip reason, one of a config entry, or `injected`, `invalid`, `internal`, `bad-request`. */
  readonly reason: string;
  readonly seconds: number;
  readonly uid?: string;
  readonly namespace?: string;
  /** For anything but a pod with its kind, `ServiceIntentions/web`. */
  readonly name?: string;
  /** What was wrong: the places of the problems, or the reason of a bad request. */
  readonly detail?: string;
  /** The warnings for the author. */
  readonly warnings?: readonly Warning[];
  /** With `error` only: the id that the caller was given, and the error itself. */
  readonly errorId?: string;
  readonly error?: unknown;
};

export type AdmissionAnswer = {
  readonly status: 200 | 400 | 413;
  readonly type: 'application/json' | 'text/plain';
  readonly body: string;
  /** Of the body in UTF-8. */
  readonly bytes: number;
  readonly outcome: Omit<AdmissionOutcome, 'seconds'>;
};

// The longest name that Kubernetes allows, a DNS subdomain: the length of a log line does not depend on what a stranger sends.
const REPORTED_LENGTH = 253;

/** What is done at one path. */
export type Engine = {
  readonly decide: (request: AdmissionRequest) => PodAdmission | EntryAdmission;
  /** The text of a request without what `decide` does not read. */
  readonly shorten?: (body: string) => string;
  /** A bug of ours denies a pod, which would otherwise run outside the mesh, and nothing else. */
  readonly passesOnBug: boolean;
  /** Bodies up to this many bytes are all answered together in one turn. */
  readonly smallBytes: number;
  /** Whether a request takes long although its body is small. */
  readonly takesLong: (request: AdmissionRequest) => boolean;
  /** A body that is not small and has more JSON values than this is refused unread. */
  readonly mostValues: number;
};

/**
 * Throws on no input: a bug in the engine also becomes an answer.
 *
 * @param mayTakeLong if false, what takes long gets no answer: undefined
 */
export function answerAdmission(
  text: string | undefined,
  engine: Engine,
  newErrorId: () => string,
  mayTakeLong: boolean,
): AdmissionAnswer | undefined {
  const decoded = decodeReview(text, engine.shorten);
  if (!decoded.ok) return badRequest(400, decoded.why);
  const { request } = decoded;
  const answered = admit(request, engine, newErrorId, mayTakeLong);
  if (answered === undefined) return undefined;
  const { body, bytes, outcome } = answered;
  const uid = request.uid.slice(0, REPORTED_LENGTH);
  const namespace = request.namespace.slice(0, REPORTED_LENGTH);
  const name = shownName(request).slice(0, REPORTED_LENGTH);
  return {
    status: 200,
    type: 'application/json',
    body,
    bytes,
    outcome: { ...outcome, uid, namespace, name },
  };
}

function shownName({ kind, name }: AdmissionRequest): string {
  return kind === 'v1/Pod' ? name : `${kind.slice(kind.lastIndexOf('/') + 1)}/${name}`;
}

/** An answer to what is no admission request. */
export function badRequest<S extends number>(status: S, why: string) {
  const outcome = { result: 'bad-request', reason: 'bad-request', detail: why } as const;
  return { status, type: 'text/plain', ...counted(`${why}\n`), outcome } as const;
}

type Admitted = Pick<AdmissionAnswer, 'body' | 'bytes' | 'outcome'>;

function counted(body: string): Pick<AdmissionAnswer, 'body' | 'bytes'> {
  return { body, bytes: Buffer.byteLength(body) };
}

function admit(
  request: AdmissionRequest,
  { decide, takesLong, passesOnBug }: Engine,
  newErrorId: () => string,
  mayTakeLong: boolean,
): Admitted | undefined {
  try {
    if (!mayTakeLong && takesLong(request)) return undefined;
    return admitted(request, decide(request));
  } catch (error) {
    const errorId = newErrorId();
    return {
      ...counted(errored(request, passesOnBug, errorId)),
      outcome: { result: 'error', reason: 'internal', errorId, error },
    };
  }
}

// The places of a few dozen problems; how many there are is up to a stranger.
const DETAIL_LENGTH = 2000;

function placesOf(problems: readonly { readonly at: string }[]): string {
  const places = [...new Set(problems.map(({ at }) => at))].join(' ');
  return places.length <= DETAIL_LENGTH ? places : `${places.slice(0, DETAIL_LENGTH)}…`;
}

function admitted(request: AdmissionRequest, result: PodAdmission | EntryAdmission): Admitted {
  switch (result.kind) {
    case 'skip':
      return {
        ...counted(allowed(request, result.warnings)),
        outcome: { result: 'allowed', reason: result.reason, warnings: result.warnings },
      };
    case 'invalid': {
      // Places only: the texts are the user's, and may be long.
      const detail = placesOf(result.problems);
      return {
        ...counted(denied(request, result.problems, result.warnings)),
        outcome: { result: 'denied', reason: 'invalid', detail, warnings: result.warnings },
      };
    }
    case 'inject': {
      const { text, bytes } = patched(request, result.patch, result.warnings);
      return {
        body: text,
        bytes,
        outcome: { result: 'injected', reason: 'injected', warnings: result.warnings },
      };
    }
  }
}
