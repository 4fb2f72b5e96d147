/** The inverse of `inject`: removes what the record on the pod names. */
import { asString, elementsAt, isObject, property, textAt } from '../support/json.ts';
import { pointer } from '../support/json-patch.ts';
import { ANNOTATION_PREFIX, RECORD_ANNOTATION } from '../model/kubernetes-names.ts';
import type { DnsRecord } from './consul-dns.ts';
import { DATA_PATH } from './names.ts';
import { create, reverted, type PodEdit } from './pod-edit.ts';
import { HANDLERS } from './probe-rewrite.ts';
import { parentOf, parseRecord, type InjectionRecord, type RecordedProbe } from './record.ts';
import { dnsLists } from './resolver.ts';
import type { UninjectResult } from './result.ts';

/**
 * The operations that turn an injected pod back into what its author wrote.
 *
 * @param pod a pod, or the pod template of a workload (`{ metadata, spec }`)
 */
export function uninject(pod: unknown): UninjectResult {
  const metadata = property(pod, 'metadata');
  const annotations = property(metadata, 'annotations');
  const text = asString(property(annotations, RECORD_ANNOTATION));
  if (text === undefined) return withoutRecord(annotations);
  const parsed = parseRecord(text);
  if (parsed === undefined) {
    return {
      kind: 'invalid',
      problems: [{ at: RECORD_ANNOTATION, message: 'is damaged, so what was added is not known' }],
    };
  }
  return { kind: 'uninject', patch: reverted(editsIn(pod, lookupOf(parsed))) };
}

/** The lists of the record that are asked for each container. */
type Lookup = Omit<InjectionRecord, 'redirect' | 'variables' | 'mounts' | 'drained' | 'absent' | 'nulls'> &
  Readonly<Record<'variables' | 'mounts' | 'drained' | 'absent' | 'nulls', ReadonlySet<string>>> & {
    /** By container. */
    readonly probes: ReadonlyMap<string, readonly RecordedProbe[]>;
    readonly dns: DnsRecord | undefined;
  };

function lookupOf(record: InjectionRecord): Lookup {
  return {
    ...record,
    variables: new Set(record.variables),
    mounts: new Set(record.mounts),
    drained: new Set(record.drained),
    absent: new Set(record.absent),
    nulls: new Set(record.nulls),
    dns: record.redirect?.dns,
    probes: Map.groupBy(record.redirect?.probes ?? [], ({ container }) => container),
  };
}

function withoutRecord(annotations: unknown): UninjectResult {
  const status = `${ANNOTATION_PREFIX}connect-inject-status`;
  if (textAt(annotations, status) === '') return { kind: 'skip', reason: 'not-injected' };
  const message = `the pod was injected, but without ${RECORD_ANNOTATION}: not by Tandem, or the record was removed`;
  return { kind: 'invalid', problems: [{ at: status, message }] };
}

/** The edits that the record names and that the pod still has, with the present values. */
function editsIn(pod: unknown, record: Lookup): PodEdit[] {
  const spec = property(pod, 'spec');
  return [
    ...metadataEdits(property(pod, 'metadata'), record),
    ...named(spec, 'volumes', record),
    ...named(spec, 'containers', record),
    ...named(spec, 'initContainers', record),
    ...authorsEdits(spec, 'containers', record),
    ...authorsEdits(spec, 'initContainers', record),
    ...(record.dns === undefined ? [] : dnsEdits(spec, record.dns, record)),
  ];
}

function named(spec: unknown, list: 'volumes' | 'containers' | 'initContainers', record: Lookup): PodEdit[] {
  const added = new Set(record[list]);
  return elementEdits(pointer('spec', list), `spec.${list}`, elementsAt(spec, list), record, (element) =>
    added.has(nameOf(element)),
  );
}

function authorsEdits(spec: unknown, list: 'containers' | 'initContainers', record: Lookup): PodEdit[] {
  const added = new Set(record[list]);
  return elementsAt(spec, list).flatMap((container, index) =>
    added.has(nameOf(container)) ? [] : containerEdits(pointer('spec', list, index), container, record),
  );
}

function containerEdits(path: string, container: unknown, record: Lookup): PodEdit[] {
  const name = nameOf(container);
  const elements = (field: 'env' | 'volumeMounts', isAdded: (element: unknown) => boolean): PodEdit[] =>
    elementEdits(`${path}/${field}`, parentOf(name, field), elementsAt(container, field), record, isAdded);
  return [
    ...elements('env', isAddedVariable(name, record)),
    ...elements(
      'volumeMounts',
      (mount) => record.mounts.has(name) && property(mount, 'mountPath') === DATA_PATH,
    ),
    ...drainEdits(`${path}/lifecycle`, property(container, 'lifecycle'), name, record),
    ...(record.probes.get(name) ?? []).flatMap((probe) => probeEdits(path, container, probe)),
  ];
}

/** A port that is no longer Tandem's stays. */
function probeEdits(path: string, container: unknown, { probe, port, to }: RecordedProbe): PodEdit[] {
  const at = probe.split('.');
  const asked = at.reduce(property, container);
  // The first one, as it was found: a manifest that no API server has checked may have two.
  const handler = HANDLERS.find((each) => property(property(asked, each), 'port') === to);
  if (handler === undefined) return [];
  return [{ kind: 'set', path: path + pointer(...at, handler, 'port'), before: port, after: to }];
}

/** The added variables come first, so only the first one of a name is Tandem's. */
function isAddedVariable(container: string, record: Lookup): (element: unknown) => boolean {
  const kept = new Set(property(record.kept, container) as readonly string[] | undefined);
  const seen = new Set<string>();
  return (element) => {
    const variable = nameOf(element);
    if (!record.variables.has(variable) || kept.has(variable) || seen.has(variable)) return false;
    seen.add(variable);
    return true;
  };
}

/** A hook that is no longer Tandem's, because somebody has replaced it, stays. */
function drainEdits(path: string, lifecycle: unknown, container: string, record: Lookup): PodEdit[] {
  const hook = property(lifecycle, 'preStop');
  if (!isObject(lifecycle) || !record.drained.has(container) || !isSleepOnly(hook)) return [];
  const isAlone = Object.keys(lifecycle).length === 1;
  const whole = isAlone ? wholeEdit(path, parentOf(container, 'lifecycle'), lifecycle, record) : undefined;
  const preStop = `${path}/preStop`;
  return [
    whole ??
      wholeEdit(preStop, parentOf(container, 'lifecycle.preStop'), hook, record) ?? {
        kind: 'add',
        path: preStop,
        value: hook,
      },
  ];
}

function isSleepOnly(hook: unknown): boolean {
  return isObject(hook) && Object.keys(hook).join() === 'sleep';
}

/** A policy that is no longer Tandem's stays, together with the DNS settings. */
function dnsEdits(spec: unknown, dns: DnsRecord, record: Lookup): PodEdit[] {
  const path = '/spec/dnsPolicy';
  const after = property(spec, 'dnsPolicy');
  if (after !== 'None') return [];
  const policy = wholeEdit(path, 'spec.dnsPolicy', after, record) ?? {
    kind: 'set',
    path,
    before: dns.policy,
    after,
  };
  const config = property(spec, 'dnsConfig');
  const made = wholeEdit('/spec/dnsConfig', 'spec.dnsConfig', config, record);
  if (made !== undefined) return [policy, ...(config === undefined ? [] : [made])];
  const lists = dnsLists.flatMap((key) => {
    let left = dns[key];
    const isAdded = (): boolean => left-- > 0;
    const at = pointer('spec', 'dnsConfig', key);
    return elementEdits(at, `spec.dnsConfig.${key}`, elementsAt(config, key), record, isAdded);
  });
  return [policy, ...lists];
}

/** If nothing else is left of a list that did not exist before, one edit removes it. */
function elementEdits(
  path: string,
  place: string,
  elements: readonly unknown[],
  record: Lookup,
  isAdded: (element: unknown) => boolean,
): PodEdit[] {
  const found = elements.flatMap((value, index): PodEdit[] =>
    isAdded(value) ? [{ kind: 'add', path: `${path}/${index}`, value }] : [],
  );
  const isWhole = found.length > 0 && found.length === elements.length;
  const whole = isWhole ? wholeEdit(path, place, elements, record) : undefined;
  return whole === undefined ? found : [whole];
}

/** Undefined for a parent that was there before. */
function wholeEdit(path: string, place: string, value: unknown, record: Lookup): PodEdit | undefined {
  if (record.absent.has(place)) return create(path, 'absent', value);
  return record.nulls.has(place) ? create(path, 'null', value) : undefined;
}

const MAPS = ['annotations', 'labels'] as const;

function metadataEdits(metadata: unknown, record: Lookup): PodEdit[] {
  const isEmptied = MAPS.every((key) => isLeftOf(record[key], property(metadata, key)));
  const isWhole = isEmptied && Object.keys(metadata ?? {}).length === MAPS.length;
  const whole = isWhole ? wholeEdit('/metadata', 'metadata', metadata, record) : undefined;
  return whole === undefined ? MAPS.flatMap((key) => mapEdits(metadata, key, record)) : [whole];
}

/** Whether a map has nothing except what was added. */
function isLeftOf(added: readonly string[], map: unknown): boolean {
  const names = new Set(added);
  return isObject(map) && Object.keys(map).every((key) => names.has(key));
}

function mapEdits(metadata: unknown, key: (typeof MAPS)[number], record: Lookup): PodEdit[] {
  const map = property(metadata, key);
  const whole = isLeftOf(record[key], map)
    ? wholeEdit(pointer('metadata', key), `metadata.${key}`, map, record)
    : undefined;
  if (whole !== undefined) return [whole];
  const previous = record.previous[key];
  return record[key].flatMap((name): PodEdit[] => {
    const path = pointer('metadata', key, name);
    const after = property(map, name);
    if (after === undefined) return [];
    return Object.hasOwn(previous, name)
      ? [{ kind: 'set', path, before: previous[name], after }]
      : [{ kind: 'add', path, value: after }];
  });
}

function nameOf(element: unknown): string {
  return textAt(element, 'name');
}
