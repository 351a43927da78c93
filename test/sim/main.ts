import { fork } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { storyOf } from './generate.ts';
import { minimise } from './minimise.ts';
import { allPromises } from './promises/all.ts';
import { type Failure, type Sweep, simulate, sweep } from './simulate.ts';
import type { Story } from './story.ts';
import { tell } from './tell.ts';
import { trace } from './trace.ts';

/**
 * `npm run sim -- --runs M [--seed N] [--minutes T] [--jobs J]`: stories N to N+M-1, side by side, until T minutes are over. Ends
 * with 1 when a promise was broken, after printing seed, promise and the shortest story that breaks it.
 * `npm run sim -- --seed N [--trace]` or `--story FILE [--trace]`: one story, told event by event.
 */
const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    runs: { type: 'string', default: '1' },
    minutes: { type: 'string' },
    jobs: { type: 'string', default: String(availableParallelism()) },
    failures: { type: 'string', default: '3' },
    story: { type: 'string' },
    shortest: { type: 'string', default: 'yes' },
    trace: { type: 'boolean', default: false },
    worker: { type: 'string' },
  },
});

const seed = number('seed', values.seed);
const runs = number('runs', values.runs);
if (values.worker !== undefined) await work(values.worker);
else if (values.story !== undefined || runs === 1) await replay();
else await sweepAll();

function number(name: string, text: string): number {
  const value = Number(text);
  if (text !== '' && Number.isInteger(value) && value >= 0) return value;
  process.stderr.write(`--${name} ${text} is not a whole number\n`);
  process.exit(2);
}

/** One story; when it breaks a promise, the shortest that still does. */
async function replay(): Promise<void> {
  process.setSourceMapsEnabled(true);
  const story = values.story === undefined ? storyOf(seed) : (JSON.parse(readFileSync(values.story, 'utf8')) as Story);
  const { violation, events, lastedMs } = await tell(story, (world) => [
    ...allPromises(world),
    ...(values.trace ? [trace(world, (line) => process.stdout.write(`${line}\n`))] : []),
  ]);
  if (violation === undefined) {
    process.stdout.write(`every promise held: ${events} events in ${seconds(lastedMs)} of the cluster's time\n`);
    return;
  }
  process.exitCode = 1;
  process.stdout.write(`broken at ${seconds(violation.at)}: ${violation.promise}: ${violation.message}\n`);
  if (!values.trace) await printShortest(story, violation.promise);
}

async function printShortest(story: Story, promise: string): Promise<void> {
  if (values.shortest === 'no') return;
  const shortest = await minimise(story, async (shorter) => (await simulate(shorter)).violation?.promise === promise);
  const file = `sim-seed-${story.seed}.json`;
  writeFileSync(file, `${JSON.stringify(shortest, null, 2)}\n`);
  process.stdout.write(
    `the shortest story that breaks it (${shortest.faults.length} of ${story.faults.length} faults, ${shortest.changes.length} of ` +
      `${story.changes.length} changes): ${JSON.stringify(shortest)}\nreplay it: npm run sim -- --story ${file} --trace\n`,
  );
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(3)} s`;
}

/** Every job takes each so-manieth seed. */
async function sweepAll(): Promise<void> {
  const jobs = Math.max(1, Math.min(number('jobs', values.jobs), runs));
  const startedAt = performance.now();
  const results = await Promise.all(Array.from({ length: jobs }, (_, job) => sweepOf(job, jobs)));
  const minutes = (performance.now() - startedAt) / 60_000;
  const sum = (of: (result: Sweep) => number): number => results.reduce((total, result) => total + of(result), 0);
  const hours = sum(({ virtualMs }) => virtualMs) / 3_600_000;
  const told = sum((result) => result.runs);
  process.stdout.write(
    `${told} stories, ${sum(({ events }) => events)} events, ${hours.toFixed(1)} cluster-hours in ${minutes.toFixed(2)} minutes ` +
      `(${(hours / minutes).toFixed(0)} a minute, ${jobs} jobs, ${(sum(({ cpuMs }) => cpuMs) / told).toFixed(1)} ms of a core a story)\n`,
  );
  const failures = results.flatMap((result) => result.failures).sort((a, b) => a.seed - b.seed);
  if (told < runs && failures.length === 0)
    process.stdout.write(`the time was up: ${runs - told} of ${runs} stories were not told\n`);
  if (failures.length === 0) return;
  process.exitCode = 1;
  for (const failure of failures) await printFailure(failure);
}

async function printFailure(failure: Failure): Promise<void> {
  process.stdout.write(`seed ${failure.seed} breaks "${failure.promise}": ${failure.message}\n`);
  process.stdout.write(`replay it: npm run sim -- --seed ${failure.seed} --trace\n`);
  await printShortest(storyOf(failure.seed), failure.promise);
}

function sweepOf(job: number, jobs: number): Promise<Sweep> {
  const child = fork(process.argv[1] ?? '', [...process.argv.slice(2), '--worker', `${job}/${jobs}`], {
    execArgv: process.execArgv,
  });
  return new Promise((resolve, reject) => {
    child.once('message', (result) => resolve(result as Sweep));
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`a job ended with ${code} before it told its results`)));
  });
}

async function work(place: string): Promise<void> {
  // Stacks are dear, and a replay makes them anew.
  Error.stackTraceLimit = 0;
  const [job = 0, jobs = 1] = place.split('/').map(Number);
  const until = values.minutes === undefined ? {} : { until: performance.now() + Number(values.minutes) * 60_000 };
  const seeds = (function* () {
    for (let next = seed + job; next < seed + runs; next += jobs) yield next;
  })();
  const result = await sweep({ seeds, maxFailures: number('failures', values.failures), ...until });
  process.send?.(result, () => process.disconnect());
}
