import {
  type AllocationId,
  type ClusterUid,
  type FencingToken,
  isAllocationId,
  type NodeName,
  type RevisionHash,
} from '../../model/ids.ts';
import type { Holds } from '../../model/recorded.ts';
import type { Revision } from '../../model/revision.ts';

/** What an object was made from, or was last updated to, and whose it is: `object.json` in its folder. */
export interface UnitRecord {
  readonly formatVersion: 1;
  /** 32 hex digits. */
  readonly serial: string;
  readonly cluster: ClusterUid;
  readonly node: NodeName;
  readonly allocation: AllocationId;
  readonly revisionHash: RevisionHash;
  readonly effect: string;
  readonly token: FencingToken;
  readonly revision: Revision;
  readonly holds: Holds;
}

/** The line that `ownerLine` looks for comes first, whatever else the record has. */
export function recordText({ formatVersion, serial, cluster, ...rest }: UnitRecord): string {
  return `${JSON.stringify({ formatVersion, serial, cluster, ...rest })}\n`;
}

/** How the record of exactly this object begins. */
export const recordStart = (owner: Pick<UnitRecord, 'serial' | 'cluster'>): string =>
  `{"formatVersion":1,"serial":"${owner.serial}","cluster":"${owner.cluster}",`;

/** Undefined for what is not, or not whole, a record of this engine. */
export function parseRecord(text: string | undefined): UnitRecord | undefined {
  if (text === undefined) return undefined;
  try {
    const record = JSON.parse(text) as Partial<UnitRecord>;
    const whole =
      record.formatVersion === 1 &&
      /^[0-9a-f]{32}$/.test(record.serial ?? '') &&
      typeof record.cluster === 'string' &&
      isAllocationId(record.allocation ?? '') &&
      typeof record.revisionHash === 'string' &&
      typeof record.revision === 'object' &&
      typeof record.holds === 'object';
    return whole ? (record as UnitRecord) : undefined;
  } catch {
    return undefined;
  }
}
