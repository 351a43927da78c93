import { chargedHolds, usableCapacity } from '../../model/capacity.ts';
import type { DesiredNode } from '../../model/desired.ts';
import type { NodeName } from '../../model/ids.ts';
import { type Allocation, resourcesOf } from '../../model/recorded.ts';
import { amountOf, baseDimensions, dimensionsOf, type Resources } from '../../model/resources.ts';
import type { StoreFinding } from '../../model/store-check.ts';
import { finding } from './finding.ts';
import type { Records } from './records.ts';

/** Sums of what is held are within what the node has, as far as git or the records say what that is. */
export function checkRoom(
  records: Records,
  definitions: ReadonlyMap<NodeName, DesiredNode>,
): { readonly findings: readonly StoreFinding[]; readonly unchecked: readonly string[] } {
  const findings: StoreFinding[] = [];
  const unchecked: string[] = [];
  for (const [node, allocations] of byNode(records.allocations)) {
    const definition = definitions.get(node);
    const recorded = records.nodes.get(node);
    if (definition === undefined)
      unchecked.push(`${node}: git does not declare it; how much it has, and who shares its ports, is not known`);
    if (definition === undefined && recorded === undefined) continue;
    const capacity = usableCapacity({ definition, observed: undefined, recorded });
    const used = sumOf(allocations);
    const unknown = baseDimensions.filter((name) => amountOf(used, name) > 0 && capacity[name] === undefined);
    if (unknown.length > 0)
      unchecked.push(`${node}: ${unknown.join(', ')}: git does not say how much there is, only its engine does`);
    findings.push(...overfull(node, used, capacity, new Set(unknown)));
    findings.push(...overfullDisks(node, allocations, definition));
  }
  return { findings, unchecked };
}

function byNode(allocations: readonly Allocation[]): ReadonlyMap<NodeName, readonly Allocation[]> {
  const nodes = new Map<NodeName, Allocation[]>();
  for (const allocation of allocations) {
    const own = nodes.get(allocation.node);
    if (own === undefined) nodes.set(allocation.node, [allocation]);
    else own.push(allocation);
  }
  return nodes;
}

function sumOf(allocations: readonly Allocation[]): Resources {
  const sum: Record<string, number> = {};
  for (const allocation of allocations) {
    const charged = resourcesOf(chargedHolds(allocation));
    for (const dimension of dimensionsOf(charged))
      sum[dimension] = (sum[dimension] ?? 0) + amountOf(charged, dimension);
  }
  return sum as Resources;
}

function* overfull(
  node: NodeName,
  used: Resources,
  capacity: Resources,
  unknown: ReadonlySet<string>,
): Generator<StoreFinding> {
  for (const dimension of dimensionsOf(used)) {
    const [amount, most] = [amountOf(used, dimension), amountOf(capacity, dimension)];
    if (unknown.has(dimension) || amount <= most) continue;
    yield finding('MUS2107', node, `${dimension}: allocations hold ${amount}, instances may have ${most}`);
  }
}

function* overfullDisks(
  node: NodeName,
  allocations: readonly Allocation[],
  definition: DesiredNode | undefined,
): Generator<StoreFinding> {
  const used = new Map<string, number>();
  for (const { holds } of allocations)
    for (const { device, bytes } of holds.volumes ?? []) used.set(device, (used.get(device) ?? 0) + bytes);
  for (const { device, sizeBytes } of definition?.disks ?? []) {
    const bytes = used.get(device) ?? 0;
    if (bytes > sizeBytes)
      yield finding('MUS2107', node, `${device}: volumes hold ${bytes} bytes, the device has ${sizeBytes}`);
  }
}
