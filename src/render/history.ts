import { commitsText } from '../model/commits.ts';
import type { HistoryEntry } from '../reconcile/history.ts';
import { formatAge, formatTime } from './amounts.ts';
import { hang, plural, usableWidth } from './layout.ts';
import { createPaint } from './paint.ts';
import { shortPlanId } from './plan-words.ts';

/** Finished runs, newest first: when, who, which commit, what changed and how it ended. */
export function renderHistoryText(
  entries: readonly HistoryEntry[],
  options: { readonly color: boolean; readonly width?: number | undefined },
): string {
  const paint = createPaint(options);
  const width = usableWidth(options.width);
  if (entries.length === 0) return 'Nothing has been applied yet.\n';
  const blocks = entries.map((entry) => {
    const bad = entry.units.filter((unit) => unit.state !== 'done');
    const ended =
      bad.length === 0 ? paint.good('done') : paint.bad([...new Set(bad.map((unit) => unit.state))].join(', '));
    const facts = [
      `took ${formatAge(entry.endedAt - entry.startedAt)}`,
      `by ${entry.actor}`,
      commitsText(entry.commits),
      `plan ${shortPlanId(entry.plan)}`,
      ...(entry.approvals ?? []).map(({ actor }) => `approved by ${actor}`),
    ];
    return [
      hang(`${formatTime(entry.startedAt)}  `, `${ended}  ${summaryText(entry)}`, width),
      hang('  ', paint.dim([`run ${entry.run}`, ...facts].join(' · ')), width),
      ...bad.map((unit) =>
        hang(
          `  ${paint.bad('!')} `,
          `${unit.unit} ${unit.state}${unit.reason === undefined ? '' : `: ${unit.reason}`}`,
          width,
        ),
      ),
    ].join('\n');
  });
  return `${blocks.join('\n\n')}\n`;
}

function summaryText({ summary, units }: HistoryEntry): string {
  const kinds = ['create', 'update', 'replace', 'move', 'stop', 'remove', 'forget'] as const;
  const parts = kinds.filter((kind) => summary[kind] > 0).map((kind) => `${summary[kind]} ${kind}`);
  return `${parts.length === 0 ? 'nothing to do' : parts.join(', ')} in ${plural(units.length, 'workload')}`;
}
