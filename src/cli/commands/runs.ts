import { runId } from '../../model/ids.ts';
import { readInFlight } from '../../reconcile/inspect.ts';
import { type RunView, viewRuns } from '../../render/run-view.ts';
import { renderRun, renderRunList } from '../../render/runs.ts';
import { locate, requireDesired, type SourceFlags } from '../config.ts';
import { type ExitCode, exitCodes } from '../exit.ts';
import { unknownName } from '../names.ts';
import { type TellFlags, tell } from '../tell.ts';
import { openTerminal, type Terminal } from '../terminal.ts';
import { openForReading, type StoreFlags } from '../world.ts';

export interface RunsFlags extends SourceFlags, StoreFlags {
  readonly output: 'text' | 'json';
  readonly limit: number;
}

/** Runs in flight and finished ones, newest first. */
export async function list(dir: string, flags: RunsFlags): Promise<ExitCode> {
  const terminal = openTerminal(flags);
  const runs = (await runsNow(dir, flags, terminal)).slice(0, flags.limit);
  const page = { color: terminal.color, width: terminal.width, now: Date.now() };
  await terminal.result(
    flags.output === 'json' ? `${JSON.stringify(runs, undefined, 2)}\n` : renderRunList(runs, page),
  );
  return exitCodes.ok;
}

/** One run, unit by unit. */
export async function show(run: string, dir: string, flags: RunsFlags): Promise<ExitCode> {
  const terminal = openTerminal(flags);
  const runs = await runsNow(dir, flags, terminal);
  const found = runs.find((entry) => entry.run === run);
  if (found === undefined)
    throw unknownName(
      'run',
      run,
      runs.map((entry) => entry.run),
    );
  const page = { color: terminal.color, width: terminal.width, now: Date.now() };
  await terminal.result(flags.output === 'json' ? `${JSON.stringify(found, undefined, 2)}\n` : renderRun(found, page));
  return exitCodes.ok;
}

export const pause = (run: string, dir: string, flags: TellFlags): Promise<ExitCode> =>
  tell({ kind: 'pauseRun', run: runId(run) }, dir, flags);

export const resume = (run: string, dir: string, flags: TellFlags): Promise<ExitCode> =>
  tell({ kind: 'resumeRun', run: runId(run) }, dir, flags);

export const cancel = (run: string, dir: string, flags: TellFlags): Promise<ExitCode> =>
  tell({ kind: 'cancelRun', run: runId(run) }, dir, flags);

async function runsNow(dir: string, flags: RunsFlags, terminal: Terminal): Promise<readonly RunView[]> {
  const place = await locate(dir, flags);
  const desired = await requireDesired(place, terminal);
  const store = await openForReading(place, desired, flags);
  try {
    return viewRuns(await readInFlight(store));
  } finally {
    await store.close();
  }
}
