import type { HeldVolume, Holds } from '../../model/recorded.ts';
import type { RevisionVolume } from '../../model/revision.ts';
import { allocationsOn, type Verifier } from './base.ts';
import { volumeAmounts } from './charge.ts';
import { diskOf, type NodeCapacity } from './node-capacity.ts';
import type { RevisionFacts } from './revision-facts.ts';
import type { Shape } from './shape.ts';
import type { Item } from './world.ts';

/** What is wrong with the volumes that a step gives an instance: each that is asked for, once, where its data is. */
export function wrongVolumes(
  { step, shape, old, node, home }: Item,
  facts: RevisionFacts,
  capacity: NodeCapacity | undefined,
): readonly string[] {
  const held = step.holds.volumes ?? noVolumes;
  const before = home === node ? (old?.holds.volumes ?? noVolumes) : noVolumes;
  const wrong: string[] = [];
  for (const volume of held) {
    const asked = named(facts.localVolumes, volume.name);
    if (capacity !== undefined && diskOf(capacity, volume.device) === undefined) {
      wrong.push(`has volume ${volume.name} on ${volume.device}, which is not there`);
    }
    if (asked === undefined) wrong.push(`holds volume ${volume.name}, which nobody asked for`);
    else addWrongAmounts(volume, asked, wrong);
    const known = named(before, volume.name);
    if (asked !== undefined && known !== undefined) wrong.push(...wrongStay({ volume, known, asked, shape }));
  }
  for (const { name } of facts.localVolumes) {
    const times = countNamed(held, name);
    if (times !== 1) wrong.push(times === 0 ? `does not hold volume ${name}` : `holds volume ${name} twice`);
  }
  const whole = held.some(isExclusive) ? held.filter(isExclusive) : noVolumes;
  if (whole.length < 2) return wrong;
  const devices = new Set(whole.map(({ device }) => device));
  if (devices.size > 1) wrong.push(`has its exclusive volumes on several devices: ${[...devices].join(', ')}`);
  return wrong;
}

const noVolumes: readonly HeldVolume[] = [];

const isExclusive = ({ exclusive }: HeldVolume): boolean => exclusive === true;

function named<Volume extends { readonly name: string }>(volumes: readonly Volume[], name: string): Volume | undefined {
  for (let at = 0; at < volumes.length; at++) if (volumes[at]?.name === name) return volumes[at];
  return undefined;
}

function countNamed(volumes: readonly HeldVolume[], name: string): number {
  let count = 0;
  for (let at = 0; at < volumes.length; at++) if (volumes[at]?.name === name) count += 1;
  return count;
}

/** An exclusive volume has its share of a whole device, which may be more than it asked for. */
function addWrongAmounts(held: HeldVolume, asked: RevisionVolume, wrong: string[]): void {
  if (asked.source.kind === 'device' && asked.source.device !== held.device) {
    wrong.push(`has volume ${held.name} on ${held.device}, not on ${asked.source.device}`);
  }
  if ((held.exclusive === true) !== asked.exclusive) {
    wrong.push(`has volume ${held.name} ${asked.exclusive ? 'beside others, not exclusively' : 'exclusively'}`);
  }
  for (const amount of volumeAmounts) {
    const wanted = amount === 'bytes' ? asked.sizeBytes : asked[amount];
    const given = held[amount] ?? 0;
    const enough = amount === 'bytes' && asked.exclusive ? given >= wanted : given === wanted;
    if (!enough) wrong.push(`has ${given} ${amount} of volume ${held.name}, not ${wanted}`);
  }
}

interface Stay {
  readonly volume: HeldVolume;
  readonly known: HeldVolume;
  readonly asked: RevisionVolume;
  readonly shape: Shape;
}

/** On its node a volume stays on its device, unless git names another one; and only one instance at a time writes to it. */
function wrongStay({ volume, known, asked, shape }: Stay): readonly string[] {
  if (volume.device !== known.device) {
    return asked.source.kind === 'device'
      ? []
      : [`has volume ${volume.name} moved from ${known.device} to ${volume.device}, without its data`];
  }
  if (!shape.makes || shape.chained) return [];
  return [`takes over volume ${volume.name} of an instance that still runs`];
}

/** How many volumes are on one device, and how many of them have it to themselves. */
interface Users {
  volumes: number;
  exclusive: number;
}

/** By node and device, in every state that the plan has: a volume is there until its allocation is released. */
export type DeviceUsers = (node: number, device: string) => Users;

/** Starts with what is recorded of a node, in whatever state it is. */
export function createDeviceUsers(base: Verifier): DeviceUsers {
  const known = new Map<number, Map<string, Users>>();
  return (node, device) => {
    let ofNode = known.get(node);
    if (ofNode === undefined) {
      ofNode = recordedUsers(base, node);
      known.set(node, ofNode);
    }
    return usersAt(ofNode, device);
  };
}

function recordedUsers(base: Verifier, node: number): Map<string, Users> {
  const users = new Map<string, Users>();
  for (const index of allocationsOn(base, node)) {
    for (const { device, exclusive } of base.allocations[index]?.holds.volumes ?? noVolumes) {
      const there = usersAt(users, device);
      there.volumes += 1;
      if (exclusive === true) there.exclusive += 1;
    }
  }
  return users;
}

function usersAt(users: Map<string, Users>, device: string): Users {
  let there = users.get(device);
  if (there === undefined) {
    there = { volumes: 0, exclusive: 0 };
    users.set(device, there);
  }
  return there;
}

/** Puts a step's volumes on their devices. Who has a device exclusively has it alone. */
export function takeDevices(users: DeviceUsers, { step, node, shape, old, home }: Item): readonly string[] {
  const { volumes = noVolumes } = step.holds;
  const before = home === node && (shape.chained || shape.updates) ? old?.holds : undefined;
  let wrong = nothingWrong;
  for (let index = 0; index < volumes.length; index++) {
    const { device } = volumes[index] as HeldVolume;
    if (isSeenBefore(volumes, index)) continue;
    const there = users(node, device);
    const own = countOn(before, device);
    const taken = countOn(step.holds, device);
    const others = there.volumes - own.volumes;
    const shared = there.exclusive - own.exclusive > 0 || (taken.exclusive > 0 && others > 0);
    there.volumes += taken.volumes;
    there.exclusive += taken.exclusive;
    if (shared) wrong = [...wrong, `shares ${device} of ${step.node}, which somebody has exclusively`];
  }
  return wrong;
}

const nothingWrong: readonly string[] = [];

function isSeenBefore(volumes: readonly HeldVolume[], index: number): boolean {
  for (let at = 0; at < index; at++) if (volumes[at]?.device === volumes[index]?.device) return true;
  return false;
}

function countOn(holds: Holds | undefined, device: string): Users {
  const on = { volumes: 0, exclusive: 0 };
  for (const volume of holds?.volumes ?? noVolumes) {
    if (volume.device !== device) continue;
    on.volumes += 1;
    if (volume.exclusive === true) on.exclusive += 1;
  }
  return on;
}
