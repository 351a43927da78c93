import type { DeviceState } from './device-state.ts';
import { type Free, fitOf, type Kept, keptCount, type Portion, type Span, wholesLeft } from './portion.ts';
import { nowhere, type Picked, pickPortion, subtract } from './portion-pick.ts';
import { timesIn } from './portion-room.ts';

/** Pieces of one kind, or of one of several: all of one model. */
export interface DeviceAsk extends Portion {
  /** As it is written: `gpu/a100`, `gpu/a100|v100`, `gpu/*`. */
  readonly kind: string;
  /** `gpu/` */
  readonly family: string;
  /** Absent: any. */
  readonly models?: readonly string[];
}

export interface DeviceChoice {
  readonly ask: DeviceAsk;
  /** Index of the kind. */
  readonly kind: number;
  /** Positions among all pieces. */
  readonly picked: Picked;
}

/** How many ways are tried to give several asks different models, before there is no room. */
const mostTries = 1000;

/**
 * Pieces for all asks, or for none, and never one piece for two. Where they fit into what was held, nothing else is
 * taken; else what was held is preferred, unless they fit only without it.
 */
export function chooseDevices(
  state: DeviceState,
  asks: readonly DeviceAsk[],
  kept: Kept,
): readonly DeviceChoice[] | undefined {
  if (kept === undefined) return search(state.free, { state, asks, kept });
  const both = state.free.map((amount, piece) => Math.min(amount, kept[piece] as number));
  return (
    search(both, { state, asks, kept: undefined }) ??
    search(state.free, { state, asks, kept }) ??
    search(state.free, { state, asks, kept: undefined })
  );
}

interface Search {
  readonly state: DeviceState;
  readonly asks: readonly DeviceAsk[];
  readonly kept: Kept;
}

function search(free: Free, of: Search): readonly DeviceChoice[] | undefined {
  const chosen: DeviceChoice[] = [];
  return chooseFrom(free, { ...of, tries: { left: mostTries } }, chosen) ? chosen : undefined;
}

/** Chooses for the asks that `chosen` does not have yet, one after the other, and goes back where a later one finds nothing. */
function chooseFrom(free: Free, of: Search & { readonly tries: { left: number } }, chosen: DeviceChoice[]): boolean {
  const ask = of.asks[chosen.length];
  if (ask === undefined) return true;
  for (const kind of modelsFor(free, of, ask)) {
    of.tries.left -= 1;
    if (of.tries.left < 0) return false;
    const picked = pickPortion(free, of.state.spans[kind] as Span, ask, of.kept);
    if (picked === undefined) continue;
    chosen.push({ ask, kind, picked });
    if (chosen.length === of.asks.length || chooseFrom(without(free, picked), of, chosen)) return true;
    chosen.pop();
  }
  return false;
}

/** A copy that has nothing left of the picked pieces. */
function without(free: Free, { whole, part }: Picked): Free {
  const left = free.slice();
  for (const piece of whole) left[piece] = 0;
  if (part !== nowhere) left[part] = 0;
  return left;
}

/**
 * Kinds that the ask fits into, the best first: what was held, then what no other ask wants, then where its part breaks no
 * whole piece, then the one with the fewest whole pieces left, then by name.
 */
function modelsFor(free: Free, { state: { kinds, spans }, asks, kept }: Search, ask: DeviceAsk): readonly number[] {
  const models = spans.flatMap((span, kind) => {
    const name = kinds[kind] as string;
    const fit = matches(ask, name) ? fitOf(free, span, ask) : 'no';
    if (fit === 'no') return [];
    const rivals = asks.filter((other) => other !== ask && matches(other, name)).length;
    return [
      { kind, kept: keptCount(kept, span), rivals, broken: fit === 'breaks' ? 1 : 0, wholes: wholesLeft(free, span) },
    ];
  });
  models.sort(
    (a, b) => b.kept - a.kept || a.rivals - b.rivals || a.broken - b.broken || a.wholes - b.wholes || a.kind - b.kind,
  );
  return models.map(({ kind }) => kind);
}

export const matches = ({ kind, family, models }: DeviceAsk, name: string): boolean =>
  kind === name || (name.startsWith(family) && (models === undefined || models.includes(name.slice(family.length))));

/** How many more instances fit, as `chooseDevices` would place them. */
export function roomForDevices(state: DeviceState, asks: readonly DeviceAsk[], atMost: number): number {
  if (asks.length > 1 && compete(state, asks)) return roomTried(state, asks, atMost);
  let room = atMost;
  for (const ask of asks) {
    let here = 0;
    for (let kind = 0; kind < state.kinds.length && here < room; kind += 1) {
      if (matches(ask, state.kinds[kind] as string)) {
        here += timesIn(state.free, state.spans[kind] as Span, ask, room - here);
      }
    }
    room = here;
  }
  return room;
}

/** True when a piece of the node will do for two asks. */
const compete = ({ kinds }: DeviceState, asks: readonly DeviceAsk[]): boolean =>
  kinds.some((name) => asks.filter((ask) => matches(ask, name)).length > 1);

function roomTried(state: DeviceState, asks: readonly DeviceAsk[], atMost: number): number {
  const trial = { ...state, free: state.free.slice() };
  let room = 0;
  for (; room < atMost; room += 1) {
    const choices = chooseDevices(trial, asks, undefined);
    if (choices === undefined) break;
    for (const { ask, picked } of choices) subtract(trial.free, picked, ask);
  }
  return room;
}
