import type { Holds } from '../../model/recorded.ts';
import { milliPerPiece } from '../../model/resources.ts';
import { checkAddress, createNetworks, type Networks } from './addresses.ts';
import { capacityAt } from './base.ts';
import { wrongCores } from './cores.ts';
import { type NodeCapacity, piecesThere } from './node-capacity.ts';
import type { RevisionFacts } from './revision-facts.ts';
import type { Report } from './violation.ts';
import { createDeviceUsers, type DeviceUsers, takeDevices, wrongVolumes } from './volumes.ts';
import type { Check, Item, World } from './world.ts';

/** Cores, volumes and addresses that a step gives out are such as its revision asks for, and are there. How full they are is the capacity rules' concern. */
export function piecesCheck(world: World, report: Report): Check {
  const networks = createNetworks(world.inputs);
  const users = createDeviceUsers(world.base);
  return {
    unit: ({ items }) => {
      for (const item of items) {
        const { facts } = item;
        if (facts !== undefined) checkItem(world, item, { facts, networks, users }, report);
      }
    },
  };
}

function checkItem(
  world: World,
  item: Item,
  of: { readonly facts: RevisionFacts; readonly networks: Networks; readonly users: DeviceUsers },
  report: Report,
): void {
  const { step, node } = item;
  const { facts, networks, users } = of;
  const { holds } = step;
  const isPlain = holds.volumes === undefined && holds.devices === undefined && !isBound(holds);
  const capacity = isPlain ? undefined : capacityAt(world.base, node);
  if (facts.revision.cpu !== undefined || isBound(holds)) {
    for (const { rule, text } of wrongCores(holds, facts.revision, capacity)) {
      report(rule, step.id, `${step.instance} ${text}`);
    }
  }
  if (facts.localVolumes.length > 0 || holds.volumes !== undefined) {
    const say = (text: string): void => report('volumes', step.id, `${step.instance} ${text}`);
    wrongVolumes(item, facts, capacity).forEach(say);
    takeDevices(users, item).forEach(say);
  }
  if (holds.devices !== undefined && capacity !== undefined) {
    for (const text of wrongPieces(holds.devices, capacity)) report('devices', step.id, `${step.instance} ${text}`);
  }
  if (facts.network !== '' || holds.ip !== undefined) checkAddress(world, { item, facts, networks }, report);
}

function wrongPieces(devices: NonNullable<Holds['devices']>, capacity: NodeCapacity): readonly string[] {
  return Object.entries(devices).flatMap(([kind, pieces]) =>
    Object.entries(pieces).flatMap(([piece, milli]) => {
      const isThere = /^(0|[1-9]\d{0,2})$/.test(piece) && Number(piece) * milliPerPiece < piecesThere(capacity, kind);
      if (!isThere) return [`is given piece ${piece} of ${kind}, which is not there`];
      const isPart = Number.isInteger(milli) && milli > 0 && milli <= milliPerPiece;
      return isPart ? [] : [`is given ${milli} thousandths of piece ${piece} of ${kind}`];
    }),
  );
}

const isBound = ({ cpuset, cpuFragments, numaNode }: Holds): boolean =>
  cpuset !== undefined || cpuFragments !== undefined || numaNode !== undefined;
