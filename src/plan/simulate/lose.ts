import type { InstanceId, NodeName } from '../../model/ids.ts';
import type { Refusal, Step } from '../../model/plan.ts';
import type { Outline } from '../assemble.ts';
import type { PlanInputs } from '../inputs.ts';
import type { Instance } from '../instances.ts';
import type { MatchedWorkload } from '../match.ts';
import { outlinePlan } from '../plan.ts';
import { compileWithout } from './compile-lost.ts';
import type { PlannedWorld } from './world.ts';

/** What the planner makes of a loss. */
export interface Loss {
  readonly nodes: ReadonlySet<NodeName>;
  readonly plan: Outline;
  /** By workload id. */
  readonly displaced: readonly Displaced[];
  /** Instances that make room for more urgent ones, by id. */
  readonly evicted: readonly InstanceId[];
  /** New with the loss, of workloads that lost nothing. */
  readonly refusals: readonly Refusal[];
  readonly survives: boolean;
}

/** What one workload had on the lost nodes, and what is done about it. */
export interface Displaced {
  readonly workload: MatchedWorkload;
  readonly instances: readonly Instance[];
  readonly remade: readonly { readonly instance: InstanceId; readonly from: NodeName; readonly to: NodeName }[];
  /** They would be made anew, and find no place. */
  readonly short: readonly InstanceId[];
  readonly waiting: readonly { readonly instance: InstanceId; readonly reason: string }[];
  /** Why those that are short are. */
  readonly refusals: readonly Refusal[];
}

/** Plans the world without the nodes. What they held stays charged where it was: it is not coming back. */
export function loseNodes(world: PlannedWorld, names: readonly NodeName[]): Loss {
  const nodes = new Set(names);
  const inputs = withoutNodes(world.inputs, nodes);
  const plan = outlinePlan(inputs, compileWithout(world, nodes, inputs));
  const remakes = new Map(plan.steps.filter(isRemake).map((step) => [step.instance, step]));
  const refusalsOf = groupBySubject(plan.refusals);
  const displaced = displacedFrom(world, names).map(({ workload, instances }): Displaced => {
    const refusals = refusalsOf.get(workload.id) ?? [];
    return { workload, instances, ...fatesOf(workload, instances, { plan, remakes, refusals }) };
  });
  const hit = new Set<string>(displaced.map(({ workload }) => workload.id));
  const refusals = plan.refusals.filter(
    ({ code, subject }) => !hit.has(subject) && !world.refused.has(`${code} ${subject}`),
  );
  return {
    nodes,
    plan,
    displaced,
    evicted: plan.steps.filter(({ cause }) => cause === 'preempt').map(({ instance }) => instance),
    refusals,
    survives: refusals.length === 0 && displaced.every(({ short }) => short.length === 0),
  };
}

const isRemake = ({ kind }: Step): boolean => kind === 'create' || kind === 'replace' || kind === 'move';

/** The same inputs, with the nodes lost and nothing of theirs seen any more. */
export function withoutNodes(inputs: PlanInputs, lost: ReadonlySet<NodeName>): PlanInputs {
  const nodes = new Map(inputs.observed.nodes);
  for (const name of lost) nodes.set(name, { liveness: 'lost', engines: {}, foreign: nodes.get(name)?.foreign ?? [] });
  const objects = inputs.observed.objects.filter(({ node }) => !lost.has(node));
  return { ...inputs, observed: { ...inputs.observed, nodes, objects } };
}

function groupBySubject(refusals: readonly Refusal[]): ReadonlyMap<string, readonly Refusal[]> {
  const groups = new Map<string, Refusal[]>();
  for (const refusal of refusals) groups.set(refusal.subject, [...(groups.get(refusal.subject) ?? []), refusal]);
  return groups;
}

interface Residents {
  readonly workload: MatchedWorkload;
  readonly instances: Instance[];
}

function displacedFrom({ onNode }: PlannedWorld, names: readonly NodeName[]): readonly Residents[] {
  const byWorkload = new Map<string, Residents>();
  for (const name of names) {
    for (const { workload, instance } of onNode.get(name) ?? []) {
      const known = byWorkload.get(workload.id);
      if (known === undefined) byWorkload.set(workload.id, { workload, instances: [instance] });
      else known.instances.push(instance);
    }
  }
  const sorted = [...byWorkload.values()].sort((a, b) => (a.workload.id < b.workload.id ? -1 : 1));
  for (const { instances } of sorted) instances.sort((a, b) => a.ordinal - b.ordinal);
  return sorted;
}

/** Every instance is made anew, waits, or is short. */
function fatesOf(
  workload: MatchedWorkload,
  instances: readonly Instance[],
  planned: {
    readonly plan: Outline;
    readonly remakes: ReadonlyMap<InstanceId, Step>;
    readonly refusals: readonly Refusal[];
  },
): Pick<Displaced, 'remade' | 'short' | 'waiting' | 'refusals'> {
  const { plan, remakes, refusals } = planned;
  const remade: Displaced['remade'][number][] = [];
  const short: InstanceId[] = [];
  const waiting: Displaced['waiting'][number][] = [];
  for (const instance of instances) {
    const { id, node } = instance;
    const step = remakes.get(id);
    if (step !== undefined) {
      remade.push({ instance: id, from: node.name, to: step.node });
      continue;
    }
    const reason = whyItWaits(workload, instance) ?? (refusals.length === 0 ? whyLeft(plan, instance) : undefined);
    if (reason === undefined) short.push(id);
    else waiting.push({ instance: id, reason });
  }
  return { remade, short, waiting, refusals: short.length === 0 ? [] : refusals };
}

/** What the planner says where it neither makes an instance anew nor refuses it. */
const whyLeft = ({ warnings }: Outline, { id }: Instance): string =>
  warnings.find(({ message }) => message.startsWith(`${id} `))?.message ?? 'the plan leaves it where it was';

/** Why it is not made anew at all: because of what it is, not because there is no room. */
export function whyItWaits({ definition, frozen }: MatchedWorkload, { node }: Instance): string | undefined {
  if (definition === undefined) return 'git does not want it any more';
  if (frozen === 'inFlight') return 'a unit of its workload is under way';
  if (frozen === 'override') return 'its workload is frozen';
  if (definition.type === 'daemon') return `it is the daemon of ${node.name}`;
  if (definition.type === 'static') return `it is static: until ${node.name} is back`;
  if (definition.onLost === 'wait') return `onLost: wait: until ${node.name} is back`;
  if (definition.type === 'stateful' && definition.onLost === 'auto')
    return `it is stateful and may not run twice: until ${node.name} is back (onLost: recreate makes it anew at once)`;
  return undefined;
}
