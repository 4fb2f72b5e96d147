/** A golden case: flags, request and pod in input.yaml, and what the engine makes of them. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { injectFlags, injectSettings } from '../../src/config/inject-settings.ts';
import { parseFlags } from '../../src/config/parse-flags.ts';
import { parseResolver } from '../../src/inject/resolver.ts';
import { inject } from '../../src/inject/inject.ts';
import type { InjectResult } from '../../src/inject/result.ts';

export type GoldenCase = {
  readonly base?: string;
  readonly flags?: readonly string[];
  readonly native?: boolean;
  /** Whether the cluster has a `preStop` that sleeps. */
  readonly sleep?: boolean;
  /** The file /etc/resolv.conf of the webhook. */
  readonly resolver?: string;
  readonly kind?: string;
  readonly operation?: string;
  readonly namespace?: string;
  readonly pod: unknown;
};

export const GOLDEN_FOLDER = import.meta.dirname;

export function goldenNames(): readonly string[] {
  return readdirSync(GOLDEN_FOLDER, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);
}

export function readGoldenCase(name: string): GoldenCase {
  return parse(readFileSync(join(GOLDEN_FOLDER, name, 'input.yaml'), 'utf8')) as GoldenCase;
}

export function goldenResult(input: GoldenCase): InjectResult {
  const { flags = [], native = true, sleep = true, kind = 'v1/Pod', operation = 'CREATE' } = input;
  const { namespace = 'default', pod } = input;
  const resolver = input.resolver === undefined ? undefined : parseResolver(input.resolver);
  const parsed = parseFlags(injectFlags, flags, {});
  assert.ok(parsed.ok);
  // As the webhook reads it: from the cluster, in dataplane mode.
  const owner = parsed.values.proxyMode === 'dataplane' ? { owner: '0a1b2c3d' } : {};
  const facts = { version: '0.0.0', nativeSidecar: native, preStopSleep: sleep, ownNamespace: 'tandem', resolver };
  return inject({ kind, operation, namespace, object: pod }, injectSettings(parsed.values, { ...facts, ...owner }));
}
