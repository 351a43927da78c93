import type { ApprovalRule, DesiredPolicy, DisruptionRule } from '../model/desired.ts';
import { parseCountOrPercent, parseDuration } from '../model/units.ts';
import { quantity, type Reading, report } from './reading.ts';
import type { Policy } from './schema-types.generated.ts';

/** The 1-2-10 rule: one of fewer than five, two of up to twenty, a tenth of more. */
const defaultDisruption: readonly DisruptionRule[] = [
  { below: 5, max: { kind: 'count', count: 1 } },
  { upTo: 20, max: { kind: 'count', count: 2 } },
  { max: { kind: 'percent', percent: 10 } },
];

/** What holds where no policy says anything. */
export const defaultPolicy: DesiredPolicy = { name: 'default', namespaces: ['*'], disruption: defaultDisruption };

export function toPolicy({ metadata, spec }: Policy, reading: Reading): DesiredPolicy {
  const disruption = spec.disruption?.map((rule, index): DisruptionRule => {
    const pointer = `/spec/disruption/${index}/max`;
    const max = quantity(reading, parseCountOrPercent, {
      value: rule.max,
      pointer,
      fallback: { kind: 'count', count: 1 } as const,
    });
    return {
      ...(rule.below !== undefined && { below: rule.below }),
      ...(rule.upTo !== undefined && { upTo: rule.upTo }),
      max,
    };
  });
  const last = disruption?.at(-1);
  if (disruption !== undefined && (last?.below !== undefined || last?.upTo !== undefined)) {
    report(reading, {
      code: 'MUS1320',
      pointer: `/spec/disruption/${disruption.length - 1}`,
      message: 'the last line of a disruption rule must be without a bound, so that every number of replicas has one',
      hint: 'add a line such as {max: 10%}',
    });
  }
  const demands = (spec.require ?? []).map(({ spread: { by, minDomains }, replicasFrom = 2 }) => ({
    spread: { by, minDomains },
    replicasFrom,
  }));
  const approvals = (spec.approvals ?? []).map((rule, index) => toApproval(rule, index, reading));
  return {
    name: metadata.name,
    namespaces: spec.scope?.namespaces ?? ['*'],
    // A policy that only forces a spread, or asks for approval, leaves the budgets to wider ones.
    disruption: disruption ?? (demands.length + approvals.length > 0 ? [] : defaultDisruption),
    ...(demands.length > 0 && { require: demands }),
    ...(approvals.length > 0 && { approvals }),
  };
}

const dayMs = 24 * 3_600_000;

function toApproval(
  { when, approvers = 1, expires }: NonNullable<Policy['spec']['approvals']>[number],
  index: number,
  reading: Reading,
): ApprovalRule {
  const pointer = `/spec/approvals/${index}/expires`;
  const expiresMs = quantity(reading, parseDuration, { value: expires, pointer, fallback: dayMs });
  return { when, approvers, expiresMs };
}
