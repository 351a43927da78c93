import PQueue from 'p-queue';
import type { RunId, UnitId } from '../model/ids.ts';
import type { InFlightUnit, Recorded } from '../model/recorded.ts';
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
  /** `claim`: what it will do, of a unit that the store does not tell of yet. */
  begin(unit: UnitId, control: RunControl, claim?: InFlightUnit): void;
  /** Only once the store says how it ended. What another run has begun of it since goes on. */
  end(unit: UnitId, control: RunControl): void;
  /**
   * Units that this process works on, or is about to: nobody plans them meanwhile. To be asked for before the store is
   * read, since what ends in between may be missing from both otherwise.
   */
  claims(): readonly InFlightUnit[];
  controlsOf(run: RunId): readonly RunControl[];
  /** Runs that are open now. */
  openRuns(): ReadonlySet<RunId>;
  runOf(unit: UnitId): RunId | undefined;
  /** Git has changed what it is to bring: it ends at the boundary of a wave. `by`: the commits that take over. */
  supersede(unit: UnitId, by: string): void;
  /** Aborted by `supersede`; its reason is `by`. */
  supersededOf(unit: UnitId): AbortSignal;
  /**
   * One after the other: reading which units are open and beginning to work on them, or telling one of them something,
   * must not be interleaved.
   */
  exclusively<T>(work: () => Promise<T>): Promise<T>;
}

export function createLiveRuns(): LiveRuns {
  // A run may be open several times: units of it that were paused go on while another part of it is under way.
  const controls = new Set<RunControl>();
  const units = new Map<UnitId, { readonly claim: InFlightUnit; readonly superseded: AbortController }>();
  const oneAtATime = new PQueue({ concurrency: 1 });
  return {
    open: (run) => {
      const control = createRunControl(run);
      controls.add(control);
      return control;
    },
    close: (control) => void controls.delete(control),
    begin: (unit, { run }, claim = { run, unit, status: 'running' }) => {
      if (!units.has(unit)) units.set(unit, { claim, superseded: new AbortController() });
    },
    end: (unit, { run }) => {
      if (units.get(unit)?.claim.run === run) units.delete(unit);
    },
    claims: () => [...units.values()].map(({ claim }) => claim),
    controlsOf: (run) => [...controls].filter((control) => control.run === run),
    openRuns: () => new Set([...controls].map(({ run }) => run)),
    runOf: (unit) => units.get(unit)?.claim.run,
    supersede: (unit, by) => units.get(unit)?.superseded.abort(by),
    supersededOf: (unit) => units.get(unit)?.superseded.signal ?? never,
    exclusively: (work) => oneAtATime.add(work),
  };
}

const never: AbortSignal = new AbortController().signal;

/** What is recorded, and units that are claimed as in flight, whether or not the store tells of them yet. */
export function withClaims(recorded: Recorded, claims: readonly InFlightUnit[]): Recorded {
  const told = new Set<UnitId>(recorded.inFlight.map(({ unit }) => unit));
  const others = claims.filter(({ unit }) => !told.has(unit));
  return others.length === 0 ? recorded : { ...recorded, inFlight: [...recorded.inFlight, ...others] };
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
