import PQueue from 'p-queue';
import type { RunId, UnitId } from '../model/ids.ts';
import type { Told } from './saga.ts';

/** How an operator reaches a run while this process carries it out. */
export interface RunControl {
  readonly run: RunId;
  /** Aborted by a pause; its reason is a `Told`. Steps that were begun are finished, no new one is begun. */
  readonly paused: AbortSignal;
  /** Aborted by a cancellation; its reason is a `Told`. Units that have not committed are undone. */
  readonly cancelled: AbortSignal;
  pause(told: Told): void;
  cancel(told: Told): void;
}

/** The runs that this process carries out now, each with the units that it works on. */
export interface LiveRuns {
  /** Opens a run to operators until `close`. */
  open(run: RunId): RunControl;
  close(control: RunControl): void;
  begin(unit: UnitId, control: RunControl): void;
  end(unit: UnitId): void;
  controlsOf(run: RunId): readonly RunControl[];
  runOf(unit: UnitId): RunId | undefined;
  /**
   * One after the other: reading which units are open and beginning to work on them, or telling one of them something,
   * must not be interleaved.
   */
  exclusively<T>(work: () => Promise<T>): Promise<T>;
}

export function createLiveRuns(): LiveRuns {
  // A run may be open several times: units of it that were paused go on while another part of it is under way.
  const controls = new Set<RunControl>();
  const units = new Map<UnitId, RunId>();
  const oneAtATime = new PQueue({ concurrency: 1 });
  return {
    open: (run) => {
      const control = createRunControl(run);
      controls.add(control);
      return control;
    },
    close: (control) => void controls.delete(control),
    begin: (unit, { run }) => void units.set(unit, run),
    end: (unit) => void units.delete(unit),
    controlsOf: (run) => [...controls].filter((control) => control.run === run),
    runOf: (unit) => units.get(unit),
    exclusively: (work) => oneAtATime.add(work),
  };
}

function createRunControl(run: RunId): RunControl {
  const pause = new AbortController();
  const cancel = new AbortController();
  return {
    run,
    paused: pause.signal,
    cancelled: cancel.signal,
    pause: (told) => pause.abort(told),
    cancel: (told) => cancel.abort(told),
  };
}

/** Who aborted a signal of a `RunControl`. */
export const toldBy = (signal: AbortSignal): Told => signal.reason as Told;

/** `alice@build-7 (the database is down)` */
export const toldText = ({ actor, reason }: Told): string => (reason === undefined ? actor : `${actor} (${reason})`);
