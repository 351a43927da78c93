import type { Holds } from '../../model/recorded.ts';
import { milliPerPiece, type Resources } from '../../model/resources.ts';
import { chooseDevices, type DeviceAsk, type DeviceChoice, matches, roomForDevices } from './device-choice.ts';
import { type DeviceState, openDevices } from './device-state.ts';
import { type Free, missingMilli, portionOf, type Span } from './portion.ts';
import { nowhere } from './portion-pick.ts';
import type { PlacedResource } from './resource.ts';

/** Kind → piece → thousandths of it. */
export type HeldDevices = NonNullable<Holds['devices']>;

/**
 * Pieces of extended resources: a kind of which a node has four has the pieces 0 to 3, of 1000 thousandths each. An
 * instance gets whole pieces, or a part of one that others have parts of; all that it asks for, or nothing. Each line of
 * its ask is a device of its own: no two lines share a piece.
 */
export const devices: PlacedResource<readonly DeviceAsk[], HeldDevices, DeviceState> = {
  key: 'devices',
  askOf({ resources: { extended } }) {
    const asks = Object.entries(extended).flatMap(([kind, milli]) => (milli > 0 ? [askFor(kind, milli)] : []));
    // Those that have no choice come first.
    asks.sort((a, b) => openness(a) - openness(b) || (a.kind < b.kind ? -1 : 1));
    return asks.length === 0 ? undefined : asks;
  },
  heldOf: ({ devices: held }) => held,
  holdsOf: (held) => ({ devices: held }),
  poolOf: ({ name }) => name,
  open: openDevices,
  take: (state, held) => addTo(state.free, piecesIn(state, held), -1),
  release: (state, held) => addTo(state.free, piecesIn(state, held), 1),
  choose(state, asks, { keep }) {
    const choices = chooseDevices(state, asks, keep && keptIn(state, keep));
    return choices && heldBy(state, choices);
  },
  room: (state, asks, { atMost }) => roomForDevices(state, asks, atMost),
  short(state, asks) {
    const ask = asks.find((one) => roomForDevices(state, [one], 1) === 0);
    if (ask !== undefined) return shortOf(state, ask);
    return { text: `have too few devices for ${asks.map(({ kind }) => kind).join(' and ')} together`, missing: {} };
  },
  beyond(held, by) {
    const rest: Record<string, Record<string, number>> = {};
    for (const [kind, pieces] of Object.entries(held)) {
      for (const [piece, milli] of Object.entries(pieces)) {
        const more = milli - (by[kind]?.[piece] ?? 0);
        if (more > 0) put(rest, { kind, piece, milli: more });
      }
    }
    return Object.keys(rest).length === 0 ? undefined : rest;
  },
};

function askFor(kind: string, milli: number): DeviceAsk {
  const family = kind.slice(0, kind.indexOf('/') + 1);
  const models = kind.slice(family.length);
  return { kind, family, ...(models !== '*' && { models: models.split('|') }), ...portionOf(milli) };
}

const openness = ({ models }: DeviceAsk): number => models?.length ?? Number.MAX_SAFE_INTEGER;

/** Kinds and pieces that the node does not have (any more) concern nobody. */
function addTo(free: Free, held: readonly HeldPiece[], sign: 1 | -1): void {
  for (const { position, milli } of held) free[position] = (free[position] as number) + sign * milli;
}

function keptIn(state: DeviceState, held: HeldDevices): Int32Array {
  const kept = new Int32Array(state.free.length);
  addTo(kept, piecesIn(state, held), 1);
  return kept;
}

interface HeldPiece {
  readonly position: number;
  readonly milli: number;
}

function piecesIn({ kinds, spans }: DeviceState, held: HeldDevices): readonly HeldPiece[] {
  return Object.entries(held).flatMap(([kind, pieces]) => {
    const { from, to } = spans[kinds.indexOf(kind)] ?? { from: 0, to: 0 };
    return Object.entries(pieces)
      .map(([piece, milli]) => ({ position: from + Number(piece), milli }))
      .filter(({ position }) => position < to);
  });
}

function heldBy({ kinds, spans }: DeviceState, choices: readonly DeviceChoice[]): HeldDevices {
  const held: Record<string, Record<string, number>> = {};
  for (const { ask, kind: index, picked } of [...choices].sort((a, b) => a.kind - b.kind)) {
    const kind = kinds[index] as string;
    const { from } = spans[index] as Span;
    for (const position of picked.whole) put(held, { kind, piece: String(position - from), milli: milliPerPiece });
    if (picked.part !== nowhere) put(held, { kind, piece: String(picked.part - from), milli: ask.part });
  }
  return held;
}

function put(
  into: Record<string, Record<string, number>>,
  { kind, piece, milli }: { readonly kind: string; readonly piece: string; readonly milli: number },
): void {
  into[kind] = { ...into[kind], [piece]: milli };
}

/** One ask, beside nothing else. */
function shortOf(
  { kinds, spans, free }: DeviceState,
  ask: DeviceAsk,
): { readonly text: string; readonly missing: Resources } {
  const models = kinds.flatMap((kind, index) => {
    const span = spans[index] as Span;
    return matches(ask, kind) && span.to > span.from ? [{ kind, milli: missingMilli(free, span, ask) }] : [];
  });
  const [nearest] = models.sort((a, b) => a.milli - b.milli);
  if (nearest === undefined) return { text: `have no ${ask.kind}`, missing: {} };
  return { text: `have no ${wanted(ask)}`, missing: nearest.milli > 0 ? { [nearest.kind]: nearest.milli } : {} };
}

/** "free gpu/a100", "2 free gpu/* of one model", "gpu/a100 with 0.5 free" */
function wanted({ kind, whole, part, models }: DeviceAsk): string {
  if (whole === 0) return `${kind} with ${part / milliPerPiece} free`;
  if (whole === 1) return `free ${kind}`;
  return `${whole} free ${kind}${models?.length === 1 ? '' : ' of one model'}`;
}
