/** Volumes and mounts that the author of a pod gives to its sidecar, checked for what an API server or a kubelet would refuse. */
import { isDnsLabel } from '../support/dns-name.ts';
import {
  asString,
  isNestedAtMost,
  isObject,
  parseJson,
  someText,
  textAt,
  type JsonObject,
} from '../support/json.ts';
import { quote } from '../support/text.ts';
import type { AnnotationReader } from './annotation-reader.ts';
import type { AnnotationName } from './annotations.ts';
import { CA_PATH, DATA_PATH, RESERVED_VOLUMES, TOKEN_PATH } from './names.ts';
import type { Pod } from './pod.ts';

type UserVolumes = {
  readonly userVolumes: readonly JsonObject[];
  readonly userVolumeMounts: readonly JsonObject[];
};

export function readUserVolumes(pod: Pod, reader: AnnotationReader): UserVolumes {
  const userVolumes = readJsonList(reader, VOLUMES, ['name']);
  const userVolumeMounts = readJsonList(reader, MOUNTS, ['name', 'mountPath']);
  checkVolumes(pod, userVolumes, reader);
  checkMounts(pod, userVolumes, userVolumeMounts, reader);
  return { userVolumes, userVolumeMounts };
}

const VOLUMES = 'consul-sidecar-user-volume';
const MOUNTS = 'consul-sidecar-user-volume-mount';

function checkVolumes(pod: Pod, volumes: readonly JsonObject[], reader: AnnotationReader): void {
  if (volumes.length === 0) return;
  const seen = new Set(pod.volumes);
  for (const volume of volumes) {
    const name = nameOf(volume);
    const wrong = wrongVolume(volume, name, seen);
    if (wrong !== undefined) reader.problem(VOLUMES, wrong);
    seen.add(name);
  }
}

function wrongVolume(volume: JsonObject, name: string, seen: ReadonlySet<string>): string | undefined {
  if (!isDnsLabel(name))
    return `${quote(name)} is not a valid volume name: 1 to 63 of a-z 0-9 and -, starting and ending with a letter or digit`;
  if (RESERVED_VOLUMES.has(name)) return `the volume name ${quote(name)} is reserved for Tandem`;
  if (seen.has(name)) return `the pod already has a volume ${quote(name)}`;
  // A volume without a source is an emptyDir (k8s.io/kubernetes, SetDefaults_Volume).
  const sources = Object.entries(volume).filter(([key, source]) => key !== 'name' && source !== null);
  return sources.length <= 1 && sources.every(([, source]) => isObject(source))
    ? undefined
    : `the volume ${quote(name)} has more than one source, or one that is not a map; expected one such as "configMap": {"name": "…"}`;
}

function checkMounts(
  pod: Pod,
  volumes: readonly JsonObject[],
  mounts: readonly JsonObject[],
  reader: AnnotationReader,
): void {
  if (mounts.length === 0) return;
  const known = new Set([...pod.volumes, ...volumes.map(nameOf)]);
  const taken = new Set<string>();
  for (const mount of mounts) {
    const path = asString(mount['mountPath']) ?? '';
    const place = `/${segmentsOf(path).join('/')}`;
    const wrong = known.has(nameOf(mount))
      ? wrongPath(path, place, taken)
      : `${quote(nameOf(mount))} is not a volume of the pod`;
    if (wrong !== undefined) reader.problem(MOUNTS, wrong);
    taken.add(place);
  }
}

function wrongPath(path: string, place: string, taken: ReadonlySet<string>): string | undefined {
  if (!path.startsWith('/') || place === '/' || segmentsOf(path).includes('..'))
    return `the mount path ${quote(path)} is not an absolute path below /`;
  if (taken.has(place)) return `two mounts have the path ${quote(place)}`;
  const ours = [DATA_PATH, CA_PATH, TOKEN_PATH].find(
    (each) => place === each || place.startsWith(`${each}/`) || each.startsWith(`${place}/`),
  );
  return ours === undefined
    ? undefined
    : `the mount path ${quote(path)} meets ${ours}, which is the sidecar's own`;
}

function segmentsOf(path: string): string[] {
  return path.split('/').filter((segment) => segment !== '' && segment !== '.');
}

function nameOf(element: JsonObject): string {
  return asString(element['name']) ?? '';
}

function readJsonList(
  reader: AnnotationReader,
  name: AnnotationName,
  required: readonly string[],
): readonly JsonObject[] {
  const text = reader.text(name);
  if (text === undefined || text.trim() === '') return [];
  const list = parseJson(text);
  const isUsable = (element: unknown): element is JsonObject =>
    isObject(element) && required.every((key) => textAt(element, key) !== '');
  if (!Array.isArray(list) || !list.every(isUsable)) {
    const keys = required.map(quote).join(' and ');
    reader.problem(name, `${quote(text)} is not a JSON array of objects with ${keys}`);
    return [];
  }
  const wrong = unusableJson(list);
  if (wrong === undefined) return list;
  reader.problem(name, `${quote(text)} ${wrong}`);
  return [];
}

// Twice the deepest field of a Kubernetes volume, `projected.sources[].downwardAPI.items[].resourceFieldRef.resource`;
// deeper nesting, by the thousand, would overflow the stack of whoever serializes it.
const MAX_DEPTH = 16;

/** Why a value of JSON can be part of no pod and no configuration. */
export function unusableJson(value: unknown): string | undefined {
  if (!isNestedAtMost(MAX_DEPTH, value)) return `is nested more than ${MAX_DEPTH} deep`;
  // No argument, variable or path of a process can hold it.
  if (someText(value, (text) => text.includes('\0'))) return 'holds a NUL character';
  // It changes on its way through UTF-8: what is read back is never what was written.
  return someText(value, isHalved) ? 'contains an incomplete character' : undefined;
}

/** Half of a surrogate pair, which JSON can escape. */
export function isHalved(text: string): boolean {
  return !text.isWellFormed();
}
