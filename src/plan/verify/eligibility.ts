import type { DesiredNode, DesiredWorkload } from '../../model/desired.ts';
import type { NodeName } from '../../model/ids.ts';
import type { Step } from '../../model/plan.ts';
import type { Report } from './violation.ts';
import type { NodeWorld, World } from './world.ts';

/** Whatever is made is made on a node that may have it: declared, online, seen alive, of the right pod, labels and taints. */
export function checkEligibility(world: World, report: Report): void {
  // Instances of one workload share their answer for a node, which keeps this linear in steps.
  const known = new Map<DesiredWorkload | undefined, Map<NodeName, string | undefined>>();
  for (const { step, shape, workload } of world.items) {
    if (!shape.makes) continue;
    const stays = step.replaces?.node === step.node;
    let answers = known.get(workload);
    if (answers === undefined) {
      answers = new Map();
      known.set(workload, answers);
    }
    let reason = stays ? undefined : answers.get(step.node);
    if (stays || !answers.has(step.node)) reason = whyNot({ world, step, workload, stays });
    if (!stays) answers.set(step.node, reason);
    if (reason !== undefined)
      report('eligible', step.id, `${step.instance} may not be made on ${step.node}: ${reason}`);
  }
  checkPerNode(world, report);
}

interface Candidate {
  readonly world: World;
  readonly step: Step;
  readonly workload: DesiredWorkload | undefined;
  /** Made anew where it was: allowed on a node that takes nothing new, as long as it is not being emptied. */
  readonly stays: boolean;
}

function whyNot({ world, step, workload, stays }: Candidate): string | undefined {
  const node = world.nodes.get(step.node);
  if (node === undefined) return 'git does not declare it';
  if (workload === undefined) return 'git does not declare the workload';
  return whyNotOnNode(node, step, stays) ?? whyNotForWorkload(node.desired, workload);
}

function whyNotOnNode({ desired, observed, cordoned }: NodeWorld, step: Step, stays: boolean): string | undefined {
  const { lifecycle } = desired;
  const emptied = lifecycle === 'maintenance' || lifecycle === 'offline';
  if (emptied || (lifecycle !== 'online' && !stays)) return `it is ${lifecycle}`;
  if (cordoned && !stays) return 'it is cordoned';
  if (desired.engines[step.engine] === undefined) return `it has no ${step.engine} engine`;
  // A declared node that nobody looked at is taken as it is declared: alive.
  if (observed !== undefined && observed.liveness !== 'alive') return `it is ${observed.liveness}`;
  const engine = observed?.engines[step.engine];
  if (engine?.kind === 'unreachable') return `its ${step.engine} engine does not answer: ${engine.reason}`;
  return undefined;
}

/** Why a workload has no business on a node, whatever the node's state. */
export function whyNotForWorkload(node: DesiredNode, { placement }: DesiredWorkload): string | undefined {
  if (placement.pods.length > 0 && !placement.pods.includes(node.pod)) return `it is in pod ${node.pod}`;
  for (const [label, value] of Object.entries(placement.require)) {
    if (node.labels[label] !== value) return `its label ${label} is ${node.labels[label] ?? 'not set'}, not ${value}`;
  }
  const taint = node.taints.find(
    ({ key, value }) => !placement.tolerate.some((t) => t.key === key && (t.value === undefined || t.value === value)),
  );
  return taint === undefined ? undefined : `taint ${taint.key}=${taint.value} is not tolerated`;
}

/** `perNode` bounds what is on one node once the plan is through. Only nodes that receive something are looked at. */
function checkPerNode(world: World, report: Report): void {
  for (const { workload, waves } of world.units) {
    const limit = world.workloads.get(workload)?.placement.perNode;
    if (limit === undefined) continue;
    const items = waves.flatMap((wave) => wave.items);
    const count = new Map<NodeName, number>();
    const add = (node: NodeName, amount: number): unknown => count.set(node, (count.get(node) ?? 0) + amount);
    for (const allocation of world.allocationsOf.get(workload) ?? []) {
      if (allocation.state === 'reserved' || allocation.state === 'live') add(allocation.node, 1);
    }
    const receivers = new Set<NodeName>();
    for (const { step, shape } of items) {
      if (shape.ends) add(step.replaces?.node ?? step.node, shape.makes && step.replaces === undefined ? 0 : -1);
      if (shape.makes) add(step.node, 1);
      if (shape.makes && step.replaces?.node !== step.node) receivers.add(step.node);
    }
    for (const node of receivers) {
      const instances = count.get(node) ?? 0;
      if (instances > limit)
        report('eligible', workload, `${instances} instances on ${node}, where perNode allows ${limit}`);
    }
  }
}
