import type { UnitId } from '../model/ids.ts';

/** Damps work that has to be done again and again: a service that dies as often as it is healed, a rollout that fails. */
export interface BackoffState {
  /** What was attempted; another plan for the unit (git has moved on) starts from nothing. */
  readonly key: string;
  readonly attempts: number;
  /** Before this (ms of a clock that is never set) the unit is left alone. */
  readonly notBefore: number;
  /** When the last attempt was: after `forgetAfterMs` of quiet the count starts again. */
  readonly lastAt: number;
}

export interface BackoffSettings {
  readonly firstMs: number;
  readonly maxMs: number;
  readonly forgetAfterMs: number;
}

export const defaultBackoff: BackoffSettings = { firstMs: 1_000, maxMs: 300_000, forgetAfterMs: 600_000 };

/** When the unit may be worked on: at once the first time, then after 1 s, 2 s, 4 s … up to the maximum. */
export function notBefore(states: ReadonlyMap<UnitId, BackoffState>, unit: UnitId, key: string): number {
  const state = states.get(unit);
  return state === undefined || state.key !== key ? 0 : state.notBefore;
}

/** The states after the unit was attempted. Pure. */
export function afterAttempt(
  states: ReadonlyMap<UnitId, BackoffState>,
  attempt: { readonly unit: UnitId; readonly key: string; readonly now: number },
  settings: BackoffSettings,
): ReadonlyMap<UnitId, BackoffState> {
  const { unit, key, now } = attempt;
  const before = states.get(unit);
  const goesOn = before !== undefined && before.key === key && now - before.lastAt < settings.forgetAfterMs;
  const attempts = goesOn ? before.attempts + 1 : 1;
  const waitMs = Math.min(settings.firstMs * 2 ** (attempts - 1), settings.maxMs);
  return new Map(states).set(unit, { key, attempts, notBefore: now + waitMs, lastAt: now });
}
