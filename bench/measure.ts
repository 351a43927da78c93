import { performance } from 'node:perf_hooks';

/** The middle of five, with what it is a middle of. */
export interface Measured {
  readonly medianMs: number;
  readonly lowestMs: number;
  readonly highestMs: number;
}

export const repeats = 5;

/** Runs the work once to warm it up, then `repeats` times. */
export async function measure(work: () => unknown): Promise<Measured> {
  await work();
  const times: number[] = [];
  for (let run = 0; run < repeats; run++) {
    const start = performance.now();
    await work();
    times.push(performance.now() - start);
  }
  return summarise(times);
}

export function summarise(times: readonly number[]): Measured {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (index: number): number => sorted[index] ?? Number.NaN;
  return { medianMs: at(Math.floor(sorted.length / 2)), lowestMs: at(0), highestMs: at(sorted.length - 1) };
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
