import { randomUUID } from 'node:crypto';
import type { Desired } from '../model/desired.ts';
import { assertMayGoOn } from '../reconcile/behind.ts';
import { systemClock } from '../reconcile/clock.ts';
import { carryOut } from '../reconcile/command.ts';
import {
  type Asked,
  awaitAnswer,
  type Command,
  type Request,
  requestLivesMs,
  writeRequest,
} from '../reconcile/requests.ts';
import { renderUnitResults } from '../render/outcome.ts';
import { createProgress } from '../render/progress.ts';
import { type LeaderRecord, readLeader } from '../store/leader.ts';
import type { Store } from '../store/store.ts';
import { locate, type Place, requireDesired, type SourceFlags } from './config.ts';
import { endCode } from './ends.ts';
import { CliError, type ExitCode, exitCodes } from './exit.ts';
import { type Interrupt, onInterrupt } from './interrupt.ts';
import { openTerminal, type Terminal } from './terminal.ts';
import { actor, applyingIn, openBeside, openWorld, type StoreFlags } from './world.ts';

export interface TellFlags extends SourceFlags, StoreFlags {
  readonly lockTimeout: number;
  readonly wait: number;
  readonly reason?: string;
}

interface Telling {
  readonly place: Place;
  readonly desired: Desired;
  readonly flags: TellFlags;
  readonly terminal: Terminal;
  readonly interrupt: Interrupt;
  readonly command: Command;
}

/**
 * Tells whoever leads what an operator wants, and waits for the answer; while nobody leads, this process takes the lease
 * and does it itself.
 */
export async function tell(command: Command, dir: string, flags: TellFlags): Promise<ExitCode> {
  const terminal = openTerminal(flags);
  const place = await locate(dir, flags);
  const desired = await requireDesired(place, terminal);
  const interrupt = onInterrupt((text) => terminal.say(text));
  const telling: Telling = { place, desired, flags, terminal, interrupt, command };
  try {
    return (await askLeader(telling)) ?? (await doIt(telling));
  } finally {
    interrupt.restore();
  }
}

/** Undefined while nobody leads. */
async function askLeader(telling: Telling): Promise<ExitCode | undefined> {
  const { place, desired, flags, terminal, interrupt, command } = telling;
  const store = await openBeside(place, desired, flags);
  try {
    const leader = await readLeader(store);
    if (leader === undefined) return undefined;
    const request = newRequest(command, flags);
    const revision = await writeRequest(store, request);
    terminal.say(`Asked ${describe(leader)}.`);
    const wait = { revision, waitMs: flags.wait, signal: interrupt.soft };
    const asked = await awaitAnswer({ store, clock: systemClock }, request, wait);
    return told(asked, { terminal, store, leader, request });
  } finally {
    await store.close();
  }
}

function newRequest(command: Command, { reason }: TellFlags): Request {
  const at = Date.now();
  const id = `${new Date(at).toISOString().replaceAll(/[-:.TZ]/g, '')}-${randomUUID().slice(0, 8)}`;
  return { id, command, actor: actor(), at, until: at + requestLivesMs, ...(reason !== undefined && { reason }) };
}

const describe = ({ command, actor, pid, host, since }: LeaderRecord): string =>
  `${command} of ${actor} (process ${pid} on ${host}), which leads since ${new Date(since).toISOString()}`;

function told(
  asked: Asked,
  of: {
    readonly terminal: Terminal;
    readonly store: Store;
    readonly leader: LeaderRecord;
    readonly request: Request;
  },
): ExitCode | undefined {
  switch (asked.kind) {
    case 'leaderGone':
      return undefined;
    case 'answered':
      if (asked.answer.kind === 'refused') throw new CliError(asked.answer.message);
      of.terminal.say(asked.answer.message);
      return exitCodes.ok;
    case 'pending':
      throw new CliError(`${describe(of.leader)}, has not answered yet`, {
        exitCode: exitCodes.lockHeld,
        hint: `The request stays until ${new Date(of.request.until).toISOString()}: it is taken up as soon as the leader comes to it. muster runs list`,
      });
  }
}

/** As the leader, for as long as it takes. */
async function doIt({ place, desired, flags, terminal, interrupt, command }: Telling): Promise<ExitCode> {
  const world = await openWorld(place, desired, {
    ...flags,
    lockTimeoutMs: flags.lockTimeout,
    signal: interrupt.soft,
    onWait: (reason) => terminal.say(`Waiting: ${reason}`),
    command: `muster ${commandWords[command.kind]}`,
  });
  const progress = createProgress(process.stderr, { color: terminal.errorColor, now: () => Date.now() });
  const dependencies = applyingIn(world, { desired, interrupt, progress: progress.report });
  try {
    await assertMayGoOn(dependencies, interrupt.soft);
    const { reason } = flags;
    const carried = await carryOut(dependencies, command, { actor: actor(), ...(reason !== undefined && { reason }) });
    if (carried.kind === 'refused') throw new CliError(carried.message);
    terminal.say(carried.message);
    const results = (await carried.going?.ended) ?? [];
    progress.close();
    if (results.length > 0)
      terminal.say(renderUnitResults(results, { color: terminal.errorColor, width: process.stderr.columns }));
    // What was cancelled is undone because somebody asked for that.
    const asked = command.kind === 'cancelRun' ? results.filter(({ state }) => state !== 'undone') : results;
    return endCode(asked, interrupt);
  } finally {
    progress.close();
    await world.close();
  }
}

const commandWords: Readonly<Record<Command['kind'], string>> = {
  retryUnit: 'unit retry',
  skipUnit: 'unit skip',
  abandonUnit: 'unit abandon',
  pauseRun: 'runs pause',
  resumeRun: 'runs resume',
  cancelRun: 'runs cancel',
  retryWorkload: 'retry',
};
