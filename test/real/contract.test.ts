/** The cases by which the embedded catalog is judged are what the real Consul does. */
import { testContract } from '../contract/cases.ts';
import { startConsul } from './harness/consul.ts';
import { startScene } from './harness/scene.ts';

const scene = await startScene(['consul']);
const consul = await startConsul(scene);

testContract(() => ({ url: consul.url, dnsPort: consul.ports.dns }));
