const listening = '0A';
/** What the kernel calls a UDP socket that is bound and not connected. */
const unconnected = '07';

/** Ports that something listens on, ascending, by one of the tables `/proc/net/{tcp,tcp6,udp,udp6}` or several in a row. */
export function listeningPortsIn(table: string, protocol: 'tcp' | 'udp'): readonly number[] {
  const wanted = protocol === 'tcp' ? listening : unconnected;
  const ports = table
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[3] === wanted)
    // number, local address, remote address, state, …
    .map((fields) => Number.parseInt(fields[1]?.split(':')[1] ?? '', 16));
  return [...new Set(ports.filter((port) => port > 0))].sort((a, b) => a - b);
}
