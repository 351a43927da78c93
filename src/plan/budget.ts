import type { CountOrPercent, DesiredPolicy, DesiredWorkload, DisruptionRule } from '../model/desired.ts';
import type { NamespaceName } from '../model/ids.ts';
import type { Intent } from './decide.ts';

/** How many instances of a workload may be unavailable, and how many are. */
export interface Budget {
  /** Instances that are recorded and still wanted: what was never born, or has to go, is not missed. */
  readonly base: number;
  readonly maxUnavailable: number;
  /** How many of them are available. */
  readonly available: number;
}

export function budgetOf(rulesFor: RulesFor, intent: Pick<Intent, 'definition' | 'wanted'>): Budget {
  let base = 0;
  let available = 0;
  for (const instance of intent.wanted) {
    if (instance.status === 'held' || instance.allocation.state === 'reserved') continue;
    base += 1;
    if (instance.available) available += 1;
  }
  return { base, maxUnavailable: maxUnavailable(rulesFor, intent.definition, base), available };
}

function maxUnavailable(rulesFor: RulesFor, workload: DesiredWorkload, base: number): number {
  const wish = workload.maxUnavailable;
  switch (wish.kind) {
    case 'policy':
      return byRules(rulesFor(workload.namespace), base);
    case 'quorum':
      return Math.max(1, Math.floor((base - 1) / 2) - 1);
    case 'count':
    case 'percent':
      return countOf(wish, base);
  }
}

function byRules(rules: readonly DisruptionRule[], base: number): number {
  const rule = rules.find(
    ({ below, upTo }) => (below === undefined || base < below) && (upTo === undefined || base <= upTo),
  );
  return rule === undefined ? 1 : countOf(rule.max, base);
}

type RulesFor = (namespace: NamespaceName) => readonly DisruptionRule[];

/** The 1-2-10 rule of the narrowest Policy that covers a namespace; each namespace is looked up once. */
export function openRules(policies: readonly DesiredPolicy[]): RulesFor {
  const known = new Map<NamespaceName, readonly DisruptionRule[]>();
  return (namespace) => {
    const rules = known.get(namespace) ?? findRules(policies, namespace);
    known.set(namespace, rules);
    return rules;
  };
}

function findRules(policies: readonly DesiredPolicy[], namespace: NamespaceName): readonly DisruptionRule[] {
  const ranked = policies
    .map((policy) => ({ policy, narrowness: narrowness(policy, namespace) }))
    .filter(({ policy, narrowness }) => narrowness >= 0 && policy.disruption.length > 0)
    .sort((a, b) => b.narrowness - a.narrowness || (a.policy.name < b.policy.name ? -1 : 1));
  return ranked[0]?.policy.disruption ?? defaultDisruption;
}

const defaultDisruption: readonly DisruptionRule[] = [
  { below: 5, max: { kind: 'count', count: 1 } },
  { upTo: 20, max: { kind: 'count', count: 2 } },
  { max: { kind: 'percent', percent: 10 } },
];

/** Length of the literal part of the pattern that matches, the whole name counting most; -1 when none does. */
function narrowness(policy: DesiredPolicy, namespace: string): number {
  const scores = policy.namespaces.map((pattern) => {
    if (pattern === namespace) return Number.MAX_SAFE_INTEGER;
    const parts = pattern.split('*');
    if (parts.length === 1) return -1;
    const expression = new RegExp(`^${parts.map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&')).join('.*')}$`);
    return expression.test(namespace) ? pattern.length - (parts.length - 1) : -1;
  });
  return Math.max(-1, ...scores);
}

/** A share is rounded down, but is never nothing unless it is 0 %: otherwise a small workload could never change. */
export function countOf(amount: CountOrPercent, of: number): number {
  if (amount.kind === 'count') return amount.count;
  return amount.percent === 0 ? 0 : Math.max(1, Math.floor((of * amount.percent) / 100));
}
