import { usableCapacity } from '../capacity.ts';
import type { Desired, DesiredNode } from '../desired.ts';
import type { AllocationId, NodeName } from '../ids.ts';
import type { ObservedNode } from '../observed.ts';
import type { Allocation, Holds, RecordedNode } from '../recorded.ts';
import { amountOf, type Dimension, isExtended, milliPerPiece } from '../resources.ts';

/** Kind (its model may be open) → thousandths. */
export type PiecesWanted = Readonly<Record<string, number>>;

/** What nodes have, from all that is known of them. */
export interface KnownNodes {
  readonly desired: Desired;
  readonly nodes: ReadonlyMap<NodeName, ObservedNode>;
  readonly recordedNodes: ReadonlyMap<NodeName, RecordedNode>;
}

/**
 * Gives the allocations of which a snapshot does not say which devices they have the first free pieces of their nodes, in
 * the order of the records: so a planner sees them held, and equal snapshots are equal worlds. Where a node has too few
 * nothing is held, as nothing was said.
 */
export function assignPieces(
  allocations: readonly Allocation[],
  wanted: ReadonlyMap<AllocationId, PiecesWanted>,
  known: KnownNodes,
): readonly Allocation[] {
  if (wanted.size === 0) return allocations;
  const concerned = new Set(allocations.filter(({ id }) => wanted.has(id)).map(({ node }) => node));
  const definitions = new Map(known.desired.nodes.map((node) => [node.name, node]));
  const pieces = new Map([...concerned].map((name) => [name, freePieces(name, definitions.get(name), known)] as const));
  for (const { node, holds } of allocations) takeAll(pieces.get(node), holds.devices ?? {});
  return allocations.map((allocation) => {
    const asked = wanted.get(allocation.id);
    const free = pieces.get(allocation.node);
    const devices = asked && free && firstFree(free, asked);
    if (free === undefined || devices === undefined) return allocation;
    takeAll(free, devices);
    return { ...allocation, holds: { ...allocation.holds, devices } };
  });
}

type Devices = NonNullable<Holds['devices']>;

/** Kind → thousandths that are free of each piece. */
type FreePieces = ReadonlyMap<string, number[]>;

/** Foreign objects have the first pieces; the last one may be a part. */
function freePieces(
  name: NodeName,
  definition: DesiredNode | undefined,
  { nodes, recordedNodes }: KnownNodes,
): FreePieces {
  const observed = nodes.get(name);
  const usable = usableCapacity({ definition, observed, recorded: recordedNodes.get(name) });
  const kinds = (Object.keys(usable) as Dimension[]).filter(isExtended).sort();
  return new Map(
    kinds.map((kind) => {
      let theirs = (observed?.foreign ?? []).reduce((sum, { resources }) => sum + amountOf(resources, kind), 0);
      const free: number[] = [];
      for (let left = amountOf(usable, kind); left > 0; left -= milliPerPiece) {
        const size = Math.min(left, milliPerPiece);
        const occupied = Math.min(size, theirs);
        free.push(size - occupied);
        theirs -= occupied;
      }
      return [kind, free];
    }),
  );
}

function takeAll(free: FreePieces | undefined, devices: Devices): void {
  for (const [kind, pieces] of Object.entries(devices)) {
    const left = free?.get(kind);
    for (const [piece, milli] of Object.entries(pieces)) {
      const before = left?.[Number(piece)];
      if (left !== undefined && before !== undefined) left[Number(piece)] = Math.max(0, before - milli);
    }
  }
}

/** All that is asked for, or nothing. */
function firstFree(free: FreePieces, wanted: PiecesWanted): Devices | undefined {
  const left = new Map([...free].map(([kind, pieces]): [string, number[]] => [kind, [...pieces]]));
  const devices: Record<string, Record<string, number>> = {};
  for (const [asked, milli] of Object.entries(wanted)) {
    const kind = [...left.keys()].find(
      (known) => matches(asked, known) && piecesFor(left.get(known), milli) !== undefined,
    );
    const found = kind === undefined ? undefined : piecesFor(left.get(kind), milli);
    if (kind === undefined || found === undefined) return undefined;
    const taken = Object.fromEntries(found.map((piece) => [piece, Math.min(milli, milliPerPiece)]));
    takeAll(left, { [kind]: taken });
    devices[kind] = { ...devices[kind], ...taken };
  }
  return devices;
}

/** `gpu/a100|v100` is `gpu/a100` and `gpu/v100`, `gpu/*` every gpu. */
function matches(asked: string, kind: string): boolean {
  const family = asked.slice(0, asked.indexOf('/') + 1);
  if (!kind.startsWith(family)) return false;
  const models = asked.slice(family.length);
  return models === '*' || models.split('|').includes(kind.slice(family.length));
}

/** Whole pieces, or one of which a part is free. */
function piecesFor(free: readonly number[] = [], milli: number): readonly number[] | undefined {
  const each = Math.min(milli, milliPerPiece);
  const count = Math.ceil(milli / milliPerPiece);
  const found = [...free.keys()].filter((piece) => (free[piece] ?? 0) >= each).slice(0, count);
  return found.length === count ? found : undefined;
}
