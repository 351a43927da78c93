import { type Account, closeWave } from '../account.ts';
import type { Budget } from '../budget.ts';
import type { Context } from '../context.ts';
import { type Draft, makes } from '../draft.ts';

/** One batch of a unit's drafts. */
export interface WaveDraft {
  readonly drafts: readonly Draft[];
  readonly observeMs: number;
}

/**
 * The waves of a unit while it is placed: first what repairs (and what is new, where no rollout is under way), then
 * moves, then the rollout in its groups, then what is new at the new revision, removals last. No wave takes more than the
 * budget leaves, or adds more than the surge.
 */
export interface Waves {
  /** Fewest that have to stay available. */
  readonly floor: number;
  readonly maxUnavailable: number;
  readonly surge: number;
  /** Available once the waves so far are done. */
  up: number;
  /** Repairs, and what is new beside them. */
  readonly first: Draft[];
  readonly later: WaveDraft[];
  open: Draft[];
}

/** What a wave is a part of. */
export interface WavedUnit {
  readonly waves: Waves;
  readonly account: Account;
}

export const openWaves = (budget: Budget, surge: number): Waves => ({
  floor: budget.base - budget.maxUnavailable,
  maxUnavailable: budget.maxUnavailable,
  surge: Math.max(1, surge),
  up: budget.available,
  first: [],
  later: [],
  open: [],
});

/** Repairs all go first and at once: they take nothing from anybody. */
export function addRepairs(context: Context, unit: WavedUnit, drafts: readonly Draft[]): void {
  const { waves } = unit;
  waves.first.push(...drafts);
  bringUp(waves, drafts);
  closeWave(context.ledger, context.quotas, unit.account);
}

/** False when the wave under way has to be done before the draft's turn. */
export function admits(waves: Waves, draft: Draft): boolean {
  const { action } = draft;
  if (action.forced) return true;
  if (action.disrupts) {
    const allowed = Math.min(waves.maxUnavailable, waves.up - waves.floor);
    return waves.open.filter((other) => other.action.disrupts).length + 1 <= allowed;
  }
  return (
    !isCharged(draft) ||
    waves.open.filter((other) => !other.action.disrupts && isCharged(other)).length + 1 <= waves.surge
  );
}

/** Ends the wave under way: after its gate everything that it made or changed serves. */
export function endWave(context: Context, unit: WavedUnit, observeMs: number): void {
  const { waves } = unit;
  if (waves.open.length === 0) return;
  bringUp(waves, waves.open);
  waves.later.push({ drafts: waves.open, observeMs });
  waves.open = [];
  closeWave(context.ledger, context.quotas, unit.account);
}

function bringUp(waves: Waves, drafts: readonly Draft[]): void {
  waves.up += drafts.filter((draft) => makes(draft) && wasDown(draft)).length;
}

/** A recorded instance that nobody could use. */
const wasDown = ({ old, action }: Draft): boolean =>
  old !== undefined &&
  old.allocation.state !== 'held' &&
  !action.disrupts &&
  (action.order === 'stop-first' || old.object === 'gone');

const isCharged = (draft: Draft): boolean => draft.action.disrupts || !wasDown(draft);

/** What the waves were at a time, to go back to. */
export interface SavedWaves {
  readonly up: number;
  /** How many there were after the first. */
  readonly later: number;
  readonly open: Draft[];
}

export const saveWaves = ({ up, later, open }: Waves): SavedWaves => ({
  up,
  later: later.length,
  open: [...open],
});

export function restoreWaves(waves: Waves, saved: SavedWaves): void {
  waves.up = saved.up;
  waves.later.length = saved.later;
  waves.open = saved.open;
}
