import type { Holds } from '../model/recorded.ts';
import type { Revision } from '../model/revision.ts';
import { holdsVector, isOpenKind, type Ledger, type Vector } from './ledger.ts';
import type { AnyResource } from './resources/resource.ts';

/** What every new instance of a revision needs. */
export interface Ask {
  /** Equal for asks that are the same in every respect. */
  readonly key: string;
  /** What is only counted; what has pieces is added when they are chosen. */
  readonly holds: Holds;
  readonly amounts: Vector;
  /** `holds` and the pieces that were chosen. */
  readonly holdsWith: (pieces: Partial<Holds>) => Holds;
  /** What quotas count: its volumes and devices, whichever they will be. */
  readonly quotaHolds: Holds;
  readonly pieces: readonly PieceAsk[];
  /** What is charged is known only once the pieces are chosen: a model is left open, or a whole disk is asked for. */
  readonly isOpen: boolean;
}

export interface PieceAsk {
  readonly resource: AnyResource;
  readonly ask: unknown;
}

/** The ask of each revision, found once. */
export function openAsks(ledger: Ledger, resources: readonly AnyResource[]): (revision: Revision) => Ask {
  const known = new Map<Revision, Ask>();
  return (revision) => {
    let ask = known.get(revision);
    if (ask === undefined) {
      ask = askOf(ledger, resources, revision);
      known.set(revision, ask);
    }
    return ask;
  };
}

function askOf(ledger: Ledger, resources: readonly AnyResource[], revision: Revision): Ask {
  const { cpuMillis, memoryBytes, storageBytes, bandwidthBits, extended } = revision.resources;
  const holds: Holds = { cpuMillis, memoryBytes, storageBytes, ...(bandwidthBits > 0 && { bandwidthBits }) };
  const amounts = holdsVector(ledger, holds);
  for (const [name, milli] of Object.entries(extended)) {
    const column = ledger.dimensions.indexOf(name as Ledger['dimensions'][number]);
    if (column >= 0 && !isOpenKind(name)) amounts[column] = milli;
  }
  const pieces = resources.flatMap((resource): readonly PieceAsk[] => {
    const ask = resource.askOf(revision);
    return ask === undefined ? [] : [{ resource, ask }];
  });
  const key = `${amounts.join()} ${pieces.map(({ resource, ask }) => `${resource.key}${JSON.stringify(ask)}`).join()}`;
  return {
    key,
    holds,
    holdsWith: openHolds(holds),
    amounts,
    quotaHolds: withQuotaPieces(holds, revision),
    pieces,
    isOpen: Object.keys(extended).some(isOpenKind) || revision.volumes?.some(({ exclusive }) => exclusive) === true,
  };
}

/**
 * Instances of a workload mostly have the same kinds of pieces: a copy of the first one's holds, with its own pieces in
 * it, is made in one go, and takes two thirds of what one takes that grows member by member.
 */
function openHolds(holds: Holds): (pieces: Partial<Holds>) => Holds {
  let first: Holds | undefined;
  let kinds = 0;
  let isOnly = true;
  return (pieces) => {
    if (isOnly) {
      // A workload that one instance is made of needs no pattern.
      isOnly = false;
      return { ...holds, ...pieces };
    }
    if (first === undefined) {
      // Read from text, an object has room for all of its members inside.
      first = JSON.parse(JSON.stringify({ ...holds, ...pieces })) as Holds;
      kinds = Object.keys(pieces).length;
    }
    const copy: Record<string, unknown> = { ...first };
    let count = 0;
    for (const kind in pieces) {
      if (!(kind in first)) return { ...holds, ...pieces };
      copy[kind] = pieces[kind as keyof Holds];
      count += 1;
    }
    return count === kinds ? (copy as unknown as Holds) : { ...holds, ...pieces };
  };
}

/** Sizes and kinds are known before it is known which disk or which piece it will be. */
function withQuotaPieces(holds: Holds, { resources: { extended }, volumes }: Revision): Holds {
  const local = (volumes ?? []).filter(({ source }) => source.kind === 'auto' || source.kind === 'device');
  const kinds = Object.entries(extended).filter(([name]) => !isOpenKind(name));
  return {
    ...holds,
    ...(local.length > 0 && { volumes: local.map(({ name, sizeBytes }) => ({ name, device: '', bytes: sizeBytes })) }),
    ...(kinds.length > 0 && { devices: Object.fromEntries(kinds.map(([name, milli]) => [name, { any: milli }])) }),
  };
}
