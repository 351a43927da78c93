import type { PodName } from '../../model/ids.ts';
import type { Plan, PlanWarning } from '../../model/plan.ts';
import type { PlanInputs } from '../inputs.ts';
import { type LossSummary, type PodHeadRoom, podHeadRooms, sizeOf } from './head-room.ts';
import { type PlannedWorld, worldWith, worldWithout } from './world.ts';

/** Larger clusters are not asked: a preview is to cost no more than its plan. `simulate --any 1` answers for them. */
const largestWorld = 5000;
/** Nodes, instances and workloads looked at, for each of the two answers. */
const mostWork = 100_000;

/**
 * What a preview says when a plan takes head-room away: nodes that may be lost today, one at a time, and may not be any
 * more once the plan is applied. Pods that hold nothing yet have none to lose.
 */
export function headRoomWarnings(inputs: PlanInputs, plan: Plan): readonly PlanWarning[] {
  if (plan.steps.length === 0 || sizeOf(inputs) + plan.steps.length > largestWorld) return [];
  const before = worldWithout(inputs, plan);
  const pods = touchedPods(before, plan);
  const known = new Set(failuresOf(before, pods).map(({ nodes }) => nodes.join()));
  return podHeadRoomsOf(worldWith(inputs, plan), pods).flatMap(({ pod, failures }) => {
    const added = failures.filter(({ nodes }) => !known.has(nodes.join()));
    return added.length === 0 ? [] : [warningOf(pod, added)];
  });
}

/** Pods that hold something, and that the plan changes. */
function touchedPods({ inputs, onNode }: PlannedWorld, plan: Plan): readonly PodName[] {
  const podOf = new Map(inputs.desired.nodes.map(({ name, pod }) => [name, pod]));
  const holding = new Set([...onNode.keys()].map((name) => podOf.get(name)));
  const touched = new Set(plan.steps.map(({ node }) => podOf.get(node)));
  return [...new Set(podOf.values())].filter((pod) => holding.has(pod) && touched.has(pod)).sort();
}

const podHeadRoomsOf = (world: PlannedWorld, pods: readonly PodName[]): readonly PodHeadRoom[] =>
  podHeadRooms(world, { any: 1, pods, mostWork });

const failuresOf = (world: PlannedWorld, pods: readonly PodName[]): readonly LossSummary[] =>
  podHeadRoomsOf(world, pods).flatMap(({ failures }) => failures);

function warningOf(pod: PodName, added: readonly LossSummary[]): PlanWarning {
  const [first] = added;
  const names = added.flatMap(({ nodes }) => nodes);
  const shown = names.length <= 3 ? names.join(', ') : `${names.slice(0, 3).join(', ')} and ${names.length - 3} more`;
  const short = (first?.short ?? []).map(({ workload, instances }) => `${workload} ${instances} short`).join(', ');
  const one = names.length === 1;
  return {
    code: 'MUS5020',
    subject: pod,
    message:
      `pod ${pod} has less head-room after this plan: ${shown} ${one ? 'may' : 'may each'} be lost today, and not any more` +
      ` (losing ${names[0]} would leave ${short})`,
  };
}
