import type { AllocationId } from '../../model/ids.ts';
import { objectName } from '../engine.ts';

const prefix = 'muster-';
const suffix = '.service';

/** Where units of a machine's operator are, and ours among them. */
export const unitFolder = '/etc/systemd/system';
/** One folder an object: what it was made from, its environment, how it ended. Root's alone: environments are nobody else's business. */
export const recordFolder = '/var/lib/muster/systemd';

/** `muster-<cluster>.<ns>.<workload>.<ordinal>.g<generation>.service` */
export const unitName = (cluster: string, allocation: AllocationId): string =>
  `${prefix}${objectName(cluster, allocation)}${suffix}`;

/** What observers are told: the name that the object has on every engine. */
export const shownName = (unit: string): string => unit.slice(prefix.length, -suffix.length);

/** Units that Muster may look at; systemd allows more characters in a name than Muster ever uses. */
export const unitPattern = 'muster-[A-Za-z0-9:_.@-]+\\.service';

/** `<unit>/<32 hex digits>`: the digits are in the object's record, so that a unit that was made anew is another object. */
export const objectIdOf = (unit: string, serial: string): string => `${unit}/${serial}`;

/** Undefined for an id that no object of this engine has. */
export function parseObjectId(objectId: string): { readonly unit: string; readonly serial: string } | undefined {
  const [whole, unit = '', serial = ''] = /^(muster-[A-Za-z0-9:_.@-]+\.service)\/([0-9a-f]{32})$/.exec(objectId) ?? [];
  return whole === undefined ? undefined : { unit, serial };
}
