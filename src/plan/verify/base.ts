import type { Desired, DesiredNode } from '../../model/desired.ts';
import type { NodeName, WorkloadId } from '../../model/ids.ts';
import type { Observed, ObservedNode, ObservedObject } from '../../model/observed.ts';
import type { Allocation, Recorded } from '../../model/recorded.ts';
import type { Revision } from '../../model/revision.ts';
import type { PlanInputs } from '../inputs.ts';
import { type AddressBook, createAddressBook } from './address-book.ts';
import { capacityOf, createNodeTable, type NodeCapacity, type NodeTable } from './nodes.ts';
import { createQuotaTable, type QuotaTable } from './quota-table.ts';
import { type RevisionFacts, revisionFacts } from './revision-facts.ts';
import { type Rows, rowAt, rowsOf } from './rows.ts';

/**
 * What verifications of one world share: the records, the observation and the nodes of git, indexed once. Everything
 * that a plan does not touch is left alone, so a small plan is verified in the time that its own steps take. What is
 * asked for seldom is indexed when it is first asked for.
 */
export interface Verifier {
  readonly recorded: Recorded;
  readonly observed: Observed;
  readonly desiredNodes: Desired['nodes'];
  readonly nodes: NodeTable;
  readonly allocations: readonly Allocation[];
  /** The node of each allocation. */
  readonly homes: Int32Array;
  readonly byNode: Rows;
  readonly workloadIndex: ReadonlyMap<WorkloadId, number>;
  readonly byWorkload: Rows;
  readonly objects: readonly ObservedObject[];
  readonly objectsByNode: Rows;
  readonly lazy: {
    readonly capacities: (NodeCapacity | undefined)[];
    readonly facts: Map<Revision, RevisionFacts>;
    addresses?: AddressBook;
    quotas?: QuotaTable;
  };
}

/** Indexes the world once. Give it to `verifyPlan` as long as records, observation and nodes are the same objects. */
export function openVerifier(inputs: Pick<PlanInputs, 'desired' | 'recorded' | 'observed'>): Verifier {
  const { recorded, observed, desired } = inputs;
  const { allocations } = recorded;
  const { objects } = observed;
  const nodes = createNodeTable(inputs);
  const homes = indexColumn(allocations, nodes.indexOf, ({ node }) => node);
  const workloadIndex = new Map<WorkloadId, number>();
  for (let index = 0, last: WorkloadId | undefined; index < allocations.length; index++) {
    const { workload } = allocations[index] as Allocation;
    if (workload !== last && !workloadIndex.has(workload)) workloadIndex.set(workload, workloadIndex.size);
    last = workload;
  }
  return {
    recorded,
    observed,
    desiredNodes: desired.nodes,
    nodes,
    allocations,
    homes,
    byNode: rowsOf(homes, nodes.names.length),
    workloadIndex,
    byWorkload: rowsOf(
      indexColumn(allocations, workloadIndex, ({ workload }) => workload),
      workloadIndex.size,
    ),
    objects,
    objectsByNode: rowsOf(
      indexColumn(objects, nodes.indexOf, ({ node }) => node),
      nodes.names.length,
    ),
    lazy: { capacities: new Array(nodes.names.length), facts: new Map() },
  };
}

/** True when it was opened for this very world: it is compared by identity, not read again. */
export const isOpenedFor = (verifier: Verifier, { desired, recorded, observed }: PlanInputs): boolean =>
  verifier.recorded === recorded && verifier.observed === observed && verifier.desiredNodes === desired.nodes;

/** The number of what each item names; -1 where it is not known. Neighbours mostly name the same. */
function indexColumn<Item, Key>(
  items: readonly Item[],
  indexOf: ReadonlyMap<Key, number>,
  keyOf: (item: Item) => Key,
): Int32Array {
  const column = new Int32Array(items.length);
  let last: Key | undefined;
  let number = -1;
  for (let item = 0; item < items.length; item++) {
    const key = keyOf(items[item] as Item);
    if (key !== last) number = indexOf.get(key) ?? -1;
    last = key;
    column[item] = number;
  }
  return column;
}

/** What a declared node has to give; undefined for one that left git. */
export function capacityAt(verifier: Verifier, node: number): NodeCapacity | undefined {
  const { capacities } = verifier.lazy;
  const known = capacities[node];
  const definition = verifier.nodes.definitions[node];
  if (known !== undefined || definition === undefined) return known;
  const capacity = capacityOf(definition, {
    observed: verifier.observed.nodes.get(definition.name),
    recorded: verifier.recorded.nodes.get(definition.name),
  });
  capacities[node] = capacity;
  return capacity;
}

export const definitionAt = ({ nodes }: Verifier, node: number): DesiredNode | undefined => nodes.definitions[node];

export function observedAt({ observed, nodes }: Verifier, node: number): ObservedNode | undefined {
  const name = nodes.names[node];
  return name === undefined ? undefined : observed.nodes.get(name);
}

export const nameOfNode = ({ nodes }: Verifier, node: number): NodeName | undefined => nodes.names[node];

/** Recorded allocations of a workload, by position. */
export const allocationsOf = (verifier: Verifier, workload: WorkloadId): Int32Array =>
  rowAt(verifier.byWorkload, verifier.workloadIndex.get(workload) ?? -1);

/** The object of an allocation, on its own node. */
export function objectOf(
  { objects, objectsByNode }: Verifier,
  allocation: Allocation,
  home: number,
): ObservedObject | undefined {
  for (const index of rowAt(objectsByNode, home)) {
    const object = objects[index] as ObservedObject;
    if (object.allocation === allocation.id) return object;
  }
  return undefined;
}

export function factsOf({ lazy: { facts } }: Verifier, revision: Revision): RevisionFacts {
  const known = facts.get(revision);
  if (known !== undefined) return known;
  const made = revisionFacts(revision);
  facts.set(revision, made);
  return made;
}

export function recordedFacts(verifier: Verifier, { revision }: Allocation): RevisionFacts | undefined {
  const body = verifier.recorded.revisions.get(revision);
  return body && factsOf(verifier, body);
}

export function addressBookOf(verifier: Verifier): AddressBook {
  verifier.lazy.addresses ??= createAddressBook(
    verifier.allocations,
    (allocation) => recordedFacts(verifier, allocation)?.network ?? '',
  );
  return verifier.lazy.addresses;
}

export function quotaTableOf(verifier: Verifier, quotas: Desired['quotas']): QuotaTable {
  const known = verifier.lazy.quotas;
  if (known !== undefined && known.quotas === quotas) return known;
  const table = createQuotaTable(verifier, quotas);
  verifier.lazy.quotas = table;
  return table;
}
