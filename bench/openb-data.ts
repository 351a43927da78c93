import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRandom, type Random } from './random.ts';

/** A machine of the trace: `model` is empty where it has no GPU. */
export interface TraceNode {
  readonly name: string;
  readonly cpuMillis: number;
  readonly memoryMiB: number;
  readonly gpus: number;
  readonly model: string;
}

/** A task: so many whole GPUs, or a part of one; `models` is empty where any will do. */
export interface TraceTask {
  readonly cpuMillis: number;
  readonly memoryMiB: number;
  readonly gpus: number;
  /** Thousandths of each GPU. */
  readonly gpuMilli: number;
  readonly models: readonly string[];
}

const folder = join(import.meta.dirname, '..', '..', 'shared', 'data', 'openb');

/** The production cluster of alibaba/clusterdata, cluster-trace-gpu-v2023; undefined where the files are not there. */
export function readTrace(files: {
  readonly nodes: string;
  readonly tasks: string;
}): { readonly nodes: readonly TraceNode[]; readonly tasks: readonly TraceTask[] } | undefined {
  const paths = [files.nodes, files.tasks].map((name) => (name.includes('/') ? name : join(folder, name)));
  const [nodeRows, taskRows] = paths.map((path) => (existsSync(path) ? rowsOf(readFileSync(path, 'utf8')) : undefined));
  if (nodeRows === undefined || taskRows === undefined) return undefined;
  return { nodes: nodeRows.map(nodeOf), tasks: taskRows.map(taskOf) };
}

type Row = Readonly<Record<string, string>>;

function rowsOf(text: string): readonly Row[] {
  const [header = '', ...lines] = text.trim().split('\n');
  const names = header.trim().split(',');
  return lines.map((line) =>
    Object.fromEntries(
      line
        .trim()
        .split(',')
        .map((cell, index) => [names[index], cell]),
    ),
  );
}

const numberIn = (row: Row, name: string): number => {
  const value = Number(row[name]);
  if (row[name] === undefined || !Number.isSafeInteger(value)) throw new Error(`${name} is ${row[name]}`);
  return value;
};

const nodeOf = (row: Row): TraceNode => ({
  name: row['sn'] ?? '',
  cpuMillis: numberIn(row, 'cpu_milli'),
  memoryMiB: numberIn(row, 'memory_mib'),
  gpus: numberIn(row, 'gpu'),
  model: row['model'] ?? '',
});

const taskOf = (row: Row): TraceTask => ({
  cpuMillis: numberIn(row, 'cpu_milli'),
  memoryMiB: numberIn(row, 'memory_mib'),
  gpus: numberIn(row, 'num_gpu'),
  gpuMilli: numberIn(row, 'num_gpu') === 0 ? 0 : numberIn(row, 'gpu_milli'),
  models: (row['gpu_spec'] ?? '').split('|').filter((model) => model !== ''),
});

export const milliOf = ({ gpus, gpuMilli }: TraceTask): number => gpus * gpuMilli;

/**
 * Arrivals as in the published experiments: the whole list in random order, then tasks drawn from it with replacement,
 * until so much of the capacity is demanded.
 */
export function arrivalsOf(
  tasks: readonly TraceTask[],
  { seed, demandMilli }: { readonly seed: number; readonly demandMilli: number },
): readonly TraceTask[] {
  const random = createRandom(seed * 7919 + 13);
  const arrivals = shuffled(tasks, random);
  let demanded = arrivals.reduce((sum, task) => sum + milliOf(task), 0);
  while (demanded > demandMilli) {
    const [dropped] = arrivals.splice(random.below(arrivals.length), 1);
    demanded -= dropped === undefined ? 0 : milliOf(dropped);
  }
  for (;;) {
    const drawn = tasks[random.below(tasks.length)];
    if (drawn === undefined || demanded + milliOf(drawn) > demandMilli) return arrivals;
    demanded += milliOf(drawn);
    arrivals.push(drawn);
  }
}

/** Fisher and Yates. */
function shuffled<Item>(items: readonly Item[], random: Random): Item[] {
  const result = [...items];
  for (let last = result.length - 1; last > 0; last -= 1) {
    const other = random.below(last + 1);
    [result[last], result[other]] = [result[other] as Item, result[last] as Item];
  }
  return result;
}
