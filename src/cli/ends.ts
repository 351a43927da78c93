import type { UnitResult } from '../reconcile/progress.ts';
import { type ExitCode, exitCodes } from './exit.ts';
import type { Interrupt } from './interrupt.ts';

/** The worst that any unit ended with; of one that was recovered and then planned anew, what it ended with last. */
export function endCode(units: readonly UnitResult[], interrupt: Interrupt): ExitCode {
  const states = new Set(new Map(units.map(({ unit, state }) => [unit, state])).values());
  if (states.has('stuck')) return exitCodes.stuck;
  if (states.has('undone')) return exitCodes.rolledBack;
  if (interrupt.soft.aborted) return exitCodes.interrupted;
  return states.has('paused') || states.has('skipped') ? exitCodes.error : exitCodes.ok;
}
