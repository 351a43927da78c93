import type { Desired } from '../../model/desired.ts';
import { addresses } from './addresses.ts';
import { cores } from './cores.ts';
import { devices } from './devices.ts';
import { ports } from './ports.ts';
import type { AnyResource } from './resource.ts';
import { volumes } from './volumes.ts';

/** Every resource whose pieces are told apart, in the order in which pieces are chosen. */
export function openResources(desired: Desired): readonly AnyResource[] {
  return [cores, devices, volumes, ports, addresses(desired)] as readonly AnyResource[];
}
