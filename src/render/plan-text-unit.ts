import { formatDuration } from '../model/units.ts';
import { dotted, hang, type WrappedRow, wrappedColumns } from './layout.ts';
import type { Paint } from './paint.ts';
import { someNames } from './plan-drains.ts';
import { moreText, type Page, paintKind } from './plan-page.ts';
import { groupSection } from './plan-text-group.ts';
import { type TimelineRow, timelineOf } from './plan-timeline.ts';
import type { UnitView } from './plan-view.ts';
import { symbols } from './plan-words.ts';

/** What happens to one workload: what changes, where, in which waves, and who serves meanwhile. */
export function unitSection(view: UnitView, page: Page): string {
  const { paint, width } = page;
  const { unit, groups, notes } = view;
  return [
    hang(`${paint.bold(unit.id)}  `, titleOf(view, paint), width),
    ...groups.map((group) => groupSection(group, page)),
    ...timelineLines(view, page),
    ...notes.map(({ message, code }) => hang(`  ${paint.warn('▲')} `, `${message} ${paint.dim(code)}`, width)),
  ].join('\n');
}

/** `-/+ 3, + 2 instances in 4 waves · 27s at worst · lowest 2 of 3` */
function titleOf(view: UnitView, paint: Paint): readonly string[] {
  const { unit, groups, steps, lowest } = view;
  const counts = groups.map(({ first, steps: own }) => `${paintKind(first, symbols[first.kind], paint)} ${own.length}`);
  const waves = unit.waves.length > 1 ? ` in ${unit.waves.length} waves` : '';
  const watchedMs = unit.waves.length > 1 ? 0 : (unit.waves[0]?.observeMs ?? 0);
  return dotted([
    `${counts.join(', ')} ${steps.length === 1 ? 'instance' : 'instances'}${waves}`,
    ...(unit.worstCaseMs > 0 ? [`${formatDuration(unit.worstCaseMs)} at worst`] : []),
    ...(watchedMs > 0 ? [`watched ${formatDuration(watchedMs)}`] : []),
    ...(lowest === undefined ? [] : [paintLowest(lowest, paint)]),
    ...(unit.after.length === 0 ? [] : [`after ${someNames(unit.after, { all: false })}`]),
    ...(view.together.length === 0 ? [] : [`together with ${someNames(view.together, { all: false })}`]),
  ]);
}

function paintLowest({ lowest, of }: NonNullable<UnitView['lowest']>, paint: Paint): string {
  const text = `lowest ${lowest} of ${of}`;
  return lowest === of ? text : lowest === 0 ? paint.bad(text) : paint.warn(text);
}

/** Only where there is something to follow: one wave is told by the title. */
function timelineLines({ unit, steps, lowest }: UnitView, page: Page): readonly string[] {
  if (unit.waves.length < 2) return [];
  const { head, hiddenWaves, tail } = timelineOf(unit, steps, { of: lowest?.of, all: page.all });
  const heads = ['  wave', 'at worst', ...(lowest === undefined ? [] : ['available'])];
  const [titles = '', ...lines] = wrappedColumns(
    [{ cells: heads, last: 'does' }, ...[...head, ...tail].map((row) => waveRow(row, lowest, page))],
    page.width,
  );
  return [
    page.paint.dim(titles),
    ...lines.slice(0, head.length),
    ...(hiddenWaves === 0 ? [] : [`  ${moreText(hiddenWaves, page, 'waves')}`]),
    ...lines.slice(head.length),
  ];
}

const waveRow = (row: TimelineRow, lowest: UnitView['lowest'], { paint }: Page): WrappedRow => ({
  cells: [
    `  ${row.waves}`,
    row.atWorst,
    ...(lowest === undefined ? [] : [row.isDown ? paint.bad(row.available) : row.available]),
  ],
  last: row.does,
});
