/** The embedded catalog does what Consul does. */
import { after, before } from 'node:test';
import { startEmbeddedConsul, type EmbeddedConsul } from '../../../dev/embedded/embedded-consul.ts';
import { testContract } from '../../contract/cases.ts';

let catalog: EmbeddedConsul;
before(async () => {
  catalog = await startEmbeddedConsul();
});
after(() => catalog.close());

testContract(() => catalog);
