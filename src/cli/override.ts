import type { Desired } from '../model/desired.ts';
import { type WorkloadId, workloadOfUnit } from '../model/ids.ts';
import { formatInstant } from '../model/instant.ts';
import type { Override, Recorded } from '../model/recorded.ts';
import { dropOverride, overrideId, putOverrides } from '../reconcile/overrides.ts';
import { readLeader } from '../store/leader.ts';
import { loadRecorded } from '../store/recorded.ts';
import type { Store } from '../store/store.ts';
import { locate, requireDesired, type SourceFlags } from './config.ts';
import { openTerminal, type Terminal } from './terminal.ts';
import { actor, openBeside, type StoreFlags } from './world.ts';

export interface LiftFlags extends SourceFlags, StoreFlags {}

export interface OverrideFlags extends LiftFlags {
  readonly reason: string;
  /** ms */
  readonly for: number;
}

/** What a command on overrides works with: the store beside whoever leads, and no lease. */
export interface Overriding {
  readonly terminal: Terminal;
  readonly desired: Desired;
  readonly recorded: Recorded;
  readonly store: Store;
}

export async function overriding<T>(
  dir: string,
  flags: LiftFlags,
  work: (with_: Overriding) => Promise<T>,
): Promise<T> {
  const terminal = openTerminal(flags);
  const place = await locate(dir, flags);
  const desired = await requireDesired(place, terminal);
  const store = await openBeside(place, desired, flags);
  try {
    return await work({ terminal, desired, recorded: await loadRecorded(store), store });
  } finally {
    await store.close();
  }
}

/** An override of this moment, by whoever runs the command. */
export function newOverride(
  of: Pick<Override, 'kind' | 'target'> & Partial<Pick<Override, 'revision'>>,
  flags: Pick<OverrideFlags, 'reason' | 'for'>,
): Override {
  return { ...of, id: overrideId(of), actor: actor(), reason: flags.reason, until: Date.now() + flags.for };
}

/** Writes overrides, and says who is replaced. */
export async function put({ store, terminal }: Overriding, overrides: readonly Override[]): Promise<void> {
  for (const before of await putOverrides(store, overrides)) {
    if (before.until > Date.now())
      terminal.say(
        `It replaces what ${before.actor} had set for ${before.target} until ${formatInstant(before.until)} (${before.reason}).`,
      );
  }
}

/** Undefined where there was none. */
export const lift = ({ store }: Overriding, of: Pick<Override, 'kind' | 'target'>): Promise<Override | undefined> =>
  dropOverride(store, overrideId(of));

/** Who carries it out: a leader that follows overrides, or the next apply. */
export async function whoPlans({ store }: Overriding): Promise<string> {
  const leader = await readLeader(store);
  return leader === undefined
    ? 'The next `muster apply` or `muster run` goes by it.'
    : `${leader.command} of ${leader.actor} (process ${leader.pid} on ${leader.host}) goes by it from its next plan on.`;
}

export const untilText = ({ until, actor: by, reason }: Override): string =>
  `until ${formatInstant(until)}, by ${by} (${reason})`;

/** What holds an override up: units of the workloads that are in flight, and what can be done about each. */
export function sayInFlight({ recorded, terminal }: Overriding, concerns: (workload: WorkloadId) => boolean): void {
  for (const { unit, run, status } of recorded.inFlight.filter((entry) => concerns(workloadOfUnit(entry.unit)))) {
    const waits = status === 'stuck' || status === 'paused' || status === 'waiting';
    terminal.say(
      waits
        ? `A unit of ${unit} is ${status} in run ${run} and has to be settled first: muster unit show ${unit}`
        : `A unit of ${unit} is under way in run ${run} and goes first: muster runs pause ${run} or cancel ${run}`,
    );
  }
}
