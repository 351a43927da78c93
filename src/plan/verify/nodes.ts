import type { DesiredNode, Domain, NodeDisk } from '../../model/desired.ts';
import type { NodeName } from '../../model/ids.ts';
import type { ObservedNode } from '../../model/observed.ts';
import type { RecordedNode } from '../../model/recorded.ts';
import { amountOf, type Dimension, maxResources, noResources, type Resources } from '../../model/resources.ts';
import type { PlanInputs } from '../inputs.ts';
import { type Rows, rowsOf } from './rows.ts';

/** Every node that git declares or the records name, by index, with what each belongs to as small integers. */
export interface NodeTable {
  readonly names: readonly NodeName[];
  readonly indexOf: ReadonlyMap<NodeName, number>;
  /** Undefined for nodes that left git. */
  readonly definitions: readonly (DesiredNode | undefined)[];
  /** -1: in none. */
  readonly podOf: Int32Array;
  readonly zoneOf: Int32Array;
  readonly rackOf: Int32Array;
  readonly podIndex: ReadonlyMap<string, number>;
  /** Nodes on one machine share its ports. */
  readonly portDomainOf: Int32Array;
  readonly portDomains: Rows;
}

export function createNodeTable({ desired, recorded }: Pick<PlanInputs, 'desired' | 'recorded'>): NodeTable {
  const names: NodeName[] = [];
  const definitions: (DesiredNode | undefined)[] = [];
  const indexOf = new Map<NodeName, number>();
  const add = (name: NodeName, definition: DesiredNode | undefined): void => {
    if (indexOf.has(name)) return;
    indexOf.set(name, names.length);
    names.push(name);
    definitions.push(definition);
  };
  for (const node of desired.nodes) add(node.name, node);
  let last: NodeName | undefined;
  for (const { node } of recorded.allocations) {
    if (node !== last) add(node, undefined);
    last = node;
  }
  const pods = new Map<string, number>();
  const portDomains = new Map<string, number>();
  const portDomainOf = intern(definitions, portDomains, (node, index) => node?.portDomain ?? names[index]);
  return {
    names,
    indexOf,
    definitions,
    podOf: intern(definitions, pods, (node) => node?.pod),
    zoneOf: intern(definitions, new Map(), (node) => node?.zone),
    rackOf: intern(definitions, new Map(), (node) => node?.rack),
    podIndex: pods,
    portDomainOf,
    portDomains: rowsOf(portDomainOf, portDomains.size),
  };
}

function intern(
  definitions: readonly (DesiredNode | undefined)[],
  known: Map<string, number>,
  nameOf: (node: DesiredNode | undefined, index: number) => string | undefined,
): Int32Array {
  const column = new Int32Array(definitions.length);
  for (let index = 0; index < definitions.length; index++) {
    const name = nameOf(definitions[index], index);
    let number = name === undefined ? -1 : known.get(name);
    if (number === undefined) {
      number = known.size;
      known.set(name as string, number);
    }
    column[index] = number;
  }
  return column;
}

/** The failure domain of a node as a number among those of its kind; -1 when it has none. */
export function domainOf({ zoneOf, rackOf }: NodeTable, node: number, by: Domain): number {
  switch (by) {
    case 'node':
      return node;
    case 'rack':
      return rackOf[node] ?? -1;
    case 'zone':
      return zoneOf[node] ?? -1;
  }
}

/** What a node has to give. */
export interface NodeCapacity {
  /** What instances may hold, by column of the ledger: a base dimension that nobody declares or probes is not limited. */
  readonly counted: readonly number[];
  /** What instances may hold of an extended resource, in thousandths. */
  usableOf(kind: string): number;
  /** How many pieces there are, in thousandths, the reserve included. */
  piecesOf(kind: string): number;
  hasCore(core: number): boolean;
  /** Thousandths that a core may be sold for. */
  readonly coreMillis: number;
  /** NUMA node of a core; -1: not known. */
  numaOf(core: number): number;
  /** Memory of a NUMA node; undefined: there is none of that number. */
  numaMemory(numaNode: number): number | undefined;
  readonly disks: ReadonlyMap<string, NodeDisk>;
}

export function capacityOf(
  desired: DesiredNode,
  known: { readonly observed: ObservedNode | undefined; readonly recorded: RecordedNode | undefined },
): NodeCapacity {
  const probed = Object.values(known.observed?.engines ?? {}).reduce<Resources>((sum, engine) => {
    if (engine.kind !== 'reachable') return sum;
    return sum === noResources ? engine.capacity : maxResources(sum, engine.capacity);
  }, noResources);
  // Declared over probed over recorded.
  const rawOf = (dimension: Dimension): number | undefined =>
    desired.capacity[dimension] ?? probed[dimension] ?? known.recorded?.capacity[dimension];
  const usable = (dimension: Dimension): number | undefined => {
    const raw = rawOf(dimension);
    return raw === undefined ? undefined : Math.max(0, raw - amountOf(desired.reserved, dimension));
  };
  const { cpuMillis, memoryBytes, storageBytes, bandwidthBits } = {
    cpuMillis: usable('cpuMillis'),
    memoryBytes: usable('memoryBytes'),
    storageBytes: usable('storageBytes'),
    bandwidthBits: usable('bandwidthBits'),
  };
  const { numa, overcommitCpuMilli } = desired;
  const cores = Math.floor((rawOf('cpuMillis') ?? 0) / 1000);
  const numaOf = (core: number): number => numa?.findIndex(({ cpus }) => cpus.includes(core)) ?? -1;
  const unlimited = Number.POSITIVE_INFINITY;
  return {
    counted: [
      cpuMillis === undefined ? unlimited : Math.floor((cpuMillis * overcommitCpuMilli) / 1000),
      memoryBytes ?? unlimited,
      storageBytes ?? unlimited,
      bandwidthBits ?? unlimited,
    ],
    usableOf: (kind) => usable(kind as Dimension) ?? 0,
    piecesOf: (kind) => rawOf(kind as Dimension) ?? 0,
    hasCore: (core) => (numa === undefined ? core < cores : numaOf(core) >= 0),
    coreMillis: overcommitCpuMilli,
    numaOf,
    numaMemory: (node) => numa?.[node]?.memoryBytes,
    disks: new Map((desired.disks ?? []).map((disk) => [disk.device, disk])),
  };
}
