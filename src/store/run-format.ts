import type { RunId } from '../model/ids.ts';
import { keys, parseRunKey } from './keys.ts';
import type { KeyValue } from './store.ts';

/**
 * The format of a run's journal, which every run says with its first record. It is raised by a version whose journals an
 * older one must not go on with: what that one does not know may be half done. What steps hold keeps its shape, so that
 * an older version still leaves such a unit its room. A newer version goes on with the journals of every older one.
 */
export const runFormat = 2;

/** Of a run that begins: an older version goes on with what it knows, and leaves units alone that commit together. */
export const formatOfRun = (units: readonly { readonly group?: object }[]): number =>
  units.some(({ group }) => group !== undefined) ? runFormat : 1;

/** Runs that a newer version began, and their format. `entries`: of runs. */
export function newerRuns(entries: readonly KeyValue[]): ReadonlyMap<RunId, number> {
  const newer = new Map<RunId, number>();
  for (const entry of entries) {
    const run = entry.key.endsWith('/meta') ? parseRunKey(entry.key) : undefined;
    if (run === undefined || entry.key !== keys.runMeta(run)) continue;
    const format = formatOf(entry.value);
    if (format > runFormat) newer.set(run, format);
  }
  return newer;
}

/** Runs of versions before there was a format have the first one; one that cannot be read, `muster store check` tells. */
function formatOf(meta: string): number {
  try {
    const { format = 1 } = JSON.parse(meta) as { readonly format?: number };
    return format;
  } catch {
    return 1;
  }
}
