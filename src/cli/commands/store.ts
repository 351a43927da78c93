import { isSound } from '../../model/store-check.ts';
import { renderStoreCheck } from '../../render/store-check.ts';
import { checkRecords } from '../../store/check/check.ts';
import { locate, requireDesired, type SourceFlags } from '../config.ts';
import { type ExitCode, exitCodes } from '../exit.ts';
import { openTerminal } from '../terminal.ts';
import { openForReading, type StoreFlags } from '../world.ts';

export interface StoreCheckFlags extends SourceFlags, StoreFlags {
  readonly output: 'text' | 'json';
}

/** Exit code 1 when an invariant is broken; warnings alone are 0. */
export async function check(dir: string, flags: StoreCheckFlags): Promise<ExitCode> {
  const terminal = openTerminal(flags);
  const place = await locate(dir, flags);
  const desired = await requireDesired(place, terminal);
  const store = await openForReading(place, desired, flags);
  try {
    const checked = checkRecords(await store.range(''), desired);
    await terminal.result(
      flags.output === 'json'
        ? `${JSON.stringify({ store: store.location, sound: isSound(checked), ...checked }, undefined, 2)}\n`
        : renderStoreCheck(checked, { color: terminal.color, width: terminal.width, where: store.location }),
    );
    return isSound(checked) ? exitCodes.ok : exitCodes.error;
  } finally {
    await store.close();
  }
}
