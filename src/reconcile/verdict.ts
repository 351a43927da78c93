import { assert } from '../model/assert.ts';
import type { UnitId } from '../model/ids.ts';
import type { UnitStatus } from './saga.ts';
import type { UnitRecord } from './unit.ts';

/**
 * Where a unit stands that commits together with others. `ready`: it has passed its last gate · `waits`: it is on its way,
 * or an operator paused it · `failed`: it goes back, or somebody closed it as it was · `committed`: with all the others
 */
export type Standing = 'ready' | 'waits' | 'failed' | 'committed';

export function standingOf(
  { planned }: Pick<UnitRecord, 'planned'>,
  { state, wavesDone, failure, paused }: UnitStatus,
): Standing {
  switch (state) {
    case 'running':
      return paused === undefined && wavesDone === planned.waves.length ? 'ready' : 'waits';
    case 'settling':
    case 'done':
      return 'committed';
    case 'stuck':
      return failure === undefined ? 'committed' : 'failed';
    case 'unwinding':
    case 'undone':
    case 'abandoned':
      return 'failed';
  }
}

/** What becomes of units that commit together. `wait`: for these. */
export type Verdict =
  | { readonly kind: 'commit' }
  | { readonly kind: 'turn'; readonly by: UnitId }
  | { readonly kind: 'wait'; readonly for: readonly UnitId[] };

/**
 * Decided by the journals alone, so that whoever finds the units after a crash comes to the same: one that failed turns
 * all; all of them ready commit. To be asked while one of them is neither committed nor failed.
 */
export function verdictOn(standings: ReadonlyMap<UnitId, Standing>): Verdict {
  const having = (standing: Standing): readonly UnitId[] =>
    [...standings].flatMap(([unit, own]) => (own === standing ? [unit] : []));
  const [failed] = having('failed');
  if (failed !== undefined) return { kind: 'turn', by: failed };
  const committed = having('committed');
  assert(committed.length === 0, `${committed.join(', ')} committed without ${having('waits').join(', ')}`);
  const waits = having('waits');
  return waits.length === 0 ? { kind: 'commit' } : { kind: 'wait', for: waits };
}
