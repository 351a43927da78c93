import { performance } from 'node:perf_hooks';

/** The middle of five, with what it is a middle of. */
export interface Measured {
  readonly medianMs: number;
  readonly lowestMs: number;
  readonly highestMs: number;
  /** User CPU time of all threads: what a loaded machine does not blur. */
  readonly cpuMs: number;
}

export const repeats = 5;
/** What is measured lives for months: by then V8 has compiled what is done again and again. */
const warmUps = 5;

/** Runs the work a few times to warm it up, then `repeats` times. */
export const measure = (work: () => unknown): Promise<Measured> => measureFrom(() => undefined, work);

/** The same for work that uses up what it starts from: that is made before each run, and not measured. */
export async function measureFrom<Start>(prepare: () => Start, work: (start: Start) => unknown): Promise<Measured> {
  for (let run = 0; run < warmUps; run++) await work(prepare());
  const runs: Run[] = [];
  for (let run = 0; run < repeats; run++) {
    const prepared = prepare();
    const start = performance.now();
    const cpu = process.cpuUsage();
    await work(prepared);
    runs.push({ tookMs: performance.now() - start, cpuMs: process.cpuUsage(cpu).user / 1000 });
  }
  return summarise(runs);
}

/** A single run that was not warmed up: for what takes minutes. */
export function measureOnce<Result>(work: () => Result): { readonly result: Result; readonly measured: Measured } {
  const start = performance.now();
  const cpu = process.cpuUsage();
  const result = work();
  const run = { tookMs: performance.now() - start, cpuMs: process.cpuUsage(cpu).user / 1000 };
  return { result, measured: summarise([run]) };
}

export interface Run {
  readonly tookMs: number;
  readonly cpuMs: number;
}

export function summarise(runs: readonly Run[]): Measured {
  const sorted = (values: readonly number[]): readonly number[] => [...values].sort((a, b) => a - b);
  const times = sorted(runs.map(({ tookMs }) => tookMs));
  const cpus = sorted(runs.map(({ cpuMs }) => cpuMs));
  const middle = Math.floor(runs.length / 2);
  const at = (values: readonly number[], index: number): number => values[index] ?? Number.NaN;
  return {
    medianMs: at(times, middle),
    lowestMs: at(times, 0),
    highestMs: at(times, times.length - 1),
    cpuMs: at(cpus, middle),
  };
}

export const ms = (value: number): string => `${value < 10 ? value.toFixed(1) : value.toFixed(0)} ms`;
export const spread = ({ lowestMs, highestMs }: Measured): string => `${ms(lowestMs)} – ${ms(highestMs)}`;
export const mebibytes = (bytes: number): string => `${Math.round(bytes / 1024 / 1024)} MiB`;
export const ratio = (value: number): string => `${value.toFixed(2)}×`;

/** A markdown table on stdout, under the command that made it. */
export function printTable(title: string, header: readonly string[], rows: readonly (readonly string[])[]): void {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  console.log(`### ${title}\n`);
  console.log([line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n'));
  console.log('');
}

/** Of the power of the size that fits the values best (least squares of the logarithms): 1 is linear. */
export function exponentOf(points: readonly { readonly size: number; readonly value: number }[]): number {
  const logs = points.map(({ size, value }) => ({ x: Math.log(size), y: Math.log(value) }));
  const mean = (of: (log: { readonly x: number; readonly y: number }) => number): number =>
    logs.reduce((sum, log) => sum + of(log), 0) / logs.length;
  const [x, y] = [mean((log) => log.x), mean((log) => log.y)];
  return mean((log) => (log.x - x) * (log.y - y)) / mean((log) => (log.x - x) ** 2);
}
