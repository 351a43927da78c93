import type { EngineErrorCode } from '../engine.ts';

/** What goes wrong with one call. */
export type CallFault =
  /** Refused before anything happened. */
  | { readonly kind: 'failBefore'; readonly code?: EngineErrorCode }
  /** It happened, and the reply is lost. */
  | { readonly kind: 'failAfter' }
  /** Nothing happens until the call's deadline. */
  | { readonly kind: 'hang' }
  | { readonly kind: 'slow'; readonly delayMs: number };

/** What goes wrong by itself, looked for before each call. */
export type WorldFault = 'crash' | 'vanish';

/** How likely each fault is at each call, from 0 to 1; absent is never. */
export interface FaultRates {
  readonly failBefore?: number;
  readonly failAfter?: number;
  readonly hang?: number;
  readonly slow?: number;
  /** A running program ends with 1. */
  readonly crash?: number;
  /** An object is gone. */
  readonly vanish?: number;
}

export interface Faults {
  /** The fault of this call: an injected one first, then by the seeded rates. */
  next(call: string): CallFault | undefined;
  /** World faults that happen now, each with a draw of 0 to 1 that says to which object. */
  world(): readonly { readonly kind: WorldFault; readonly draw: number }[];
  /** The next `times` calls of this name go wrong in this way. */
  inject(fault: { readonly call: string; readonly fault: CallFault; readonly times: number }): void;
}

const slowMs = 50;

/** The same seed and the same order of calls give the same faults. */
export function seededFaults(options: { readonly seed: number; readonly rates: FaultRates }): Faults {
  const { rates } = options;
  const draw = mulberry32(options.seed);
  const injected: { readonly call: string; readonly fault: CallFault; times: number }[] = [];
  const happens = (rate: number | undefined): boolean => draw() < (rate ?? 0);
  return {
    next(call) {
      const planned = injected.find((entry) => entry.call === call && entry.times > 0);
      if (planned !== undefined) {
        planned.times -= 1;
        return planned.fault;
      }
      // Every rate is drawn for, so that changing one does not shift the others.
      const [before, after, hang, slow] = [rates.failBefore, rates.failAfter, rates.hang, rates.slow].map(happens);
      if (before === true) return { kind: 'failBefore' };
      if (after === true) return { kind: 'failAfter' };
      if (hang === true) return { kind: 'hang' };
      return slow === true ? { kind: 'slow', delayMs: slowMs } : undefined;
    },
    world() {
      return (['crash', 'vanish'] as const).flatMap((kind) => {
        const [now, which] = [happens(rates[kind]), draw()];
        return now ? [{ kind, draw: which }] : [];
      });
    },
    inject: (fault) => void injected.push({ ...fault }),
  };
}

/** Tommy Ettinger's mulberry32: 32 bits of state, good enough to spread faults, the same everywhere. */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
