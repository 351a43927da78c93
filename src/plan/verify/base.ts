import type { Desired, DesiredNode } from '../../model/desired.ts';
import type { NodeName, WorkloadId } from '../../model/ids.ts';
import type { Observed, ObservedNode, ObservedObject } from '../../model/observed.ts';
import type { Allocation, Recorded } from '../../model/recorded.ts';
import type { Revision } from '../../model/revision.ts';
import type { PlanInputs } from '../inputs.ts';
import { type AddressBook, createAddressBook } from './address-book.ts';
import { capacityOf, type NodeCapacity } from './node-capacity.ts';
import { createNodeTable, type NodeTable } from './nodes.ts';
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
  readonly workloadIndex: ReadonlyMap<WorkloadId, number>;
  readonly byWorkload: Rows;
  readonly objects: readonly ObservedObject[];
  readonly lazy: {
    readonly capacities: (NodeCapacity | undefined)[];
    readonly facts: Map<Revision, RevisionFacts>;
    /** By node; undefined: nobody looked at it. */
    observedNodes?: readonly (ObservedNode | undefined)[];
    byNode?: Rows;
    objectsByNode?: Rows;
    hasUdp?: boolean;
    addresses?: AddressBook;
    quotas?: QuotaTable;
  };
}

/** Indexes the world once. Give it to `verifyPlan` as long as records, observation and nodes are the same objects. */
export function openVerifier(inputs: Pick<PlanInputs, 'desired' | 'recorded' | 'observed'>): Verifier {
  const { recorded, observed, desired } = inputs;
  const { allocations } = recorded;
  const { objects } = observed;
  const { nodes, homes } = createNodeTable(inputs);
  const { workloadIndex, workloadOf } = indexWorkloads(allocations);
  return {
    recorded,
    observed,
    desiredNodes: desired.nodes,
    nodes,
    allocations,
    homes,
    workloadIndex,
    byWorkload: rowsOf(workloadOf, workloadIndex.size),
    objects,
    lazy: { capacities: new Array(nodes.names.length), facts: new Map() },
  };
}

/** True when it was opened for this very world: it is compared by identity, not read again. */
export const isOpenedFor = (verifier: Verifier, { desired, recorded, observed }: PlanInputs): boolean =>
  verifier.recorded === recorded && verifier.observed === observed && verifier.desiredNodes === desired.nodes;

/** Neighbours are mostly of one workload. */
function indexWorkloads(allocations: readonly Allocation[]): {
  readonly workloadIndex: ReadonlyMap<WorkloadId, number>;
  readonly workloadOf: Int32Array;
} {
  const workloadIndex = new Map<WorkloadId, number>();
  const workloadOf = new Int32Array(allocations.length);
  let last: WorkloadId | undefined;
  let number = -1;
  for (let index = 0; index < allocations.length; index++) {
    const { workload } = allocations[index] as Allocation;
    if (workload !== last) {
      number = workloadIndex.get(workload) ?? workloadIndex.size;
      if (number === workloadIndex.size) workloadIndex.set(workload, number);
      last = workload;
    }
    workloadOf[index] = number;
  }
  return { workloadIndex, workloadOf };
}

/** Positions of the recorded allocations on a node. */
export function allocationsOn(verifier: Verifier, node: number): Int32Array {
  verifier.lazy.byNode ??= rowsOf(verifier.homes, verifier.nodes.names.length);
  return rowAt(verifier.lazy.byNode, node);
}

/** Positions of the observed objects on a node. */
export function objectsOn({ nodes, objects, lazy }: Verifier, node: number): Int32Array {
  lazy.objectsByNode ??= rowsOf(
    Int32Array.from(objects, (object) => nodes.indexOf.get(object.node) ?? -1),
    nodes.names.length,
  );
  return rowAt(lazy.objectsByNode, node);
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

export function observedAt({ observed, nodes, lazy }: Verifier, node: number): ObservedNode | undefined {
  lazy.observedNodes ??= nodes.names.map((name) => observed.nodes.get(name));
  return lazy.observedNodes[node];
}

export const nameOfNode = ({ nodes }: Verifier, node: number): NodeName | undefined => nodes.names[node];

/** Recorded allocations of a workload, by position. */
export const allocationsOf = (verifier: Verifier, workload: WorkloadId): Int32Array =>
  rowAt(verifier.byWorkload, verifier.workloadIndex.get(workload) ?? -1);

/**
 * The object of an allocation, on its own node; the recorded one, where it was started twice. Often both are listed in
 * the same order; else its node has few.
 */
export function objectOf(verifier: Verifier, index: number): ObservedObject | undefined {
  const { allocations, objects, homes } = verifier;
  const { id, node, objectId } = allocations[index] as Allocation;
  const likely = objects[index];
  if (likely?.allocation === id && likely.node === node && likely.objectId === objectId) return likely;
  let found: ObservedObject | undefined;
  for (const other of objectsOn(verifier, homes[index] as number)) {
    const object = objects[other] as ObservedObject;
    if (object.allocation !== id) continue;
    if (object.objectId === objectId) return object;
    if (found === undefined || isLikelier(object, found)) found = object;
  }
  return found;
}

/** None is the recorded one: one that runs, and the first by name of those. */
const isLikelier = (a: ObservedObject, b: ObservedObject): boolean =>
  (a.state === 'running') === (b.state === 'running') ? a.objectId < b.objectId : a.state === 'running';

export function factsOf({ lazy: { facts } }: Verifier, revision: Revision): RevisionFacts {
  const known = facts.get(revision);
  if (known !== undefined) return known;
  const made = revisionFacts(revision);
  facts.set(revision, made);
  return made;
}

/** True when some recorded revision counts ports apart: else nobody has to ask which. */
export function hasUdp(verifier: Verifier): boolean {
  verifier.lazy.hasUdp ??= [...verifier.recorded.revisions.values()].some(({ ports }) =>
    ports.some(({ protocol }) => protocol === 'udp'),
  );
  return verifier.lazy.hasUdp;
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
