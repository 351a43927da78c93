import type { CountOrPercent, DesiredPolicy, DesiredWorkload, DisruptionRule } from '../../model/desired.ts';
import type { AllocationId, InstanceId, NamespaceName, NodeName } from '../../model/ids.ts';
import { whyNotForWorkload } from './eligibility.ts';
import type { Report } from './violation.ts';
import type { UnitWork, World } from './world.ts';

/** The 1-2-10 rule, for clusters that declare no policy. */
const standardRules: readonly DisruptionRule[] = [
  { below: 5, max: { kind: 'count', count: 1 } },
  { upTo: 20, max: { kind: 'count', count: 2 } },
  { max: { kind: 'percent', percent: 10 } },
];

/**
 * In every wave at least `base - budget` of the instances stay available, where the base is what both the records and
 * git have: an instance that is still to come, or that is to go, is not missed. Taking down what is down already costs nothing.
 */
export function checkDisruption(world: World, report: Report): void {
  const available = availableInstances(world);
  for (const work of world.units) checkUnit(world, work, available, report);
}

function checkUnit(world: World, work: UnitWork, available: ReadonlySet<InstanceId>, report: Report): void {
  const workload = world.workloads.get(work.workload);
  if (workload === undefined) return; // left git: nothing has to stay
  const recorded = wantedInstances(world, workload);
  const base = recorded.size;
  const budget = budgetOf(workload, base, world.inputs.desired.policies);
  const up = new Set([...recorded].filter((instance) => available.has(instance)));
  for (const [index, { wave, items }] of work.waves.entries()) {
    const taken = items.filter(({ step, shape }) => shape.disrupts && up.has(step.instance)).map(({ step }) => step);
    const left = up.size - new Set(taken.map((step) => step.instance)).size;
    if (taken.length > 0 && left < base - budget) {
      report(
        'budget',
        work.unit.id,
        `wave ${index} leaves ${left} of ${base} instances available; at most ${budget} may be unavailable at once`,
      );
    }
    for (const step of taken) up.delete(step.instance);
    if (wave.gate !== 'healthy') continue;
    for (const { step, shape } of items) {
      if ((shape.makes || shape.updates) && recorded.has(step.instance)) up.add(step.instance);
    }
  }
}

/** Recorded instances that git still wants: ordinals below `replicas`, or for a daemon one on each node that it is for. */
function wantedInstances({ inputs, allocationsOf }: World, workload: DesiredWorkload): ReadonlySet<InstanceId> {
  const live = (allocationsOf.get(workload.id) ?? []).filter(({ state }) => state !== 'held' && state !== 'reserved');
  if (workload.type !== 'daemon') {
    return new Set(live.filter(({ ordinal }) => ordinal < workload.replicas).map(({ instance }) => instance));
  }
  const places = new Set<NodeName>();
  for (const node of inputs.desired.nodes) {
    const leaves = node.lifecycle === 'maintenance' || node.lifecycle === 'offline';
    const runs = node.engines[workload.revision.engine] !== undefined;
    if (!leaves && runs && whyNotForWorkload(node, workload) === undefined) places.add(node.name);
  }
  const wanted = new Set<InstanceId>();
  for (const { instance, node } of live) if (places.delete(node)) wanted.add(instance);
  return wanted;
}

function budgetOf(workload: DesiredWorkload, base: number, policies: readonly DesiredPolicy[]): number {
  const { maxUnavailable } = workload;
  switch (maxUnavailable.kind) {
    case 'count':
    case 'percent':
      return countOf(maxUnavailable, base);
    case 'quorum':
      return Math.max(1, Math.floor((base - 1) / 2) - 1);
    case 'policy': {
      const rules = policyFor(workload.namespace, policies)?.disruption ?? standardRules;
      const rule = rules.find(
        ({ below, upTo }) => (below === undefined || base < below) && (upTo === undefined || base <= upTo),
      );
      return rule === undefined ? 1 : countOf(rule.max, base);
    }
  }
}

/** Shares are rounded down, but never to nothing: a rule that allows no disruption at all says `max: 0`. */
const countOf = (limit: CountOrPercent, base: number): number =>
  limit.kind === 'count' ? limit.count : Math.max(limit.percent > 0 ? 1 : 0, Math.floor((base * limit.percent) / 100));

/** The policy with the longest pattern that matches, since that is the narrowest. */
function policyFor(namespace: NamespaceName, policies: readonly DesiredPolicy[]): DesiredPolicy | undefined {
  let best: { readonly policy: DesiredPolicy; readonly length: number } | undefined;
  for (const policy of policies) {
    if (policy.disruption.length === 0) continue;
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

/** Instances of which some allocation runs, is healthy where it has a check, and is on a node that answers. */
function availableInstances({ inputs, allocations }: World): ReadonlySet<InstanceId> {
  const alive = (name: AllocationId): InstanceId | undefined => allocations.get(name)?.instance;
  const available = new Set<InstanceId>();
  for (const object of inputs.observed.objects) {
    const instance = alive(object.allocation);
    if (instance === undefined || object.state !== 'running') continue;
    if (object.health !== 'healthy' && object.health !== 'none') continue;
    const node = inputs.observed.nodes.get(object.node);
    const reachable = node?.engines[object.engine]?.kind !== 'unreachable';
    if ((node?.liveness ?? 'alive') === 'alive' && reachable) available.add(instance);
  }
  return available;
}
