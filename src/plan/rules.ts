import type { DesiredPolicy, DisruptionRule, SpreadRule } from '../model/desired.ts';
import type { NamespaceName } from '../model/ids.ts';

export type RulesFor = (namespace: NamespaceName) => readonly DisruptionRule[];

/** The 1-2-10 rule of the narrowest Policy that covers a namespace; each namespace is looked up once. */
export function openRules(policies: readonly DesiredPolicy[]): RulesFor {
  const known = new Map<NamespaceName, readonly DisruptionRule[]>();
  return (namespace) => {
    const rules = known.get(namespace) ?? findRules(policies, namespace);
    known.set(namespace, rules);
    return rules;
  };
}

/** What policies force upon the workloads of a namespace: all that cover it, whichever is the narrowest. */
export function openRequirements(
  policies: readonly DesiredPolicy[],
): (namespace: NamespaceName) => readonly Requirement[] {
  const known = new Map<NamespaceName, readonly Requirement[]>();
  const forcing = policies.filter((policy) => (policy.require?.length ?? 0) > 0);
  return (namespace) => {
    const found =
      known.get(namespace) ??
      forcing.filter((policy) => narrowness(policy, namespace) >= 0).flatMap((policy) => policy.require ?? []);
    known.set(namespace, found);
    return found;
  };
}

export interface Requirement {
  readonly spread: SpreadRule;
  readonly replicasFrom: number;
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

/** The policy holds in the namespace. */
export const covers = (policy: DesiredPolicy, namespace: NamespaceName): boolean => narrowness(policy, namespace) >= 0;

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
