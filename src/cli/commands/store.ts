import { isSound } from '../../model/store-check.ts';
import { renderStoreCheck } from '../../render/store-check.ts';
import { writeBackup } from '../../store/backup/file.ts';
import { checkRecords } from '../../store/check/check.ts';
import { keys } from '../../store/keys.ts';
import { decodeIdentity } from '../../store/recorded.ts';
import { locate, requireDesired, type SourceFlags } from '../config.ts';
import { type ExitCode, exitCodes } from '../exit.ts';
import { openTerminal } from '../terminal.ts';
import { openForReading, type StoreFlags } from '../world.ts';

export interface StoreBackupFlags extends SourceFlags, StoreFlags {
  readonly force?: boolean;
}

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

/** Reads at one revision beside whoever leads; what is in the middle of being done is finished after a restore. */
export async function backup(file: string, dir: string, flags: StoreBackupFlags): Promise<ExitCode> {
  const terminal = openTerminal(flags);
  const place = await locate(dir, flags);
  const desired = await requireDesired(place, terminal);
  const store = await openForReading(place, desired, flags);
  try {
    const range = await store.range('');
    const format = range.entries.find(({ key }) => key === keys.format);
    const written = await writeBackup(file, {
      range,
      identity: format && decodeIdentity(format),
      cluster: desired.cluster.name,
      now: Date.now(),
      existing: flags.force === true ? 'overwrite' : 'refuse',
    });
    terminal.say(
      `Wrote ${file}: ${written.count} records of ${store.location} at revision ${written.revision}. Keep it off this machine; it holds what workloads have in their environment.`,
    );
    return exitCodes.ok;
  } finally {
    await store.close();
  }
}
