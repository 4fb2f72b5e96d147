/** How much of a plan the operator lets happen. */
import type { Plan } from './consul-plan.ts';

export const policies = ['sync', 'upsert-only', 'create-only'] as const;
export type Policy = (typeof policies)[number];

/**
 *     sync          register, update, deregister
 *     upsert-only   register, update
 *     create-only   register
 */
export function applyPolicy(plan: Plan, policy: Policy): Plan {
  switch (policy) {
    case 'sync':
      return plan;
    case 'upsert-only':
      return { ...plan, deregister: [] };
    case 'create-only':
      return { ...plan, update: [], deregister: [] };
  }
}
