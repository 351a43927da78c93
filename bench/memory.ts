import { readFileSync, writeFileSync } from 'node:fs';
import { getHeapSpaceStatistics } from 'node:v8';

/**
 * Most resident memory that a piece of work takes on top of what the process has already: Linux's high-water mark, set
 * back before. Wants a process of its own, run with `--expose-gc`, that has done nothing large before: pages which the
 * heap has emptied and not yet given back are counted against the work. The nursery for short-lived objects is not: every
 * process has one. Undefined where the mark cannot be set back.
 */
export function peakOf<Result>(work: () => Result): {
  readonly result: Result;
  readonly peakBytes: number | undefined;
} {
  const mark = setMarkBack();
  const result = work();
  return { result, peakBytes: mark === undefined ? undefined : statusBytes('VmHWM') - mark };
}

function setMarkBack(): number | undefined {
  if (globalThis.gc === undefined) return undefined;
  globalThis.gc();
  globalThis.gc();
  try {
    writeFileSync('/proc/self/clear_refs', '5');
  } catch {
    return undefined;
  }
  return statusBytes('VmRSS') - emptiedBytes();
}

function emptiedBytes(): number {
  return getHeapSpaceStatistics()
    .filter(({ space_name: name }) => !name.startsWith('new_'))
    .reduce((sum, { physical_space_size: held, space_used_size: used }) => sum + held - used, 0);
}

function statusBytes(name: 'VmHWM' | 'VmRSS'): number {
  const line = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(readFileSync('/proc/self/status', 'utf8'));
  return Number(line?.[1] ?? Number.NaN) * 1024;
}
