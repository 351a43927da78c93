import type { DesiredNode } from '../../model/desired.ts';
import type { StoreCheck } from '../../model/store-check.ts';
import type { RangeResult } from '../store.ts';
import { inOrder } from './finding.ts';
import { readRecords } from './records.ts';
import { checkReferences } from './references.ts';
import { checkRoom } from './room.ts';
import { checkUnique } from './unique.ts';

/**
 * Proves the invariants of the recorded state, all of it read at one store revision. Changes nothing and asks nobody:
 * whether the engines run what is recorded is drift, and `muster status` says so. `nodes` are git's: what a node has, and
 * which nodes share one machine's ports, is recorded nowhere.
 */
export function checkRecords(
  { revision, entries }: RangeResult,
  { nodes }: { readonly nodes: readonly DesiredNode[] },
): StoreCheck {
  const definitions = new Map(nodes.map((node) => [node.name, node]));
  const records = readRecords(entries);
  const room = checkRoom(records, definitions);
  const findings = [
    ...records.findings,
    ...checkReferences(records),
    ...checkUnique(records, definitions),
    ...room.findings,
  ];
  return { revision, records: entries.length, findings: inOrder(findings), unchecked: room.unchecked };
}
