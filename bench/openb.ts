import { parseArgs } from 'node:util';
import type { Strategy } from '../src/model/desired.ts';
import { instanceId } from '../src/model/ids.ts';
import { createPlan } from '../src/plan/plan.ts';
import { verifyPlan } from '../src/plan/verify.ts';
import { measureOnce, printTable } from './measure.ts';
import { arrivalsOf, milliOf, readTrace, type TraceNode, type TraceTask } from './openb-data.ts';
import { arrivalId, arrivalInputs } from './openb-world.ts';

/**
 * How much of a real GPU cluster a strategy can give away: tasks of the trace arrive in random order until 130 % of all
 * GPUs are asked for, and the planner places one after the other; what has no room is refused and not tried again.
 *   node --import tsx bench/openb.ts [--seeds 10] [--strategy pack,drained] [--nodes FILE] [--tasks FILE]
 * Files are names in the folder of the trace, or paths. Skipped with a message where the trace is not there.
 */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: '10' },
      strategy: { type: 'string', default: 'pack' },
      nodes: { type: 'string', default: 'openb_node_list_all_node.csv' },
      tasks: { type: 'string', default: 'openb_pod_list_default.csv' },
    },
  });
  const trace = readTrace(values);
  if (trace === undefined) {
    console.log(`Skipped: ${values.nodes} and ${values.tasks} are not both there`);
    return;
  }
  const seeds = Number(values.seeds);
  if (!Number.isSafeInteger(seeds) || seeds < 1) throw new Error(`--seeds ${values.seeds} is not a count`);
  const rows = values.strategy
    .split(',')
    .map((strategy) => [`\`strategy: ${strategy}\``, ...meansOf(trace, strategyNamed(strategy), seeds)]);
  printTable(
    `GPU allocation in % of ${gpusOf(trace.nodes)} GPUs on ${trace.nodes.length} nodes, mean of ${seeds} seeds`,
    ['policy', 'at 100 % demand', 'at 130 % demand', 'range at 130 %', 'CPU a decision'],
    [...published.map((row) => [...row, '–', '–']), ...rows],
  );
}

/** Of the same trace, on the nodes that have GPUs (Weng et al., USENIX ATC 2023, artifact). */
const published = [
  ['Random', '86.30', '87.47'],
  ['DotProd', '90.62', '90.85'],
  ['GpuClustering', '91.65', '91.88'],
  ['GpuPacking', '91.78', '92.00'],
  ['BestFit', '92.86', '93.08'],
  ['FGD', '95.23', '95.39'],
] as const;

const strategies: readonly Strategy[] = ['auto', 'fill', 'each', 'global', 'drained', 'pack'];

function strategyNamed(name: string): Strategy {
  const found = strategies.find((strategy) => strategy === name);
  if (found === undefined) throw new Error(`--strategy ${name}: the strategies are ${strategies.join(', ')}`);
  return found;
}

const gpusOf = (nodes: readonly TraceNode[]): number => nodes.reduce((sum, { gpus }) => sum + gpus, 0);

interface Trace {
  readonly nodes: readonly TraceNode[];
  readonly tasks: readonly TraceTask[];
}

function meansOf(trace: Trace, strategy: Strategy, seeds: number): readonly string[] {
  const replays = Array.from({ length: seeds }, (_, index) => replay(trace, strategy, index + 1));
  const mean = (of: (one: Replay) => number): number => replays.reduce((sum, one) => sum + of(one), 0) / seeds;
  const ends = replays.map(({ at130 }) => at130);
  return [
    mean(({ at100 }) => at100).toFixed(2),
    mean(({ at130 }) => at130).toFixed(2),
    `${Math.min(...ends).toFixed(2)} – ${Math.max(...ends).toFixed(2)}`,
    `${mean(({ decisionUs }) => decisionUs).toFixed(0)} µs`,
  ];
}

interface Replay {
  /** Percent of the GPUs that are given away, mean of the arrivals at which the demand is that many, rounded. */
  readonly at100: number;
  readonly at130: number;
  readonly decisionUs: number;
}

function replay({ nodes, tasks }: Trace, strategy: Strategy, seed: number): Replay {
  const capacityMilli = gpusOf(nodes) * 1000;
  const arrivals = arrivalsOf(tasks, { seed, demandMilli: 1.3 * capacityMilli });
  const inputs = arrivalInputs({ nodes, arrivals, strategy });
  const { result: plan, measured } = measureOnce(() => createPlan(inputs));
  const [violation] = verifyPlan(inputs, plan);
  if (violation !== undefined) throw new Error(`${violation.rule} (${violation.subject}): ${violation.message}`);
  const placed = new Set(plan.steps.map(({ instance }) => instance));
  const full: number[] = [];
  let arrivedMilli = 0;
  let givenMilli = 0;
  for (const [index, task] of arrivals.entries()) {
    arrivedMilli += milliOf(task);
    if (placed.has(instanceId(arrivalId(index), 0))) givenMilli += milliOf(task);
    if (Math.round((100 * arrivedMilli) / capacityMilli) === 100) full.push((100 * givenMilli) / capacityMilli);
  }
  return {
    at100: full.reduce((sum, share) => sum + share, 0) / full.length,
    at130: (100 * givenMilli) / capacityMilli,
    decisionUs: (1000 * measured.cpuMs) / arrivals.length,
  };
}

await main();
