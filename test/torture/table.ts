import type { Injected } from './inject.ts';

const begin = '<!-- torture: the table below is written by npm run torture -->';
const end = '<!-- torture: end -->';

const head = ['| fault | times | outcome | lost | doubled |', '|---|---|---|---|---|'];

/** Markdown: a row for each fault. */
export const tableOf = (done: readonly Injected[]): string => [...head, ...done.map(rowOf)].join('\n');

/** The page with this table in it; rows of faults that were not injected this time stay, all in the order of `names`. */
export function withTable(page: string, done: readonly Injected[], names: readonly string[]): string {
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`the page has no ${begin} … ${end}`);
  const rows = new Map(
    page
      .slice(from, to)
      .split('\n')
      .filter((line) => line.startsWith('| '))
      .map((line) => [nameIn(line), line]),
  );
  for (const injected of done) rows.set(injected.fault.what, rowOf(injected));
  const table = [...head, ...names.flatMap((name) => rows.get(name) ?? [])].join('\n');
  return `${page.slice(0, from)}${begin}\n\n${table}\n\n${page.slice(to)}`;
}

const nameIn = (row: string): string => (row.split(' | ')[0] ?? '').replace(/^\| /, '');

function rowOf({ fault, findings }: Injected): string {
  const { injected, lost, doubled, wrong, counted, took } = findings;
  const counts = [...counted].map(([what, times]) => `${times} ${what}`);
  const times = [...took].map(([what, ms]) => `${what}: ${seconds(median(ms))} (at most ${seconds(Math.max(...ms))})`);
  const outcome = wrong.length > 0 ? `**${wrong.length} wrong**` : 'plan empty, store sound';
  const cells = [fault.what, injected, [outcome, ...counts, ...times].join('; '), lost, doubled];
  return `| ${cells.join(' | ')} |`;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
