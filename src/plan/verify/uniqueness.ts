import { allocationId, type NodeName, type UnitId, type WorkloadId } from '../../model/ids.ts';
import type { ForeignObject } from '../../model/observed.ts';
import type { Step } from '../../model/plan.ts';
import type { Allocation, Holds } from '../../model/recorded.ts';
import type { Revision } from '../../model/revision.ts';
import type { Report } from './violation.ts';
import { type Item, revisionOf, type World } from './world.ts';

/** Two allocations never hold the same host port of a machine or the same address, in any state of the plan. */
export function checkUniqueness(world: World, report: Report): void {
  const taken = openTaken(world);
  holdRecorded(world, taken);
  holdForeign(world, taken);
  for (const { unit, waves } of world.units) {
    for (const [wave, { items }] of waves.entries()) {
      for (const item of items) take(world, taken, { item, unit: unit.id, wave }, report);
      for (const item of items) leave(world, taken, { item, wave });
    }
  }
}

/** Who holds what: ports by port domain and number, addresses by themselves. */
interface Taken {
  readonly domainOf: ReadonlyMap<NodeName, string>;
  readonly ports: Map<string, Map<number, Holder[]>>;
  readonly addresses: Map<string, Holder[]>;
}

interface Holder {
  readonly by: Allocation | Step | ForeignObject;
  readonly node: NodeName;
  readonly unit?: UnitId;
  /** The wave of `unit` in which it goes; later waves of the same unit may use what it had. */
  goesInWave?: number;
}

/** Port domains of the touched nodes, with every declared node that shares one of them. */
function openTaken({ inputs, touchedNodes }: World): Taken {
  const { nodes } = inputs.desired;
  const touched = new Set(nodes.filter((node) => touchedNodes.has(node.name)).map((node) => node.portDomain));
  const domainOf = new Map(
    nodes.filter((node) => touched.has(node.portDomain)).map((node) => [node.name, node.portDomain]),
  );
  return { domainOf, ports: new Map(), addresses: new Map() };
}

function holdRecorded(world: World, taken: Taken): void {
  for (const allocation of world.inputs.recorded.allocations) {
    const { node, workload, revision, holds, state } = allocation;
    if (!taken.domainOf.has(node) && holds.ip === undefined) continue;
    const body = revisionOf(world, world.workloads.get(workload), revision);
    const holder: Holder = { by: allocation, node, unit: workload as WorkloadId as string as UnitId };
    // What was stopped for good has given its ports back, but not its address.
    if (state !== 'held' && holds.ports !== undefined) {
      for (const name of Object.keys(holds.ports)) portOf(taken, { node, holds, body }, name).push(holder);
    }
    if (holds.ip !== undefined) slotAt(taken.addresses, holds.ip).push(holder);
  }
}

function holdForeign({ inputs }: World, taken: Taken): void {
  for (const [node] of taken.domainOf) {
    for (const foreign of inputs.observed.nodes.get(node)?.foreign ?? []) {
      const holder: Holder = { by: foreign, node };
      for (const port of foreign.ports) {
        portSlot(taken, node, port).push(holder);
        portSlot(taken, node, port + udp).push(holder);
      }
    }
  }
}

function take(
  world: World,
  taken: Taken,
  { item, unit, wave }: { readonly item: Item; readonly unit: UnitId; readonly wave: number },
  report: Report,
): void {
  const { step, shape, old, workload } = item;
  if (!shape.makes && !shape.updates) return;
  if (step.holds.ports === undefined && step.holds.ip === undefined) return;
  const holder: Holder = { by: step, node: step.node, unit };
  const body = revisionOf(world, workload, step.revision);
  const held = { node: step.node, holds: step.holds, body };
  const enter = (slot: Holder[]): void => {
    for (const other of slot) {
      const freed = other.unit === unit && other.goesInWave !== undefined && other.goesInWave < wave;
      const inherited = other.by === old && (shape.chained || shape.updates);
      if (freed || inherited) continue;
      const [rule, what] = describe(taken, slot, step.node);
      report(rule, step.id, `${step.instance} takes ${what}, which ${nameOf(other)} has`);
    }
    slot.push(holder);
  };
  if (step.holds.ports !== undefined) {
    for (const name of Object.keys(step.holds.ports)) enter(portOf(taken, held, name));
  }
  if (step.holds.ip !== undefined) enter(slotAt(taken.addresses, step.holds.ip));
}

/** Marks what a step's predecessor held as free for the waves that follow. */
function leave(world: World, taken: Taken, { item, wave }: { readonly item: Item; readonly wave: number }): void {
  const { shape, old, workload } = item;
  if (old === undefined || !shape.ends) return;
  const held = { node: old.node, holds: old.holds, body: revisionOf(world, workload, old.revision) };
  const mark = (slot: readonly Holder[]): void => {
    for (const holder of slot) if (holder.by === old) holder.goesInWave = wave;
  };
  for (const name of Object.keys(old.holds.ports ?? {})) mark(portOf(taken, held, name));
  if (old.holds.ip !== undefined) mark(slotAt(taken.addresses, old.holds.ip));
}

/** UDP ports are counted from here, so that a port and its protocol are one number. */
const udp = 65_536;

interface Held {
  readonly node: NodeName;
  readonly holds: Holds;
  readonly body: Revision | undefined;
}

/** The slot of the host port that is held under a name. */
function portOf(taken: Taken, { node, holds, body }: Held, name: string): Holder[] {
  let offset = 0;
  for (const port of body?.ports ?? []) if (port.name === name && port.protocol === 'udp') offset = udp;
  return portSlot(taken, node, (holds.ports?.[name] ?? 0) + offset);
}

function portSlot({ domainOf, ports }: Taken, node: NodeName, port: number): Holder[] {
  const domain = domainOf.get(node) ?? node;
  let inDomain = ports.get(domain);
  if (inDomain === undefined) {
    inDomain = new Map();
    ports.set(domain, inDomain);
  }
  return slotAt(inDomain, port);
}

function slotAt<Key>(slots: Map<Key, Holder[]>, key: Key): Holder[] {
  const found = slots.get(key);
  if (found !== undefined) return found;
  const slot: Holder[] = [];
  slots.set(key, slot);
  return slot;
}

function nameOf({ by, node }: Holder): string {
  if ('name' in by) return `${by.name} on ${node}, which is not ours,`;
  return `${allocationId(by.instance, by.generation)} on ${node}`;
}

/** What a slot stands for; only asked for when something is wrong. */
function describe(taken: Taken, slot: readonly Holder[], node: NodeName): readonly ['ports' | 'addresses', string] {
  const domain = taken.domainOf.get(node) ?? node;
  for (const [port, holders] of taken.ports.get(domain) ?? []) {
    if (holders === slot) return ['ports', `port ${port % udp}/${port < udp ? 'tcp' : 'udp'} of ${domain}`];
  }
  const address = [...taken.addresses].find(([, holders]) => holders === slot)?.[0];
  return ['addresses', `address ${address ?? '?'}`];
}
