import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { toSnapshot } from '../src/model/snapshot.ts';
import { snapshotChunks, writeDocument } from '../src/reconcile/documents.ts';
import { cases, type Row } from './cases.ts';
import { compile } from './compiled.ts';
import { generateDesired, type WorldSize } from './desired.ts';
import { exponentOf, mebibytes, ms, printTable, ratio, spread } from './measure.ts';
import { settledInputs } from './world.ts';

/**
 * Planning and its verification from memory, compared in the same run with a naive scan and with parsing the state that
 * they start from. Every case runs in a process of its own, on one core.
 *   node --import tsx bench/plan.ts [--quick] [--only fresh,noChange] [--growth]
 * 10,000 nodes × 200,000 instances × 5,000 workloads; `--quick`: a tenth of it. `--only` names cases of bench/cases.ts;
 * JSON.parse is always measured, since everything is compared with it. `--growth` measures nothing but growth.
 *
 * What is measured is the compiled program. To see where its time goes, run one case (any run has compiled it):
 *   node --cpu-prof --cpu-prof-dir=/tmp/profile .build/bench/plan.js --quick --case fresh
 */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      growth: { type: 'boolean', default: false },
      case: { type: 'string' },
      nodes: { type: 'string' },
      state: { type: 'string' },
      prepare: { type: 'boolean', default: false },
    },
  });
  const size = sizeOf(Number(values.nodes ?? (values.quick ? 1000 : 10_000)));
  if (values.prepare && values.state !== undefined) return prepare(size, values.state);
  if (values.case !== undefined) {
    console.log(JSON.stringify(await runCase(values.case, { size, state: values.state })));
    return;
  }
  if (!values.growth) await compare(size, chosen(values.only));
  if (values.growth || values.only === undefined) await growth(values.quick ? 1000 : 10_000);
}

/** 20 instances a node, 40 a workload. */
const sizeOf = (nodes: number): WorldSize => ({
  nodes,
  instances: nodes * 20,
  workloads: Math.ceil(nodes / 2),
  seed: 1,
  kind: 'plain',
});

function chosen(only: string | undefined): readonly string[] {
  const all = Object.keys(cases);
  if (only === undefined) return all;
  const wanted = only.split(',');
  const unknown = wanted.find((name) => !all.includes(name));
  if (unknown !== undefined) throw new Error(`--only ${unknown}: the cases are ${all.join(', ')}`);
  return ['parse', ...wanted.filter((name) => name !== 'parse')];
}

/** Writes the state in which nothing is left to do, so that no case has the memory of making it. */
async function prepare(size: WorldSize, file: string): Promise<void> {
  await writeDocument(file, snapshotChunks(toSnapshot(settledInputs(generateDesired(size)))));
}

async function runCase(
  name: string,
  { size, state }: { readonly size: WorldSize; readonly state: string | undefined },
): Promise<readonly Row[]> {
  const run = cases[name];
  if (run === undefined) throw new Error(`--case ${name}: the cases are ${Object.keys(cases).join(', ')}`);
  const desired = generateDesired(size);
  const made = (): string => [...snapshotChunks(toSnapshot(settledInputs(desired)))].join('');
  return run({ size, desired, text: () => (state === undefined ? made() : readFileSync(state, 'utf8')) });
}

async function compare(size: WorldSize, names: readonly string[]): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'muster-bench-'));
  try {
    const state = join(folder, 'state.json');
    await child(['--nodes', `${size.nodes}`, '--prepare', '--state', state]);
    const rows: Row[] = [];
    for (const name of names) {
      const output = await child(['--nodes', `${size.nodes}`, '--case', name, '--state', state]);
      rows.push(...(JSON.parse(output) as Row[]));
      console.error(`${name}: ${ms(rows.at(-1)?.measured.medianMs ?? Number.NaN)}`);
    }
    print(size, rows);
  } finally {
    await rm(folder, { recursive: true });
  }
}

function print(size: WorldSize, rows: readonly Row[]): void {
  const cpuOf = (start: string): number | undefined => rows.find(({ work }) => work.startsWith(start))?.measured.cpuMs;
  const to = (base: number | undefined, row: Row): string =>
    base === undefined ? '–' : ratio(row.measured.cpuMs / base);
  const [parse, naive] = [cpuOf('`JSON.parse`'), cpuOf('naive scan')];
  printTable(
    `${size.nodes} nodes × ${size.instances} instances × ${size.workloads} workloads, ${pinned ? 'one core' : 'not pinned to a core'}`,
    ['work', 'median of 5', 'range', 'CPU', 'CPU to `JSON.parse`', 'CPU to naive scan', 'peak memory', 'an instance'],
    rows.map((row) => [
      row.work,
      ms(row.measured.medianMs),
      spread(row.measured),
      ms(row.measured.cpuMs),
      to(parse, row),
      to(naive, row),
      row.peakBytes === undefined ? '–' : mebibytes(row.peakBytes),
      row.peakBytes === undefined ? '–' : `${Math.round(row.peakBytes / size.instances)} B`,
    ]),
  );
}

/** Everything placed anew at four sizes; the exponent of the best fit says how the time grows with the size. */
async function growth(largest: number): Promise<void> {
  const points: { readonly nodes: number; readonly row: Row }[] = [];
  for (const share of [0.1, 0.2, 0.5, 1]) {
    const nodes = largest * share;
    const [row] = JSON.parse(await child(['--nodes', `${nodes}`, '--case', 'fresh'])) as Row[];
    if (row !== undefined) points.push({ nodes, row });
  }
  printTable(
    'Growth: everything placed anew, 20 instances a node',
    ['nodes', 'median of 5', 'range', 'CPU'],
    points.map(({ nodes, row: { measured } }) => [
      `${nodes}`,
      ms(measured.medianMs),
      spread(measured),
      ms(measured.cpuMs),
    ]),
  );
  const fit = (value: (row: Row) => number): string =>
    exponentOf(points.map(({ nodes, row }) => ({ size: nodes, value: value(row) }))).toFixed(2);
  console.log(
    `Exponent: ${fit((row) => row.measured.medianMs)} on the clock, ${fit((row) => row.measured.cpuMs)} of CPU\n`,
  );
}

let compiled: string | undefined;
const pinned = existsSync('/usr/bin/taskset');

/** This program again, on one core where the system can say so; its standard output. */
function child(args: readonly string[]): Promise<string> {
  compiled ??= compile(import.meta.filename);
  const node = [process.execPath, '--expose-gc', compiled, ...args];
  const [command = '', ...rest] = pinned ? ['/usr/bin/taskset', '-c', '0', ...node] : node;
  return new Promise((resolve, reject) => {
    const running = spawn(command, rest, { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    running.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
    });
    running.once('error', reject);
    running.once('close', (code) => {
      if (code === 0) resolve(output);
      else reject(new Error(`bench/plan.ts ${args.join(' ')} ended with ${code}`));
    });
  });
}

await main();
