import fc from 'fast-check';
import { allocationId, nodeName, type RunId, unitOf } from '../../src/model/ids.ts';
import type { ForeignObject, ObservedNode, ObservedObject } from '../../src/model/observed.ts';
import type { Plan } from '../../src/model/plan.ts';
import type { Allocation, Override } from '../../src/model/recorded.ts';
import { worldAfter } from '../../src/plan/after.ts';
import type { PlanInputs } from '../../src/plan/inputs.ts';
import { hour } from './generated-nodes.ts';
import { workloadName } from './generated-workloads.ts';

const some = (most: number): fc.Arbitrary<readonly number[]> => fc.array(fc.nat(30), { maxLength: most });
const seldom = (bound: number): fc.Arbitrary<number | undefined> =>
  fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.nat(bound) });

/** What befalls the cluster between two commits: by object, node and workload, modulo how many there are. */
export const anyTrouble = fc.record({
  killed: some(3),
  exited: some(3),
  unhealthy: some(2),
  restarting: some(1),
  drifted: some(2),
  node: fc.constantFrom(undefined, undefined, 0, 1, 2),
  liveness: fc.constantFrom(...(['lost', 'unknown', 'suspect', 'engine'] as const)),
  foreign: seldom(4),
  orphan: seldom(30),
  twin: seldom(30),
  pin: seldom(3),
  failed: seldom(3),
  cordon: seldom(4),
  freeze: seldom(4),
  inFlight: seldom(3),
});

export type Trouble = typeof anyTrouble extends fc.Arbitrary<infer Value> ? Value : never;

export function applyTrouble(inputs: PlanInputs, trouble: Trouble): PlanInputs {
  const { observed } = inputs;
  const objects = objectsAfter(observed.objects, trouble);
  const nodes = nodesAfter(inputs, trouble);
  return { ...inputs, recorded: recordedAfter(inputs, trouble), observed: { ...observed, nodes, objects } };
}

function objectsAfter(objects: readonly ObservedObject[], trouble: Trouble): readonly ObservedObject[] {
  const at = (index: number): number => index % Math.max(1, objects.length);
  const hit = (list: readonly number[], index: number): boolean => list.some((n) => at(n) === index);
  const left = objects.flatMap((object, index): readonly ObservedObject[] => {
    if (hit(trouble.killed, index)) return [];
    if (hit(trouble.exited, index)) return [{ ...object, state: 'exited', exitCode: 1, health: 'none' }];
    if (hit(trouble.unhealthy, index)) return [{ ...object, health: 'unhealthy' }];
    if (hit(trouble.restarting, index)) return [{ ...object, state: 'restarting', health: 'none' }];
    return hit(trouble.drifted, index) ? [{ ...object, actual: { '/image': 'other' } }] : [object];
  });
  const orphan = trouble.orphan === undefined ? undefined : objects[at(trouble.orphan)];
  const twin = trouble.twin === undefined ? undefined : objects[at(trouble.twin)];
  return [
    ...left,
    ...(orphan === undefined ? [] : [{ ...orphan, objectId: 'orphan', allocation: 'payments/old/0#1' as never }]),
    // Somebody started it a second time.
    ...(twin === undefined ? [] : [{ ...twin, objectId: 'twin', node: nodeName('n1') }]),
  ];
}

const foreigner: ForeignObject = {
  engine: 'docker',
  name: 'cron',
  resources: { cpuMillis: 700, memoryBytes: 1024 ** 3, 'gpu/a100': 1000 },
  ports: [30_001, 8001],
};

function nodesAfter({ desired, observed }: PlanInputs, trouble: Trouble): PlanInputs['observed']['nodes'] {
  const seen = new Map(observed.nodes);
  const change = (index: number | undefined, how: (known: ObservedNode) => ObservedNode): void => {
    const name = desired.nodes[index ?? -1]?.name;
    const known = name === undefined ? undefined : seen.get(name);
    if (name !== undefined && known !== undefined) seen.set(name, how(known));
  };
  const { liveness } = trouble;
  change(trouble.node, (known) =>
    liveness === 'engine'
      ? { ...known, engines: { docker: { kind: 'unreachable', reason: 'timeout' } } }
      : { ...known, liveness },
  );
  change(trouble.foreign, (known) => ({ ...known, foreign: [foreigner] }));
  return seen;
}

function recordedAfter({ recorded, now }: PlanInputs, trouble: Trouble): PlanInputs['recorded'] {
  const about = { actor: 'ann', reason: 'a look', until: now + 3 * hour };
  const overrides: Override[] = [];
  const pinned = recorded.allocations.find(({ workload }) => workload === workloadName(trouble.pin ?? -1));
  if (pinned !== undefined)
    overrides.push({ ...about, id: 'pin', kind: 'pin', target: pinned.workload, revision: pinned.revision });
  if (trouble.cordon !== undefined)
    overrides.push({ ...about, id: 'cordon', kind: 'cordon', target: `n${trouble.cordon}` });
  if (trouble.freeze !== undefined)
    overrides.push({
      ...about,
      id: 'freeze',
      kind: 'freeze',
      target: trouble.freeze === 4 ? '*' : workloadName(trouble.freeze),
    });
  const workloads = new Map(recorded.workloads);
  const failed = workloadName(trouble.failed ?? -1);
  const known = workloads.get(failed);
  const [revision] = [...recorded.revisions.keys()].slice(-1);
  if (known !== undefined && revision !== undefined)
    workloads.set(failed, { ...known, failed: [{ revision, at: now - hour, reason: 'health' }] });
  const inFlight =
    trouble.inFlight === undefined
      ? []
      : [{ run: 'r1' as RunId, unit: unitOf(workloadName(trouble.inFlight)), status: 'running' }];
  return { ...recorded, overrides, workloads, inFlight };
}

/** How far a run came: all of it, or so many of its steps, the next one begun. */
export const anyEnd = fc.oneof(
  { weight: 3, arbitrary: fc.constant(undefined) },
  { weight: 2, arbitrary: fc.record({ steps: fc.nat(12), begun: fc.constantFrom('reserved', 'beside') }) },
);

export type End = typeof anyEnd extends fc.Arbitrary<infer Value> ? Value : never;

/** The world when a run was cut off. */
export function worldWhen(inputs: PlanInputs, plan: Plan, end: NonNullable<End>): PlanInputs {
  const done = end.steps % (plan.steps.length + 1);
  const after = { ...inputs, ...worldAfter(inputs, { ...plan, steps: plan.steps.slice(0, done) }) };
  const next = plan.steps[done];
  if (next === undefined || next.kind === 'update' || next.kind === 'remove' || next.kind === 'stop') return after;
  if (next.kind === 'forget') return after;
  const through = worldAfter(inputs, { ...plan, steps: plan.steps.slice(0, done + 1) });
  const id = allocationId(next.instance, next.generation);
  const made = through.recorded.allocations.find((allocation) => allocation.id === id);
  const object = through.observed.objects.find(({ allocation }) => allocation === id);
  if (made === undefined || object === undefined) return after;
  const isMade = end.begun === 'beside' && next.order === 'create-first';
  const begun: Allocation = { ...made, state: isMade ? 'live' : 'reserved' };
  return {
    ...after,
    recorded: {
      ...after.recorded,
      workloads: through.recorded.workloads,
      revisions: through.recorded.revisions,
      allocations: [...after.recorded.allocations, begun],
    },
    observed: { ...after.observed, objects: isMade ? [...after.observed.objects, object] : after.observed.objects },
  };
}
