import type {
  CountOrPercent,
  DesiredPolicy,
  DesiredWorkload,
  DisruptionRule,
  Domain,
  SpreadRule,
} from '../../model/desired.ts';
import type { NamespaceName } from '../../model/ids.ts';

/** The 1-2-10 rule, for clusters that declare no policy. */
const standardRules: readonly DisruptionRule[] = [
  { below: 5, max: { kind: 'count', count: 1 } },
  { upTo: 20, max: { kind: 'count', count: 2 } },
  { max: { kind: 'percent', percent: 10 } },
];

export type BudgetOf = (workload: DesiredWorkload, base: number) => number;

/** Most instances of a workload that may be unavailable at once, of as many as are counted. */
export function budgetsFor(policies: readonly DesiredPolicy[]): BudgetOf {
  const rulesFor = perNamespace((namespace) => {
    const policy = narrowest(policies, namespace, ({ disruption }) => disruption.length > 0);
    return policy?.disruption ?? standardRules;
  });
  return ({ maxUnavailable, namespace }, base) => {
    switch (maxUnavailable.kind) {
      case 'count':
      case 'percent':
        return countOf(maxUnavailable, base);
      case 'quorum':
        return Math.max(1, Math.floor((base - 1) / 2) - 1);
      case 'policy': {
        const rule = rulesFor(namespace).find(
          ({ below, upTo }) => (below === undefined || base < below) && (upTo === undefined || base <= upTo),
        );
        return rule === undefined ? 1 : countOf(rule.max, base);
      }
    }
  };
}

/** Shares are rounded down, but never to nothing: a rule that allows no disruption at all says `max: 0`. */
export const countOf = (limit: CountOrPercent, base: number): number =>
  limit.kind === 'count' ? limit.count : Math.max(limit.percent > 0 ? 1 : 0, Math.floor((base * limit.percent) / 100));

export type SpreadRules = readonly SpreadRule[];

/** A workload's own spread and what the policies that cover its namespace require, the strictest of all. */
export function spreadRulesFor(policies: readonly DesiredPolicy[]): (workload: DesiredWorkload) => SpreadRules {
  const requiredFor = perNamespace((namespace) =>
    policies
      .filter((policy) => policy.namespaces.some((pattern) => matches(pattern, namespace)))
      .flatMap(({ require = [] }) => require),
  );
  return ({ namespace, replicas, placement: { spread = [] } }) => {
    const forced = requiredFor(namespace).filter(({ replicasFrom }) => replicas >= replicasFrom);
    if (forced.length === 0) return spread;
    const strictest = new Map<Domain, SpreadRule>();
    for (const rule of [...spread, ...forced.map((requirement) => requirement.spread)]) {
      const known = strictest.get(rule.by);
      if (known === undefined || known.minDomains < rule.minDomains) strictest.set(rule.by, rule);
    }
    return [...strictest.values()];
  };
}

function perNamespace<Answer>(find: (namespace: NamespaceName) => Answer): (namespace: NamespaceName) => Answer {
  const known = new Map<NamespaceName, Answer>();
  return (namespace) => {
    let answer = known.get(namespace);
    if (answer === undefined) {
      answer = find(namespace);
      known.set(namespace, answer);
    }
    return answer;
  };
}

/** The policy with the longest pattern that matches, since that is the narrowest. */
function narrowest(
  policies: readonly DesiredPolicy[],
  namespace: NamespaceName,
  concerns: (policy: DesiredPolicy) => boolean,
): DesiredPolicy | undefined {
  let best: { readonly policy: DesiredPolicy; readonly length: number } | undefined;
  for (const policy of policies) {
    if (!concerns(policy)) continue;
    for (const pattern of policy.namespaces) {
      const length = pattern === namespace ? Number.POSITIVE_INFINITY : pattern.length;
      if (matches(pattern, namespace) && (best === undefined || length > best.length)) best = { policy, length };
    }
  }
  return best?.policy;
}

function matches(pattern: string, text: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  if (rest.length === 0) return pattern === text;
  const last = rest.pop() ?? '';
  if (!text.startsWith(first) || !text.endsWith(last) || text.length < first.length + last.length) return false;
  let from = first.length;
  for (const part of rest) {
    const found = text.indexOf(part, from);
    if (found < 0 || found + part.length > text.length - last.length) return false;
    from = found + part.length;
  }
  return true;
}
