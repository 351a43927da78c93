import type { DesiredNode, Domain } from '../../model/desired.ts';
import type { NodeName } from '../../model/ids.ts';
import type { Allocation } from '../../model/recorded.ts';
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

/** The nodes, and that of each recorded allocation. */
export function createNodeTable({ desired, recorded }: Pick<PlanInputs, 'desired' | 'recorded'>): {
  readonly nodes: NodeTable;
  readonly homes: Int32Array;
} {
  const names: NodeName[] = [];
  const definitions: (DesiredNode | undefined)[] = [];
  const indexOf = new Map<NodeName, number>();
  const add = (name: NodeName, definition: DesiredNode | undefined): number => {
    const index = names.length;
    indexOf.set(name, index);
    names.push(name);
    definitions.push(definition);
    return index;
  };
  for (const node of desired.nodes) if (!indexOf.has(node.name)) add(node.name, node);
  const { allocations } = recorded;
  const homes = new Int32Array(allocations.length);
  for (let index = 0; index < allocations.length; index++) {
    const { node } = allocations[index] as Allocation;
    homes[index] = indexOf.get(node) ?? add(node, undefined);
  }
  const pods = new Map<string, number>();
  const portDomains = new Map<string, number>();
  const portDomainOf = intern(definitions, portDomains, (node, index) => node?.portDomain ?? names[index]);
  const nodes: NodeTable = {
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
  return { nodes, homes };
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
