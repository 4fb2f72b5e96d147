/** What the shared Secret holds, and how it is written down. */
import { asObject, parseJson, textAt } from '../support/json.ts';
import { isSigningPair, readCas, type Ca } from './certificate-facts.ts';
import type { KeyPair } from './key-pair.ts';

/** Texts by key, as in `stringData`; undefined when there is no Secret. */
export type SecretTexts = Readonly<Record<string, string>> | undefined;

/** A CA that signs no more; it is published until nothing that it signed can be served. */
export type OlderCa = Ca & {
  /** Milliseconds since the epoch; undefined when nobody has written it down yet. */
  readonly leavesAt: number | undefined;
};

type SharedContent = {
  /** The CA that signs, when its key is there and belongs to it. */
  readonly ca: (Ca & { readonly key: string }) | undefined;
  readonly older: readonly OlderCa[];
  /** As it stands there, garbage included; undefined when there is none yet. */
  readonly serving: KeyPair | undefined;
};

/** Beside the keys of `kubernetes.io/tls`: when each older CA leaves, by its id, as JSON. */
const LEAVING = 'ca-leaving';

/**
 * Never fails: what cannot be used is left out.
 *
 * | key          |                                                         |
 * | ------------ | ------------------------------------------------------- |
 * | `ca.crt`     | all CAs (PEM), the one that signs first                 |
 * | `ca.key`     | the key of the first                                    |
 * | `ca-leaving` | `{"<SHA-256 of an older CA>": "<RFC 3339 time>"}`       |
 * | `tls.crt`    | what is served; empty until its CA is published         |
 * | `tls.key`    | its key                                                 |
 */
export function readContent(texts: SecretTexts): SharedContent {
  const text = (key: string): string => textAt(texts, key);
  const [first, ...rest] = readCas(text('ca.crt'));
  const key = text('ca.key');
  const isUsable = first !== undefined && isSigningPair({ certificate: first.certificate, key });
  const leaving = readLeaving(text(LEAVING));
  const serving = { certificate: text('tls.crt'), key: text('tls.key') };
  return {
    ca: isUsable ? { ...first, key } : undefined,
    older: [...(first === undefined || isUsable ? [] : [first]), ...rest].map((ca) => ({
      ...ca,
      leavesAt: leaving.get(ca.id),
    })),
    serving: serving.certificate === '' && serving.key === '' ? undefined : serving,
  };
}

/** Both keys of the pair are always there: the type `kubernetes.io/tls` asks for them. */
export function writeContent(content: {
  readonly ca: KeyPair | undefined;
  readonly older: readonly OlderCa[];
  readonly serving: KeyPair | undefined;
}): Readonly<Record<string, string>> {
  const { ca, older, serving } = content;
  const leaving = older.flatMap(({ id, leavesAt }) =>
    leavesAt === undefined ? [] : [[id, new Date(leavesAt).toISOString()] as const],
  );
  return {
    'ca.crt': [...(ca === undefined ? [] : [ca]), ...older].map(({ certificate }) => certificate).join(''),
    'ca.key': ca?.key ?? '',
    [LEAVING]: JSON.stringify(Object.fromEntries(leaving)),
    'tls.crt': serving?.certificate ?? '',
    'tls.key': serving?.key ?? '',
  };
}

function readLeaving(text: string): ReadonlyMap<string, number> {
  const entries = Object.entries(asObject(parseJson(text))).map(
    ([id, time]) => [id, Date.parse(String(time))] as const,
  );
  return new Map(entries.filter(([, time]) => !Number.isNaN(time)));
}
