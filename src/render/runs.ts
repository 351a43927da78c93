import { commitsText } from '../model/commits.ts';
import { formatAge, formatTime } from './amounts.ts';
import { columns, hang, plural, usableWidth } from './layout.ts';
import { createPaint, type Paint } from './paint.ts';
import { shortPlanId } from './plan-words.ts';
import type { RunUnit, RunView } from './run-view.ts';
import type { PageOptions } from './units.ts';

/** Runs, newest first, one line each. */
export function renderRunList(runs: readonly RunView[], options: PageOptions): string {
  const paint = createPaint(options);
  if (runs.length === 0) return 'There has been no run yet.\n';
  const rows = runs.map((run) => [
    run.run,
    stateText(run, paint),
    ageText(run, options.now),
    countsText(run),
    run.actor,
  ]);
  return `${columns(rows).join('\n')}\n`;
}

function stateText({ state, units }: RunView, paint: Paint): string {
  if (state === 'in flight') return paint.changed('in flight');
  if (state === 'waiting') return paint.warn(units.some((unit) => unit.state === 'stuck') ? 'stuck' : 'paused');
  return units.every((unit) => unit.state === 'done') ? paint.good('done') : paint.bad('not all done');
}

const ageText = ({ startedAt, endedAt }: RunView, now: number): string =>
  endedAt === undefined ? `begun ${formatAge(now - startedAt)} ago` : `took ${formatAge(endedAt - startedAt)}`;

function countsText({ units }: RunView): string {
  const counts = new Map<string, number>();
  for (const { state } of units) counts.set(state, (counts.get(state) ?? 0) + 1);
  return [...counts].map(([state, count]) => `${count} ${state}`).join(', ') || 'no units';
}

/** One run: when, who, what became of each unit, and what can be done with what is open. */
export function renderRun(run: RunView, options: PageOptions): string {
  const paint = createPaint(options);
  const width = usableWidth(options.width);
  const facts = [
    `${run.endedAt === undefined ? 'begun' : 'ran'} ${formatTime(run.startedAt)}`,
    ageText(run, options.now),
    `by ${run.actor}`,
    commitsText(run.commits),
    `plan ${shortPlanId(run.plan)}`,
  ];
  const head = [
    hang(`${paint.bold(`run ${run.run}`)}  `, stateText(run, paint), width),
    hang('  ', paint.dim(facts.filter((fact) => fact !== '').join(' · ')), width),
    ...run.asked.map((asked) => hang('  ', paint.warn(`asked, not taken up yet: ${asked}`), width)),
  ];
  const units = run.units.map((unit) => unitLine(unit, width, paint));
  return `${[head.join('\n'), [paint.bold(plural(run.units.length, 'unit')), ...units].join('\n'), ...commandLines(run, paint, width)].join('\n\n')}\n`;
}

const unitLine = ({ unit, state, reason }: RunUnit, width: number, paint: Paint): string =>
  hang(`  ${paint.bold(unit)}  `, reason === undefined ? state : `${state}: ${reason}`, width);

function commandLines({ run, state, units }: RunView, paint: Paint, width: number): readonly string[] {
  const command = (text: string, does: string): string => `  ${paint.bold(text)}\n${hang('      ', does, width)}`;
  const cancel = command(
    `muster runs cancel ${run}`,
    'undoes what has not committed; revisions that it brought are not tried again until git changes or `muster retry`',
  );
  const stuck = units
    .filter((unit) => unit.state === 'stuck')
    .map(({ unit }) => command(`muster unit show ${unit}`, 'what is where, and what can be done about it'));
  if (state === 'finished') return [];
  const isPaused = units.some((unit) => unit.state === 'paused' || unit.state === 'waiting');
  const go = isPaused
    ? [command(`muster runs resume ${run}`, 'goes on where it is; what had not begun is planned anew'), cancel]
    : state === 'in flight'
      ? [command(`muster runs pause ${run}`, 'steps that were begun are finished, no new one is begun'), cancel]
      : [];
  return [[paint.bold('What you can do'), ...stuck, ...go].join('\n')];
}
