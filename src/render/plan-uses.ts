import type { CapacityUse, Plan, QuotaUse } from '../model/plan.ts';
import { dimensionLabel, formatAbout } from './amounts.ts';

/** What a plan makes of one limit of a quota, or of one dimension of a pod, as texts in human units. */
export interface UseRow {
  readonly name: string;
  readonly resource: string;
  readonly before: string;
  readonly peak: string;
  readonly after: string;
  readonly limit: string;
  /** Of the limit, at the peak, in percent; empty where there is no limit to speak of. */
  readonly share: string;
  readonly level: 'over' | 'tight' | 'usual';
}

/** Rows of quotas that change, or are exceeded. */
export const quotaRows = ({ quota }: Plan): readonly UseRow[] => quota.filter(isTold).map(quotaRow);

/** Rows of pods whose use changes. */
export const capacityRows = ({ capacity }: Plan): readonly UseRow[] => capacity.filter(isTold).map(capacityRow);

/** What is above this share of its limit is to be noticed. */
const tightPercent = 90;

type Use = Pick<QuotaUse, 'dimension' | 'before' | 'peak' | 'after'>;

const isTold = (use: Use & { readonly limit?: number }): boolean =>
  use.before !== use.after || use.peak > use.before || (use.limit !== undefined && use.peak > use.limit);

const quotaRow = ({ name, limit, ...use }: QuotaUse): UseRow => rowOf(name, use, limit);

const capacityRow = ({ pod, total, ...use }: CapacityUse): UseRow => rowOf(pod, use, total);

function rowOf(name: string, { dimension, before, peak, after }: Use, limit: number): UseRow {
  const amount = (value: number): string => formatAbout(dimension, value);
  const highest = Math.max(before, peak, after);
  const percent = limit > 0 ? Math.round((100 * highest) / limit) : undefined;
  return {
    name,
    resource: dimensionLabel(dimension),
    before: amount(before),
    peak: amount(highest),
    after: amount(after),
    limit: amount(limit),
    share: percent === undefined ? '' : `${percent} %`,
    level: highest > limit ? 'over' : percent !== undefined && percent >= tightPercent ? 'tight' : 'usual',
  };
}

/** Of too many rows those that are fullest, in their own order. */
export function fullest(rows: readonly UseRow[], most: number): readonly UseRow[] {
  if (rows.length <= most) return rows;
  const shareOf = ({ share }: UseRow): number => Number.parseInt(share, 10) || 0;
  const chosen = new Set([...rows].sort((a, b) => shareOf(b) - shareOf(a)).slice(0, most));
  return rows.filter((row) => chosen.has(row));
}
