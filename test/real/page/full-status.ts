/** A status in which every part has something to show: what is well, what is left out, and what is wrong. */
import type { Status } from '../../../src/status-page/status.ts';
import {
  admission,
  failure,
  registrar,
  source,
  syncStatus,
  toKubernetes,
  webhookStatus,
} from '../../unit/status-page/sample-status.ts';

const since = '2026-01-02T03:00:00.000Z';

/** As long as a name can be, without a place to break it. */
export const LONGEST = 'n'.repeat(253);

/** Markup, quotes, a change of the direction of writing, and what would end an attribute. */
export const HOSTILE = `<img src=x onerror=alert(1)><script>alert(2)</script>"'>\u202Eevil`;

export const quietStatus: Status = {
  sync: syncStatus(['api', 'cart', 'web'].map((name) => source(name))),
  toKubernetes: toKubernetes(),
  registrar: registrar([]),
  webhook: webhookStatus([admission(1)]),
};

export const fullStatus: Status = {
  sync: syncStatus(
    [
      source('api'),
      source('web', { problems: ['service-port: "htpp" is no port'], since, instances: 0 }),
      source(LONGEST, { refused: `no permission for ${LONGEST}`, since }),
      source(HOSTILE, { problems: [HOSTILE], since }),
      source('cron', { synced: false, reason: 'opted-out', instances: 0 }),
    ],
    { lastFailure: failure(`no server of Consul answers at ${LONGEST}`), heldRemovals: 37 },
  ),
  toKubernetes: toKubernetes({
    conflicts: ['billing'],
    services: [
      {
        service: 'mainframe',
        object: 'mainframe',
        kind: 'endpoints',
        endpoints: 3,
        problems: [],
        refused: undefined,
        since: undefined,
      },
      {
        service: 'billing',
        object: undefined,
        kind: 'none',
        endpoints: 0,
        problems: ['the name is taken'],
        refused: undefined,
        since,
      },
      {
        service: LONGEST,
        object: LONGEST,
        kind: 'unknown',
        endpoints: 0,
        problems: [],
        refused: HOSTILE,
        since,
      },
    ],
    leftOut: [{ service: 'consul', reason: 'consul-itself' }],
  }),
  registrar: registrar([
    {
      source: `Pod/shop/${LONGEST}`,
      service: { name: LONGEST, reason: 'kubernetes-service' },
      instances: [
        { id: `shop.${LONGEST}.${LONGEST}`, status: 'critical' },
        { id: `shop.${LONGEST}.${LONGEST}-sidecar-proxy`, status: 'passing' },
      ],
      reason: 'registered',
      problem: undefined,
      refused: undefined,
      since: undefined,
    },
    {
      source: 'Pod/shop/old',
      service: undefined,
      instances: [],
      reason: 'not-injected',
      problem: 'recreate the pod',
      refused: undefined,
      since,
    },
  ]),
  webhook: webhookStatus([
    admission(3, { result: 'denied', reason: 'invalid', detail: HOSTILE, name: LONGEST }),
    admission(2, { result: 'allowed', reason: 'host-network', name: '' }),
    admission(1),
  ]),
};

/** As many Services as a large cluster has. */
export const largeStatus: Status = {
  ...quietStatus,
  sync: syncStatus(Array.from({ length: 2000 }, (_, at) => source(`service-${String(at).padStart(4, '0')}`))),
};
