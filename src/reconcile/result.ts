import type { UnitId } from '../model/ids.ts';
import { toldText } from './control.ts';
import type { UnitResult } from './progress.ts';
import type { UnitStatus } from './saga.ts';

/** What a unit's status means for whoever runs it: ended, or waiting for a word of an operator. */
export function resultOf(
  unit: UnitId,
  { state, wavesDone, paused, failure, superseded, stuckReason }: UnitStatus,
): UnitResult {
  if (paused !== undefined) {
    return { unit, state: 'paused', reason: `paused by ${toldText(paused)}`, waitsFor: 'operator' };
  }
  const reason = stuckReason ?? failure?.reason;
  const cutShort =
    superseded && `superseded by ${superseded} after ${wavesDone === 1 ? '1 wave' : `${wavesDone} waves`}`;
  switch (state) {
    case 'done':
      if (cutShort !== undefined)
        return {
          unit,
          state: 'superseded',
          reason: stuckReason === undefined ? cutShort : `${cutShort}; ${stuckReason}`,
        };
      return { unit, state, ...(stuckReason !== undefined && { reason: stuckReason }) };
    case 'stuck':
      return { unit, state, reason: reason ?? 'its last effects could not be finished', waitsFor: 'operator' };
    case 'undone':
    case 'abandoned':
      return { unit, state, ...(reason !== undefined && { reason }) };
    case 'running':
    case 'settling':
    case 'unwinding':
      return { unit, state: 'paused', ...(reason !== undefined && { reason }) };
  }
}
