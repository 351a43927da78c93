import type { UnitId } from '../../model/ids.ts';
import { readInFlight } from '../../reconcile/inspect.ts';
import { type UnitView, viewUnits } from '../../render/unit-view.ts';
import { renderUnit, renderUnitList } from '../../render/units.ts';
import { locate, requireDesired, type SourceFlags } from '../config.ts';
import { CliError, type ExitCode, exitCodes } from '../exit.ts';
import { unknownName } from '../names.ts';
import { type TellFlags, tell } from '../tell.ts';
import { openTerminal, type Terminal } from '../terminal.ts';
import { openForReading, type StoreFlags } from '../world.ts';

export interface UnitFlags extends SourceFlags, StoreFlags {
  readonly output: 'text' | 'json';
}

/** Units in flight, and why those that wait do. Needs the store alone. */
export async function list(dir: string, flags: UnitFlags): Promise<ExitCode> {
  const terminal = openTerminal(flags);
  const units = await unitsNow(dir, flags, terminal);
  const page = { color: terminal.color, width: terminal.width, now: Date.now() };
  await terminal.result(
    flags.output === 'json' ? `${JSON.stringify(units, undefined, 2)}\n` : renderUnitList(units, page),
  );
  return exitCodes.ok;
}

/** One unit: why, what is where, what is held, what was tried, what each command would do. */
export async function show(workload: string, dir: string, flags: UnitFlags): Promise<ExitCode> {
  const terminal = openTerminal(flags);
  const units = await unitsNow(dir, flags, terminal);
  const found = units.find(({ unit }) => unit === workload);
  if (found === undefined) throw noUnit(workload, units);
  const page = { color: terminal.color, width: terminal.width, now: Date.now() };
  await terminal.result(flags.output === 'json' ? `${JSON.stringify(found, undefined, 2)}\n` : renderUnit(found, page));
  return exitCodes.ok;
}

export const retry = (workload: string, dir: string, flags: TellFlags): Promise<ExitCode> =>
  tell({ kind: 'retryUnit', unit: workload as UnitId }, dir, flags);

export const skip = (workload: string, dir: string, flags: TellFlags): Promise<ExitCode> =>
  tell({ kind: 'skipUnit', unit: workload as UnitId }, dir, flags);

export const abandon = (workload: string, dir: string, flags: TellFlags): Promise<ExitCode> =>
  tell({ kind: 'abandonUnit', unit: workload as UnitId }, dir, flags);

async function unitsNow(dir: string, flags: UnitFlags, terminal: Terminal): Promise<readonly UnitView[]> {
  const place = await locate(dir, flags);
  const desired = await requireDesired(place, terminal);
  const store = await openForReading(place, desired, flags);
  try {
    return viewUnits(await readInFlight(store));
  } finally {
    await store.close();
  }
}

function noUnit(workload: string, units: readonly UnitView[]): CliError {
  if (units.length > 0)
    return unknownName(
      'unit in flight of',
      workload,
      units.map(({ unit }) => unit),
    );
  return new CliError(`no unit of ${workload} is in flight`, {
    hint: 'Nothing is: `muster status` shows what runs, `muster history` what was applied.',
  });
}
