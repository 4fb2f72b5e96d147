/** What every catalog of Consul's kind does: run against the real one and against the embedded one. */
import { test } from 'node:test';
import type { CatalogUnderTest } from './catalog-client.ts';
import { dnsCases } from './dns-cases.ts';
import { httpCases } from './http-cases.ts';
import { transactionCases } from './transaction-cases.ts';

/** Makes a test of each case. */
export function testContract(catalog: () => CatalogUnderTest): void {
  for (const { what, run } of [...httpCases, ...transactionCases, ...dnsCases])
    test(what, () => run(catalog()));
}
