import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Desired } from '../src/model/desired.ts';
import { revisionHash } from '../src/model/ids.ts';
import type { Plan } from '../src/model/plan.ts';
import type { Snapshot } from '../src/model/snapshot/format.ts';
import { fromSnapshot, toSnapshot } from '../src/model/snapshot.ts';
import type { PlanInputs } from '../src/plan/inputs.ts';
import { createPlan } from '../src/plan/plan.ts';
import { verifyPlan } from '../src/plan/verify.ts';
import { planJsonChunks } from '../src/render/plan-json.ts';
import { generateRepo, writeRepo } from './generate.ts';
import { measure, mebibytes, ms, printTable, ratio, spread } from './measure.ts';
import { freshInputs, loadRepo, settledInputs } from './world.ts';

/**
 * Planning and its verification from memory, compared in the same run with parsing the state that they start from.
 *   node --import tsx bench/plan.ts [--large]        1,000 nodes × 20,000 instances; --large: 10,000 × 200,000
 */
async function main(): Promise<void> {
  const { values } = parseArgs({ options: { large: { type: 'boolean', default: false } } });
  const size = values.large
    ? { nodes: 10_000, instances: 200_000, workloads: 5000, seed: 1 }
    : { nodes: 1000, instances: 20_000, workloads: 1000, seed: 1 };
  const desired = await generatedDesired(size);
  const settled = settledInputs(desired);
  const text = JSON.stringify(toSnapshot(settled));
  const parse = await measure(() => JSON.parse(text));
  const rows = [['`JSON.parse` of the snapshot', ms(parse.medianMs), spread(parse), ms(parse.cpuMs), ratio(1)]];
  const add = async (name: string, work: () => unknown): Promise<void> => {
    const measured = await measure(work);
    rows.push([name, ms(measured.medianMs), spread(measured), ms(measured.cpuMs), ratio(measured.cpuMs / parse.cpuMs)]);
  };
  await add('`fromSnapshot`', () => fromSnapshot(JSON.parse(text) as Snapshot, { desired }));
  const cases: readonly (readonly [string, PlanInputs])[] = [
    ['everything placed anew', freshInputs(desired)],
    ['nothing changed', settled],
    ['one workload changed', { ...settled, desired: withOneChange(desired) }],
  ];
  for (const [name, inputs] of cases) {
    const plan = createPlan(inputs);
    assertSound(inputs, plan);
    await add(`plan: ${name} (${plan.steps.length} steps)`, () => createPlan(inputs));
    await add(`verify: ${name}`, () => verifyPlan(inputs, plan));
    if (name === 'everything placed anew') {
      await add('render that plan as JSON', () => [...planJsonChunks(plan)].length);
      await add('`JSON.stringify` of its steps', () => JSON.stringify(plan.steps).length);
    }
  }
  const title = `${size.nodes} nodes × ${size.instances} instances × ${size.workloads} workloads`;
  printTable(title, ['work', 'median of 5', 'range', 'CPU', 'CPU to `JSON.parse`'], rows);
  console.log(
    `Peak resident memory: ${mebibytes(process.resourceUsage().maxRSS * 1024)}; snapshot: ${mebibytes(text.length)}\n`,
  );
}

async function generatedDesired(size: Parameters<typeof generateRepo>[0]): Promise<Desired> {
  const folder = await mkdtemp(join(tmpdir(), 'muster-bench-'));
  try {
    await writeRepo(join(folder, 'repo'), generateRepo(size));
    return await loadRepo(join(folder, 'repo'), join(folder, 'cache'));
  } finally {
    await rm(folder, { recursive: true });
  }
}

function withOneChange(desired: Desired): Desired {
  const [first, ...rest] = desired.workloads;
  if (first === undefined) throw new Error('the repo has no workloads');
  const changed = {
    ...first,
    revisionHash: revisionHash('0000000000000000'),
    revision: { ...first.revision, image: 'other:1' },
  };
  return { ...desired, workloads: [changed, ...rest] };
}

function assertSound(inputs: PlanInputs, plan: Plan): void {
  const [violation] = verifyPlan(inputs, plan);
  if (violation !== undefined) throw new Error(`${violation.rule} (${violation.subject}): ${violation.message}`);
}

await main();
