import { readHistory } from '../../reconcile/history.ts';
import { renderHistoryText } from '../../render/history.ts';
import { locate, requireDesired, type SourceFlags } from '../config.ts';
import { type ExitCode, exitCodes } from '../exit.ts';
import { openTerminal } from '../terminal.ts';
import { openForReading, type StoreFlags } from '../world.ts';

export interface HistoryFlags extends SourceFlags, StoreFlags {
  readonly output: 'text' | 'json';
  readonly limit: number;
}

/** What was applied, newest first. */
export async function history(dir: string, flags: HistoryFlags): Promise<ExitCode> {
  const terminal = openTerminal(flags);
  const place = await locate(dir, flags);
  const desired = await requireDesired(place, terminal);
  const store = await openForReading(place, desired, flags);
  try {
    const entries = (await readHistory(store)).slice(0, flags.limit);
    await terminal.result(
      flags.output === 'json'
        ? `${JSON.stringify(entries, undefined, 2)}\n`
        : renderHistoryText(entries, { color: terminal.color, width: terminal.width }),
    );
  } finally {
    await store.close();
  }
  return exitCodes.ok;
}
