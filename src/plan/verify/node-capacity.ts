import type { DesiredNode, NodeDisk } from '../../model/desired.ts';
import type { ObservedNode } from '../../model/observed.ts';
import type { RecordedNode } from '../../model/recorded.ts';
import { amountOf, type Dimension, maxResources, noResources, type Resources } from '../../model/resources.ts';

/** What a node has to give. */
export interface NodeCapacity {
  readonly definition: DesiredNode;
  readonly probed: Resources;
  readonly recorded: Resources;
  /** What instances may hold, by column of a node: a base dimension that nobody declares or probes is not limited. */
  readonly counted: readonly [cpuMillis: number, memoryBytes: number, storageBytes: number, bandwidthBits: number];
}

export function capacityOf(
  definition: DesiredNode,
  known: { readonly observed: ObservedNode | undefined; readonly recorded: RecordedNode | undefined },
): NodeCapacity {
  const probed = probedOf(known.observed);
  const recorded = known.recorded?.capacity ?? noResources;
  const cpu = usable(definition, probed, recorded, 'cpuMillis');
  return {
    definition,
    probed,
    recorded,
    counted: [
      Math.floor((cpu * definition.overcommitCpuMilli) / 1000),
      usable(definition, probed, recorded, 'memoryBytes'),
      usable(definition, probed, recorded, 'storageBytes'),
      usable(definition, probed, recorded, 'bandwidthBits'),
    ],
  };
}

function probedOf(observed: ObservedNode | undefined): Resources {
  let probed = noResources;
  for (const engine of Object.values(observed?.engines ?? {})) {
    if (engine.kind !== 'reachable') continue;
    probed = probed === noResources ? engine.capacity : maxResources(probed, engine.capacity);
  }
  return probed;
}

/** Less the reserve. */
function usable(node: DesiredNode, probed: Resources, recorded: Resources, dimension: Dimension): number {
  const raw = rawOf(node, probed, recorded, dimension);
  return raw === undefined ? Number.POSITIVE_INFINITY : Math.max(0, raw - amountOf(node.reserved, dimension));
}

/** Declared over probed over recorded. */
const rawOf = (node: DesiredNode, probed: Resources, recorded: Resources, dimension: Dimension): number | undefined =>
  node.capacity[dimension] ?? probed[dimension] ?? recorded[dimension];

/** How much there is of an extended resource, in thousandths, the reserve included: one that nobody declares is not there. */
export const piecesThere = ({ definition, probed, recorded }: NodeCapacity, kind: string): number =>
  rawOf(definition, probed, recorded, kind as Dimension) ?? 0;

/** What instances may hold of an extended resource, in thousandths. */
export const extendedThere = (capacity: NodeCapacity, kind: string): number =>
  Math.max(0, piecesThere(capacity, kind) - amountOf(capacity.definition.reserved, kind as Dimension));

/** Cores are those that the NUMA nodes list, or as many as there are, from 0. */
export function hasCore(capacity: NodeCapacity, core: number): boolean {
  const { definition, probed, recorded } = capacity;
  if (definition.numa !== undefined) return numaNodeOf(capacity, core) >= 0;
  return core < Math.floor((rawOf(definition, probed, recorded, 'cpuMillis') ?? 0) / 1000);
}

/** The NUMA node of a core; -1: not known. */
export function numaNodeOf({ definition: { numa = noNuma } }: NodeCapacity, core: number): number {
  for (let node = 0; node < numa.length; node++) if (numa[node]?.cpus.includes(core) === true) return node;
  return -1;
}

const noNuma: NonNullable<DesiredNode['numa']> = [];

/** Memory of a NUMA node; undefined: there is none of that number. */
export const numaMemory = ({ definition }: NodeCapacity, numaNode: number): number | undefined =>
  definition.numa?.[numaNode]?.memoryBytes;

export function diskOf({ definition: { disks = noDisks } }: NodeCapacity, device: string): NodeDisk | undefined {
  for (let at = 0; at < disks.length; at++) if (disks[at]?.device === device) return disks[at];
  return undefined;
}

const noDisks: NonNullable<DesiredNode['disks']> = [];
