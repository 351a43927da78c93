import { readFileSync } from 'node:fs';
import { listeningPortsIn } from '../listening.ts';

/** Ports that something on this machine listens on, ascending. */
export const listeningPorts = (protocol: 'tcp' | 'udp'): readonly number[] =>
  listeningPortsIn([`/proc/net/${protocol}`, `/proc/net/${protocol}6`].map(textOf).join('\n'), protocol);

function textOf(table: string): string {
  try {
    return readFileSync(table, 'utf8');
  } catch {
    // A kernel without IPv6 has no table for it.
    return '';
  }
}
