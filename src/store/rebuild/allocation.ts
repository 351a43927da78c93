import type { Desired } from '../../model/desired.ts';
import { parseAllocationId } from '../../model/ids.ts';
import type { ObservedObject } from '../../model/observed.ts';
import type { Allocation, Holds } from '../../model/recorded.ts';
import type { Revision } from '../../model/revision.ts';
import type { Recalled } from '../../model/store-rebuild.ts';

/**
 * What an object holds: as its engine keeps it with the object, else as the store has it for the same incarnation at the
 * same revision, else as it follows from what can be seen. Undefined where it does not.
 */
export function holdsOf(of: {
  readonly object: ObservedObject;
  readonly origin: Recalled['origin'];
  readonly revision: Revision;
  readonly known: Allocation | undefined;
}): Holds | undefined {
  const { object, origin, revision, known } = of;
  if (typeof origin.holds?.cpuMillis === 'number') return origin.holds;
  if (known?.revision === origin.revisionHash && known.node === object.node) return known.holds;
  return seenHolds(object, revision);
}

/** Numbers follow from the revision, ports from the engine; which cores, devices and directories it was given does not. */
function seenHolds({ held, ports }: ObservedObject, revision: Revision): Holds | undefined {
  const { cpuMillis, memoryBytes, storageBytes, bandwidthBits, extended } = revision.resources;
  const charged = revision.volumes?.some(({ source }) => source.kind === 'auto' || source.kind === 'device');
  const isUnseen = revision.cpu !== undefined || charged === true || Object.keys(extended).length > 0;
  if (isUnseen || (revision.network !== undefined && held?.ip === undefined)) return undefined;
  const published = revision.ports.flatMap(({ name, publish }) => {
    const port = publish === 'none' ? undefined : ports[name]?.port;
    return port === undefined ? [] : [[name, port] as const];
  });
  return {
    cpuMillis,
    memoryBytes,
    storageBytes,
    ...(bandwidthBits > 0 && { bandwidthBits }),
    ...(published.length > 0 && { ports: Object.fromEntries(published) }),
    ...(revision.network !== undefined && held?.ip !== undefined && { ip: held.ip }),
  };
}

/**
 * What runs is live. What does not is kept as it is where nobody wants it to run now (its node is not online, or git does
 * not ask for it), and is else what the next plan heals.
 */
export function stateOf(of: {
  readonly object: ObservedObject;
  readonly known: Allocation | undefined;
  readonly desired: Desired;
  /** Unix ms */
  readonly now: number;
}): Pick<Allocation, 'state' | 'heldSince'> {
  const { object, known, desired, now } = of;
  const rests = object.state === 'exited' || object.state === 'created';
  if (!rests) return { state: 'live' };
  if (known?.state === 'held') return { state: 'held', heldSince: known.heldSince ?? now };
  return isWanted(object, desired) ? { state: 'live' } : { state: 'held', heldSince: now };
}

function isWanted({ allocation, node }: ObservedObject, { nodes, workloads }: Desired): boolean {
  const { workload, ordinal } = parseAllocationId(allocation);
  const lifecycle = nodes.find(({ name }) => name === node)?.lifecycle;
  const definition = workloads.find(({ id }) => id === workload);
  const isAsked = definition !== undefined && (definition.type === 'daemon' || ordinal < definition.replicas);
  return isAsked && (lifecycle === 'online' || lifecycle === 'cordoned');
}
