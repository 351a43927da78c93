import type { CountOrPercent } from '../model/desired.ts';

/** A share is rounded down, but is never nothing unless it is 0 %: otherwise a small workload could never change. */
export function countOf(amount: CountOrPercent, of: number): number {
  if (amount.kind === 'count') return amount.count;
  return amount.percent === 0 ? 0 : Math.max(1, Math.floor((of * amount.percent) / 100));
}
