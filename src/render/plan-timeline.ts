import type { PlannedUnit, Step, StepKind } from '../model/plan.ts';
import { formatDuration } from '../model/units.ts';
import { symbols } from './plan-words.ts';

/** A unit's waves as rows of a timeline: neighbours that do the same are one row. Texts are ready to be shown. */
export interface TimelineRow {
  /** `3`, or `2-6` */
  readonly waves: string;
  /** When it begins and is over at worst, counted from the start of its unit: `4m → 24m`. */
  readonly atWorst: string;
  /** `11 of 12`; empty where nothing was there before. */
  readonly available: string;
  /** Nobody serves meanwhile. */
  readonly isDown: boolean;
  /** `-/+ 2 each, until healthy, watched 2m` */
  readonly does: string;
}

/** Rows at the beginning and at the end that are shown of a long timeline. */
const mostRows = 12;
const lastRows = 3;

/** The rows that are shown, and in the middle how many waves are left out. */
export interface Timeline {
  readonly head: readonly TimelineRow[];
  readonly hiddenWaves: number;
  readonly tail: readonly TimelineRow[];
}

export function timelineOf(
  unit: PlannedUnit,
  steps: readonly Step[],
  { of, all }: { readonly of: number | undefined; readonly all: boolean },
): Timeline {
  const runs = runsOf(unit, steps);
  const rows = runs.map((run) => rowOf(run, of));
  if (all || rows.length <= mostRows) return { head: rows, hiddenWaves: 0, tail: [] };
  const head = mostRows - lastRows;
  const hidden = runs.slice(head, -lastRows);
  return {
    head: rows.slice(0, head),
    hiddenWaves: hidden.reduce((sum, { first, last }) => sum + last - first + 1, 0),
    tail: rows.slice(-lastRows),
  };
}

/** Waves after each other that do the same, counted from 1. */
interface Run {
  readonly first: number;
  last: number;
  readonly beginMs: number | undefined;
  endMs: number | undefined;
  readonly wave: PlannedUnit['waves'][number];
  readonly counts: string;
}

function runsOf(unit: PlannedUnit, steps: readonly Step[]): readonly Run[] {
  const counts = countsByWave(unit, steps);
  const runs: Run[] = [];
  let endMs: number | undefined = 0;
  for (const [index, wave] of unit.waves.entries()) {
    const beginMs: number | undefined = endMs;
    endMs = beginMs === undefined || wave.worstCaseMs === undefined ? undefined : beginMs + wave.worstCaseMs;
    const last = runs.at(-1);
    const does = counts[index] ?? '';
    if (last !== undefined && last.counts === does && isAlike(last.wave, wave)) {
      last.last = index + 1;
      last.endMs = endMs;
    } else runs.push({ first: index + 1, last: index + 1, beginMs, endMs, wave, counts: does });
  }
  return runs;
}

const isAlike = (a: Run['wave'], b: Run['wave']): boolean =>
  a.gate === b.gate && a.observeMs === b.observeMs && a.worstCaseMs === b.worstCaseMs && a.available === b.available;

/** `-/+ 2, + 1` for each wave. */
function countsByWave(unit: PlannedUnit, steps: readonly Step[]): readonly string[] {
  const byWave = unit.waves.map(() => new Map<StepKind, number>());
  for (const { wave, kind } of steps) byWave[wave]?.set(kind, (byWave[wave]?.get(kind) ?? 0) + 1);
  return byWave.map((kinds) => [...kinds].map(([kind, count]) => `${symbols[kind]} ${count}`).join(', '));
}

function rowOf({ first, last, beginMs, endMs, wave, counts }: Run, of: number | undefined): TimelineRow {
  const { gate, observeMs, available } = wave;
  const does = [
    `${counts}${last > first ? ' each' : ''}`,
    ...(gate === 'healthy' ? ['until healthy'] : []),
    ...(observeMs > 0 ? [`watched ${formatDuration(observeMs)}`] : []),
  ].join(', ');
  return {
    waves: first === last ? `${first}` : `${first}-${last}`,
    atWorst:
      beginMs === undefined || endMs === undefined ? '' : `${formatDuration(beginMs)} → ${formatDuration(endMs)}`,
    available: available === undefined || of === undefined ? '' : `${available} of ${of}`,
    isDown: available === 0 && of !== undefined && of > 0,
    does,
  };
}
