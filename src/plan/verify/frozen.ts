import { coveringTargets } from '../../model/recorded.ts';
import type { Report } from './violation.ts';
import type { Check, World } from './world.ts';

/** A workload whose unit is in flight, or that somebody froze, is left alone: what it has stays charged. */
export function frozenCheck({ inputs }: World, report: Report): Check {
  const { inFlight, overrides } = inputs.recorded;
  const frozen = new Map<string, string>([
    ...overrides
      .filter(({ kind, until }) => kind === 'freeze' && until > inputs.now)
      .map(({ target, actor, reason }) => [target, `frozen by ${actor} (${reason})`] as const),
    ...inFlight.map(({ unit, run, status }) => [unit, `its unit is in flight in run ${run} (${status})`] as const),
  ]);
  return {
    unit: ({ id, items }) => {
      if (frozen.size === 0) return;
      const [own, namespace, all] = coveringTargets(id);
      const reason = frozen.get(own) ?? frozen.get(namespace) ?? frozen.get(all);
      if (reason === undefined) return;
      for (const { step } of items) report('frozen', step.id, `touches ${step.instance}: ${reason}`);
    },
  };
}
