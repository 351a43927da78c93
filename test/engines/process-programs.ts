import type { Revision } from '../../src/model/revision.ts';

/** A revision of the process engine with one TCP port, for programs that need nothing but /bin/sh. */
export function processRevision(overrides: Partial<Revision> & Pick<Revision, 'command'>): Revision {
  return {
    engine: 'process',
    args: [],
    env: {},
    resources: { cpuMillis: 0, memoryBytes: 0, storageBytes: 0, bandwidthBits: 0, extended: {} },
    limits: { cpuMillis: 'unlimited', memoryBytes: 'unlimited' },
    ports: [{ name: 'http', port: 8080, protocol: 'tcp', publish: 'auto' }],
    stop: { signal: 'SIGTERM', graceMs: 1_000, delayMs: 0 },
    restart: 'never',
    ...overrides,
  };
}
