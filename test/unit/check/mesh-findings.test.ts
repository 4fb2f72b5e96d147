import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findingLines } from '../../../src/check/finding.ts';
import {
  meshFindings,
  type MeshFacts,
  type SidecarInstance,
  type SidecarLimits,
} from '../../../src/check/mesh-findings.ts';

const MIB = 2 ** 20;
const REFUSED = { kind: 'failed', code: 'TANDEM_CONSUL_FORBIDDEN', reason: 'status 403' } as const;
const limits: SidecarLimits = { ofPods: { kind: 'seen', value: [] }, byDefault: 256 * MIB };

/** So many services, each with two instances and an address. */
function services(count: number): MeshFacts['proxies'] {
  const proxy = (index: number, instance: string): SidecarInstance => ({
    node: 'n1',
    id: `shop.s${index}-${instance}.proxy`,
    service: `s${index}`,
    address: `10.96.${index >> 8}.${index & 255}`,
  });
  const value = Array.from({ length: count }, (_, index) => ['a', 'b'].map((each) => proxy(index, each)));
  return { kind: 'seen', value: value.flat() };
}

function lines(facts: Partial<MeshFacts>, given: SidecarLimits | undefined = limits): string {
  const allowed = { kind: 'seen', value: true } as const;
  return findingLines(meshFindings({ proxies: services(10), isAllowedByDefault: allowed, ...facts }, given));
}

const memory: readonly [string, number, SidecarLimits, RegExp][] = [
  [
    'few services',
    10,
    limits,
    /^ok {7}sidecar-memory {2}10 services are allowed by default: a sidecar with redirected traffic needs about 60 MiB, and that of a new pod may have 256 MiB$/m,
  ],
  [
    'before the limit is hit: the figure, the limit, where it ends, and both ways out',
    1000,
    limits,
    /^warning {2}sidecar-memory {2}1000 services .* needs about 218 MiB, and that of a new pod may have 256 MiB, which is enough for about 1237 services; to fix it: raise .*sidecar-proxy-memory-limit.*, or deny by default/m,
  ],
  ['above the limit', 1300, limits, /^failure {2}sidecar-memory {2}1300 services .* 266 MiB/m],
  [
    'the least limit of the pods that run is named, and not the default',
    300,
    {
      ofPods: {
        kind: 'seen',
        value: [
          { pod: 'shop/a', bytes: 1024 * MIB },
          { pod: 'shop/b', bytes: 128 * MIB },
          { pod: 'shop/c', bytes: 130 * MIB },
        ],
      },
      byDefault: 64 * MIB,
    },
    /^warning {2}sidecar-memory .* that of shop\/b may have 128 MiB, which is enough for about 437 services; 2 pods are as tight; /m,
  ],
  [
    'the limit of a pod that is too low is a warning that names it: anybody may make such a pod',
    1300,
    { ofPods: { kind: 'seen', value: [{ pod: 'stranger/tiny', bytes: 16 * MIB }] }, byDefault: 512 * MIB },
    /^warning {2}sidecar-memory .* that of stranger\/tiny may have 16 MiB, which is enough for about 0 services; /m,
  ],
  [
    'no limit',
    5000,
    { ...limits, byDefault: undefined },
    /^ok {7}sidecar-memory .* about 858 MiB, and has no limit$/m,
  ],
  [
    'pods that cannot be listed: the default is judged, and it is said',
    1000,
    { ...limits, ofPods: REFUSED },
    /^warning .* a new pod may have 256 MiB.*\nwarning {2}sidecar-memory .* not known: status 403; to fix it: allow this account to list pods$/m,
  ],
];
for (const [name, count, given, expected] of memory) {
  test(`memory: ${name}`, () => assert.match(lines({ proxies: services(count) }, given), expected));
}

test('memory: nothing to say where intentions decide or the cluster was not asked; what is not known is said', () => {
  assert.match(
    lines({ isAllowedByDefault: { kind: 'seen', value: false }, proxies: services(5000) }),
    /^ok {7}sidecar-memory {2}nothing is allowed by default/m,
  );
  assert.doesNotMatch(lines({}, undefined), /sidecar-memory\b.*\n.*sidecar-memory/);
  assert.match(
    lines({ isAllowedByDefault: REFUSED }),
    /^warning {2}sidecar-memory .*cannot tell whether services may call each other by default: status 403; to fix it: give its policy/m,
  );
  assert.match(
    lines({ proxies: REFUSED }),
    /^warning {2}sidecar-memory .*cannot tell how many services .*\nwarning {2}addresses .*cannot tell whether two services have one address: status 403/m,
  );
});

test('addresses: two owners are named with their instances, several instances of one are well', () => {
  assert.match(lines({}), /^ok {7}addresses {7}each of 10 virtual addresses belongs to one service$/m);
  const held = (service: string, address = '10.96.0.9'): SidecarInstance => ({
    node: 'n1',
    id: `${service}-1`,
    service,
    address,
  });
  assert.match(
    lines({ proxies: { kind: 'seen', value: [held('old'), held('old'), held('new')] } }),
    /^failure {2}addresses {7}the virtual address 10\.96\.0\.9 belongs to "old" \("old-1" on the node "n1"\) and to "new" \("new-1" on the node "n1"\): every Envoy .*; to fix it: deregister /m,
  );
  // Services that are not redirected have none, and it is not a common one.
  assert.match(
    lines({ proxies: { kind: 'seen', value: [held('old', ''), held('new', '')] } }),
    /each of 0 virtual/,
  );
  const many = Array.from({ length: 12 }, (_, index) => [
    held('a', `10.0.0.${index}`),
    held('b', `10.0.0.${index}`),
  ]);
  const said = lines({ proxies: { kind: 'seen', value: many.flat() } });
  assert.equal(said.match(/^failure {2}addresses .* belongs to/gm)?.length, 10);
  assert.match(said, /2 more addresses have two owners/);
});
