import type { CallSite } from '../deadline.ts';
import { failure } from './node.ts';
import type { UnitRecord } from './record.ts';
import { portsOf } from './unit-file.ts';

/** Rejects with `portTaken` when something listens on a port of an object that does not run itself. */
export function refuseTakenPorts(
  record: UnitRecord,
  listening: Readonly<Record<'tcp' | 'udp', readonly number[]>>,
  site: CallSite,
): void {
  for (const { name, protocol } of record.revision.ports) {
    const port = portsOf(record)[name];
    if (port === undefined || !listening[protocol].includes(port)) continue;
    throw failure(site, {
      code: 'portTaken',
      message: `${record.allocation}: something else on ${site.node} listens on port ${port} (${name})`,
      hint: `see what it is with: ss -lnp 'sport = :${port}'`,
    });
  }
}
