import type { Desired } from '../src/model/desired.ts';
import { revisionHash } from '../src/model/ids.ts';
import type { Plan } from '../src/model/plan.ts';
import type { Snapshot } from '../src/model/snapshot/format.ts';
import { fromSnapshot } from '../src/model/snapshot.ts';
import type { PlanInputs } from '../src/plan/inputs.ts';
import { createPlan, openPlanner } from '../src/plan/plan.ts';
import { simulate } from '../src/plan/simulate.ts';
import { openVerifier } from '../src/plan/verify/base.ts';
import { verifyPlan } from '../src/plan/verify.ts';
import { planJsonChunks } from '../src/render/plan-json.ts';
import { generateDesired, type WorldSize } from './desired.ts';
import { type Measured, measure, measureFrom, measureOnce } from './measure.ts';
import { peakOf } from './memory.ts';
import { placeNaively } from './naive.ts';
import { freshInputs, inputsOf } from './world.ts';

/** What one case starts from. Both worlds are read when they are asked for: the state is what a `--state` file holds. */
export interface Start {
  readonly size: WorldSize;
  readonly desired: Desired;
  /** The snapshot's text in which everything runs as git wants it. */
  readonly text: () => string;
}

/** One line of the table. */
export interface Row {
  readonly work: string;
  readonly measured: Measured;
  /** Most memory over what the process had with its inputs loaded. */
  readonly peakBytes?: number;
}

/** Each runs in a process of its own. */
export const cases: Readonly<Record<string, (start: Start) => Promise<readonly Row[]>>> = {
  parse: async ({ text }) => {
    const state = text();
    return [{ work: '`JSON.parse` of the snapshot', measured: await measure(() => JSON.parse(state)) }];
  },
  load: async ({ desired, text }) => {
    const state = text();
    const load = (): unknown => fromSnapshot(JSON.parse(state) as Snapshot, { desired });
    return [{ work: '`fromSnapshot`', measured: await measure(load) }];
  },
  naive: async ({ desired }) => {
    const { result, measured } = measureOnce(() => placeNaively(desired));
    return [{ work: `naive scan: everything placed anew (${result.length} instances; one run)`, measured }];
  },
  fresh: async ({ desired }) => planned('everything placed anew', freshInputs(desired)),
  render: async ({ desired }) => rendered(createPlan(freshInputs(desired))),
  mixed: async ({ size }) => {
    const desired = generateDesired({ ...size, kind: 'mixed' });
    return planned('affinity, bound cores, NUMA, volumes on a quarter', freshInputs(desired));
  },
  pack: async ({ desired }) => {
    const pods = desired.pods.map((pod) => ({ ...pod, strategy: 'pack' as const }));
    return planned('everything placed anew, strategy pack', freshInputs({ ...desired, pods }));
  },
  noChange: async (start) => planned('nothing changed', settledInputs(start)),
  oneChange: async (start) => {
    const inputs = settledInputs(start);
    return planned('one workload changed', { ...inputs, desired: withOneChange(inputs.desired) });
  },
  warmChange: async (start) => changedWarm(settledInputs(start)),
  drain1: async (start) => drained(start, 100),
  drain10: async (start) => drained(start, 10),
  loseZone: async (start) => planned('zone a is lost', withoutZone(settledInputs(start), 'a')),
  simulateZone: async (start) => simulated(settledInputs(start), 'a'),
};

/** A plan, checked, and its verification. */
async function planned(name: string, inputs: PlanInputs): Promise<readonly Row[]> {
  const { result: plan, peakBytes } = peakOf(() => createPlan(inputs));
  assertSound(inputs, plan);
  const refused = plan.refusals.reduce((sum, { instances }) => sum + instances, 0);
  const outcome = `${plan.steps.length} steps${refused > 0 ? `, ${refused} refused` : ''}`;
  return [
    {
      work: `plan: ${name} (${outcome})`,
      measured: await measure(() => createPlan(inputs)),
      ...(peakBytes !== undefined && { peakBytes }),
    },
    { work: `verify: ${name}`, measured: await measure(() => verifyPlan(inputs, plan)) },
  ];
}

/** As in a process that has planned for this world before: recorded and observed are compiled. */
async function changedWarm(inputs: PlanInputs): Promise<readonly Row[]> {
  const planner = openPlanner();
  const before = planner(inputs);
  if (before.steps.length > 0) throw new Error(`${before.steps.length} steps were left before the change`);
  const verifier = openVerifier(inputs);
  const changed = { ...inputs, desired: withOneChange(inputs.desired) };
  const { result: plan, peakBytes } = peakOf(() => planner(changed));
  assertSound(changed, plan);
  return [
    {
      work: `plan, warm: one workload changed (${plan.steps.length} steps)`,
      measured: await measure(() => planner(changed)),
      ...(peakBytes !== undefined && { peakBytes }),
    },
    {
      work: 'verify, warm: one workload changed',
      measured: await measure(() => verifyPlan(changed, plan, verifier)),
    },
  ];
}

async function simulated(inputs: PlanInputs, zone: string): Promise<readonly Row[]> {
  const lose = inputs.desired.nodes.filter((node) => node.zone === zone).map(({ name }) => name);
  const { result, peakBytes } = peakOf(() => simulate(inputs, { lose }));
  return [
    {
      work: `simulate: zone ${zone} is lost (${result.instances} instances, ${result.survives ? 'all' : 'not all'} fit again)`,
      measured: await measure(() => simulate(inputs, { lose })),
      ...(peakBytes !== undefined && { peakBytes }),
    },
  ];
}

function assertSound(inputs: PlanInputs, plan: Plan): void {
  const [violation] = verifyPlan(inputs, plan);
  if (violation !== undefined) throw new Error(`${violation.rule} (${violation.subject}): ${violation.message}`);
}

/** Counting the bytes makes each chunk the flat text that a file gets. */
async function rendered(plan: Plan): Promise<readonly Row[]> {
  const stream = (): number => {
    let bytes = 0;
    for (const chunk of planJsonChunks(plan)) bytes += Buffer.byteLength(chunk);
    return bytes;
  };
  const { peakBytes } = peakOf(stream);
  return [
    {
      work: 'render that plan as JSON',
      measured: await measure(stream),
      ...(peakBytes !== undefined && { peakBytes }),
    },
    {
      work: '`JSON.stringify` of its steps',
      measured: await measure(() => Buffer.byteLength(JSON.stringify(plan.steps))),
    },
  ];
}

const settledInputs = ({ desired, text }: Start): PlanInputs =>
  inputsOf(desired, fromSnapshot(JSON.parse(text()) as Snapshot, { desired }));

function withOneChange(desired: Desired): Desired {
  const [first, ...rest] = desired.workloads;
  if (first === undefined) throw new Error('nothing is declared');
  const changed = {
    ...first,
    revisionHash: revisionHash('0000000000000000'),
    revision: { ...first.revision, image: 'other:1' },
  };
  return { ...desired, workloads: [changed, ...rest] };
}

/** One node of so many has to be left: all pods and zones are hit alike. */
async function drained(start: Start, oneOf: number): Promise<readonly Row[]> {
  const inputs = settledInputs(start);
  const nodes = inputs.desired.nodes.map((node, index) =>
    index % oneOf === 0 ? ({ ...node, lifecycle: 'maintenance' } as const) : node,
  );
  const name = `${Math.ceil(nodes.length / oneOf)} nodes are drained`;
  const after = { ...inputs, desired: { ...inputs.desired, nodes } };
  return [...(await planned(name, after)), await drainedWarm(name, inputs, after)];
}

/** As in a process that runs when git changes: its planner has planned this world before, and no drain on it yet. */
async function drainedWarm(name: string, before: PlanInputs, after: PlanInputs): Promise<Row> {
  const warm = (): ((inputs: PlanInputs) => Plan) => {
    const planner = openPlanner();
    planner(before);
    return planner;
  };
  const planner = warm();
  const { result: plan, peakBytes } = peakOf(() => planner(after));
  assertSound(after, plan);
  return {
    work: `plan, warm: ${name} (${plan.steps.length} steps)`,
    measured: await measureFrom(warm, (planner) => planner(after)),
    ...(peakBytes !== undefined && { peakBytes }),
  };
}

function withoutZone(inputs: PlanInputs, zone: string): PlanInputs {
  const nodes = new Map(inputs.observed.nodes);
  for (const { name, zone: own } of inputs.desired.nodes) {
    const seen = nodes.get(name);
    if (own === zone && seen !== undefined) nodes.set(name, { ...seen, liveness: 'lost' });
  }
  return { ...inputs, observed: { ...inputs.observed, nodes } };
}
