import { readFileSync } from 'node:fs';

const listening = '0A';
/** What the kernel calls a UDP socket that is bound and not connected. */
const unconnected = '07';

/** Ports that something on this machine listens on, ascending. */
export function listeningPorts(protocol: 'tcp' | 'udp'): readonly number[] {
  const wanted = protocol === 'tcp' ? listening : unconnected;
  const ports = [`/proc/net/${protocol}`, `/proc/net/${protocol}6`].flatMap((table) =>
    rowsOf(table)
      .filter((fields) => fields[3] === wanted)
      .map((fields) => Number.parseInt(fields[1]?.split(':')[1] ?? '', 16)),
  );
  return [...new Set(ports.filter((port) => port > 0))].sort((a, b) => a - b);
}

/** Rows without the heading, split into columns: number, local address, remote address, state, … */
function rowsOf(table: string): readonly (readonly string[])[] {
  let text: string;
  try {
    text = readFileSync(table, 'utf8');
  } catch {
    // A kernel without IPv6 has no table for it.
    return [];
  }
  return text
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/));
}
