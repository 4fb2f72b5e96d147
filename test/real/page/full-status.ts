/** A status in which every part has something to show: what is well, what is left out, and what is wrong. */
import type { ServiceRow, Status, ToConsulStatus } from '../../../src/status-page/status.ts';
import {
  admission,
  agents,
  consulService,
  failure,
  pod,
  registrar,
  service,
  statusOf,
  toConsul,
  toKubernetes,
  webhookStatus,
} from '../../unit/status-page/sample-status.ts';

const since = '2026-01-02T03:00:00.000Z';

/** As long as a name can be, without a place to break it. */
export const LONGEST = 'n'.repeat(253);

/** Markup, quotes, a change of the direction of writing, and what would end an attribute. */
export const HOSTILE = `<img src=x onerror=alert(1)><script>alert(2)</script>"'>\u202Eevil`;

export const quietStatus: Status = {
  ...statusOf([
    toConsul(['api', 'cart', 'web'].map((name) => service(name))),
    toKubernetes(),
    registrar([]),
    agents(),
  ]),
  webhook: webhookStatus([admission(1)]),
};

export const fullStatus: Status = {
  ...statusOf([
    toConsul(
      [
        service('api'),
        service('web', { problems: ['service-port: "htpp" is no port'], since, instances: 0 }),
        service(LONGEST, { refused: `no permission for ${LONGEST}`, since }),
        service(HOSTILE, { problems: [HOSTILE], since }),
        service('cron', { synced: false, reason: 'opted-out', instances: 0 }),
      ],
      { lastFailure: failure(`no server of Consul answers at ${LONGEST}`), heldRemovals: 37 },
    ),
    toKubernetes(
      [
        consulService('mainframe', { object: 'mainframe', endpoints: 3 }),
        consulService('billing', { reason: 'none', problems: ['the name is taken'], since }),
        consulService(LONGEST, { object: LONGEST, reason: 'unknown', refused: HOSTILE, since }),
        consulService('consul', { selected: false, reason: 'consul-itself' }),
      ],
      { conflicts: ['billing'] },
    ),
    registrar([
      pod(`Pod/shop/${LONGEST}`, {
        service: { name: LONGEST, reason: 'kubernetes-service' },
        instances: [
          { id: `shop.${LONGEST}.${LONGEST}`, status: 'critical' },
          { id: `shop.${LONGEST}.${LONGEST}-sidecar-proxy`, status: 'passing' },
        ],
      }),
      pod('Pod/shop/old', { reason: 'not-injected', problems: ['recreate the pod'], since }),
    ]),
    agents(),
  ]),
  webhook: webhookStatus([
    admission(3, { result: 'denied', reason: 'invalid', detail: HOSTILE, name: LONGEST }),
    admission(2, { result: 'allowed', reason: 'host-network', name: '' }),
    admission(1),
  ]),
};

/** As many Services as a large cluster has. */
export const largeStatus: Status = withServices(
  quietStatus,
  Array.from({ length: 2000 }, (_, at) => service(`service-${String(at).padStart(4, '0')}`)),
);

/** The status with other Services. */
export function withServices(
  status: Status,
  rows: readonly ServiceRow[],
  overrides: Partial<ToConsulStatus> = {},
): Status {
  const controllers = status.controllers.map((each) =>
    each.controller === 'to-consul' ? toConsul(rows, overrides) : each,
  );
  return { ...status, controllers };
}
