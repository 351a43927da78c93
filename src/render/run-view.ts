import type { RunId, UnitId } from '../model/ids.ts';
import { toldText } from '../reconcile/control.ts';
import type { HistoryEntry, RunMeta } from '../reconcile/history.ts';
import type { InFlight } from '../reconcile/inspect.ts';
import type { UnitState } from '../reconcile/progress.ts';
import { type UnitView, viewUnits } from './unit-view.ts';

/** One run, in flight or finished: plain data, the same for text and JSON. */
export interface RunView {
  readonly run: RunId;
  /** `in flight`: it goes on by itself · `waiting`: all that is left of it waits for an operator */
  readonly state: 'in flight' | 'waiting' | 'finished';
  readonly actor: string;
  readonly startedAt: number;
  readonly endedAt?: number;
  readonly plan: string;
  readonly commits: RunMeta['commits'];
  readonly units: readonly RunUnit[];
  /** What operators have asked of it and the leader has not taken up yet. */
  readonly asked: readonly string[];
}

export interface RunUnit {
  readonly unit: UnitId;
  readonly state: UnitView['state'] | UnitState;
  readonly reason?: string;
}

/** Runs in flight and finished ones, newest first. */
export function viewRuns(inFlight: InFlight): readonly RunView[] {
  const open = viewUnits(inFlight);
  const finished = new Map(inFlight.history.map((entry) => [entry.run, entry]));
  const ids = new Set<RunId>([...inFlight.runs.keys(), ...open.map(({ run }) => run), ...finished.keys()]);
  return [...ids]
    .sort((a, b) => (a < b ? 1 : -1))
    .map((run) =>
      viewRun({
        run,
        meta: inFlight.runs.get(run),
        entry: finished.get(run),
        open: open.filter((unit) => unit.run === run),
        asked: askedOf(inFlight, run),
      }),
    );
}

function viewRun(of: {
  readonly run: RunId;
  readonly meta: RunMeta | undefined;
  readonly entry: HistoryEntry | undefined;
  readonly open: readonly UnitView[];
  readonly asked: readonly string[];
}): RunView {
  const { run, meta, entry, open, asked } = of;
  const { actor = 'unknown', startedAt = 0, plan = '', commits = {} } = meta ?? entry ?? {};
  const goesOn = open.some(({ state }) => state === 'running' || state === 'settling' || state === 'unwinding');
  const state = open.length === 0 ? 'finished' : goesOn ? 'in flight' : 'waiting';
  return {
    run,
    state,
    actor,
    startedAt,
    ...(state === 'finished' && entry !== undefined && { endedAt: entry.endedAt }),
    plan,
    commits,
    units: unitsOf(entry, open),
    asked,
  };
}

function unitsOf(entry: HistoryEntry | undefined, open: readonly UnitView[]): readonly RunUnit[] {
  const units = new Map<UnitId, RunUnit>();
  for (const { unit, state, reason } of [...(entry?.units ?? []), ...open])
    units.set(unit, { unit, state, ...(reason !== undefined && { reason }) });
  return [...units.values()].sort((a, b) => (a.unit < b.unit ? -1 : 1));
}

const askedOf = ({ requests }: InFlight, run: RunId): readonly string[] =>
  requests.flatMap(({ command, ...told }) =>
    'run' in command && command.run === run ? [`${runWords[command.kind]} by ${toldText(told)}`] : [],
  );

const runWords = { pauseRun: 'pause', resumeRun: 'resume', cancelRun: 'cancel' } as const;
