import { parseSshEndpoint } from '../../src/engines/ssh/endpoint.ts';
import { openSshHost, type SshHost } from '../../src/engines/ssh/host.ts';
import type { Revision } from '../../src/model/revision.ts';
import type { TestHost } from '../bed/hosts.ts';

/** The machine as an engine reaches it. */
export function reach(machine: TestHost, user: 'root' | 'deploy' | 'guest' = 'root'): SshHost {
  const address = parseSshEndpoint(`ssh://${user}@${machine.ip}:22`);
  if (address === undefined) throw new Error(machine.endpoint);
  const { hostKey, privateKey } = machine;
  return openSshHost({ ...address, hostKey, login: { kind: 'key', name: 'test', privateKey } });
}

export const systemdRevision = (overrides: Partial<Revision> = {}): Revision => ({
  engine: 'systemd',
  command: ['/bin/sleep', '1000'],
  args: [],
  env: {},
  resources: { cpuMillis: 50, memoryBytes: 16 << 20, storageBytes: 0, bandwidthBits: 0, extended: {} },
  limits: { cpuMillis: 500, memoryBytes: 64 << 20 },
  ports: [{ name: 'http', port: 8080, protocol: 'tcp', publish: 'auto' }],
  stop: { signal: 'SIGTERM', graceMs: 10_000, delayMs: 0 },
  restart: 'on-failure',
  ...overrides,
});
