import { assertNever } from '../model/assert.ts';
import type { RunOutcome, UnitResult, UnitState } from '../reconcile/progress.ts';
import { formatAge } from './amounts.ts';
import { hang, plural, usableWidth } from './layout.ts';
import { createPaint, type Paint } from './paint.ts';

const mostUnits = 40;

/** How a run ended: what is not done, why and what to do next; then one line that sums up. */
export function renderOutcomeText(
  outcome: RunOutcome,
  options: { readonly color: boolean; readonly width?: number | undefined },
): string {
  const paint = createPaint(options);
  const width = usableWidth(options.width);
  const bad = outcome.units.filter((unit) => unit.state !== 'done');
  const lines = bad.slice(0, mostUnits).map((unit) => unitText(unit, paint, width));
  if (bad.length > mostUnits) lines.push(`… and ${bad.length - mostUnits} more`);
  const took = formatAge(outcome.endedAt - outcome.startedAt);
  const counts = countStates(outcome.units);
  const verdict =
    bad.length === 0
      ? paint.good(`Applied: ${plural(outcome.units.length, 'workload')} done in ${took}.`)
      : paint.bad(`Not everything was applied (${took}): ${counts}.`);
  return `${[...lines, paint.bold(verdict)].join('\n')}\n`;
}

/** What became of units, without a verdict over all. */
export function renderUnitResults(
  units: readonly UnitResult[],
  options: { readonly color: boolean; readonly width?: number | undefined },
): string {
  const paint = createPaint(options);
  const width = usableWidth(options.width);
  const lines = units.map((unit) =>
    unit.state === 'done' && unit.reason === undefined
      ? hang(`${paint.good('✓')} `, `${paint.bold(unit.unit)} done`, width)
      : unitText(unit, paint, width),
  );
  return `${lines.join('\n')}\n`;
}

function unitText(unit: UnitResult, paint: Paint, width: number): string {
  const reason = unit.reason === undefined ? '' : `: ${unit.reason}`;
  return hang(`${paint.bad('!')} `, `${paint.bold(unit.unit)} ${stateText(unit)}${reason}`, width);
}

function stateText({ unit, state, waitsFor }: UnitResult): string {
  switch (state) {
    case 'done':
      return 'done';
    case 'undone':
      return 'failed and was rolled back';
    case 'stuck':
      return `is stuck: its undo failed as well (muster unit show ${unit})`;
    case 'paused':
      return waitsFor === undefined
        ? 'stopped at a safe point; the next apply goes on from there'
        : `waits for an operator (muster unit show ${unit})`;
    case 'abandoned':
      return 'was abandoned';
    case 'superseded':
      return 'ended early: git has changed since';
    case 'skipped':
      return 'was not started';
    default:
      return assertNever(state);
  }
}

function countStates(units: readonly UnitResult[]): string {
  const counts = new Map<UnitState, number>();
  for (const { state } of units) counts.set(state, (counts.get(state) ?? 0) + 1);
  const words = {
    done: 'done',
    undone: 'rolled back',
    stuck: 'stuck',
    paused: 'paused',
    abandoned: 'abandoned',
    superseded: 'superseded',
    skipped: 'not started',
  } as const;
  return [...counts].map(([state, count]) => `${count} ${words[state]}`).join(', ');
}
