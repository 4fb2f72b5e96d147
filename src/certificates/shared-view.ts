/** What one replica knows of the cluster: the shared Secret, the bundles that are published, and for how long. */
import { readCas, readServing, type Serving } from './certificate-facts.ts';
import { settleLeft, type PublishedEntry, type RotationState } from './next-step.ts';
import { readContent, type SecretTexts } from './secret-content.ts';

/** As the API server told it last. */
type ClusterView = {
  readonly secret: SecretTexts;
  /** `caBundle` (PEM) of each entry of the webhook configuration; empty when that is not there. */
  readonly bundles: readonly string[];
  /** Bundles that are kept in step, and for which no certificate waits. */
  readonly alsoKept?: readonly string[];
  /** When one of them was last written, in milliseconds since the epoch; undefined when nobody knows. */
  readonly bundlesWrittenAt: number | undefined;
};

export type SharedView = {
  /** Takes what the API server told. */
  readonly take: (view: ClusterView) => void;
  readonly state: () => RotationState;
  /** What the Secret has to serve, or undefined when there is nothing or it cannot be used. */
  readonly serving: () => Serving | undefined;
  /** There is something to serve in the Secret, and no server could use it. */
  readonly isSpoilt: () => boolean;
  /** Whether every entry has a CA that signed the pair. False without entries. */
  readonly isPublished: (serving: Serving) => boolean;
  /** Milliseconds until that can be relied on. */
  readonly settleLeft: (serving: Serving, settle: number) => number;
  /** Whether an entry has any CA. */
  readonly hasCas: () => boolean;
};

type ViewOptions = {
  readonly hosts: readonly string[];
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Milliseconds that never jump. */
  readonly elapsed: () => number;
};

export function sharedView({ hosts, now, elapsed }: ViewOptions): SharedView {
  let secret: SecretTexts;
  let content = readContent(undefined);
  let serving: Serving | undefined;
  let entries: readonly PublishedEntry[] = [];
  let alsoKept: readonly string[] = [];
  /** CA → since when every entry has it. */
  let since: ReadonlyMap<string, number> = new Map();

  const everywhere = (id: string): boolean =>
    entries.length > 0 && entries.every(({ cas }) => cas.some((ca) => ca.id === id));
  return {
    take: (view) => {
      secret = view.secret;
      content = readContent(secret);
      alsoKept = view.alsoKept ?? [];
      entries = view.bundles.map((bundle) => ({ bundle, cas: readCas(bundle) }));
      const published = entries.flatMap(({ cas }) => cas);
      const known = [...(content.ca === undefined ? [] : [content.ca]), ...content.older, ...published];
      serving = content.serving === undefined ? undefined : readServing(content.serving, known, hosts);
      const ids = published.map(({ id }) => id).filter(everywhere);
      // A process that started after a CA was published has not seen the publication.
      const latest = elapsed() - Math.max(0, now() - (view.bundlesWrittenAt ?? Infinity));
      since = new Map(ids.map((id) => [id, Math.min(since.get(id) ?? Infinity, latest)]));
    },
    state: () => {
      const { ca, older } = content;
      const start = ca === undefined ? undefined : since.get(ca.id);
      return {
        now: now(),
        isSecretThere: secret !== undefined,
        ca,
        older,
        serving,
        entries,
        alsoKept,
        publishedFor: start === undefined ? undefined : elapsed() - start,
      };
    },
    serving: () => serving,
    isSpoilt: () => content.serving !== undefined && serving === undefined,
    isPublished: ({ issuer }) => issuer !== undefined && everywhere(issuer),
    settleLeft: ({ issuer = '' }, settle) => {
      const publishedFor = elapsed() - (since.get(issuer) ?? Infinity);
      return settleLeft({ now: now(), entries, publishedFor }, issuer, settle);
    },
    hasCas: () => entries.some(({ cas }) => cas.length > 0),
  };
}
