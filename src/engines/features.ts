import { instanceFeatures } from '../model/engine-features.ts';
import type { EngineFeatures } from './engine.ts';

/** What each engine can do, known without opening one: the planner needs it where no engine can be reached. */
export const engineFeatures: Readonly<Record<'docker' | 'process' | 'systemd', EngineFeatures>> = {
  docker: {
    ...instanceFeatures.docker,
    // Muster itself probes health, runs hooks and sends the stop signal: nothing in the container knows of them.
    liveFields: [
      '/health',
      '/hooks',
      '/stop',
      '/restart',
      '/limits/cpuMillis',
      '/limits/memoryBytes',
      '/resources/cpuMillis',
      '/resources/memoryBytes',
      '/priority',
      '/options/pids',
      '/options/swapBytes',
      // Book-keeping: docker has no quota for a directory.
      '/volumes/*/sizeBytes',
      '/volumes/*/onRemove',
    ],
    limits: { cpu: true, memory: true },
    images: true,
    exec: true,
  },
  process: {
    ...instanceFeatures.process,
    // Reservations are book-keeping here, and the supervisor reads its policy anew at each restart. Devices are told by
    // the environment, which a running program keeps.
    liveFields: [
      '/health',
      '/hooks',
      '/restart',
      '/stop',
      '/resources/cpuMillis',
      '/resources/memoryBytes',
      '/resources/storageBytes',
      '/resources/bandwidthBits',
      '/limits',
    ],
    limits: { cpu: false, memory: false },
    images: false,
    exec: true,
  },
  systemd: {
    ...instanceFeatures.systemd,
    // What is in the unit file and read when it is needed, and what `systemctl set-property` changes at once.
    liveFields: [
      '/health',
      '/hooks',
      '/restart',
      '/stop',
      '/limits/cpuMillis',
      '/limits/memoryBytes',
      '/resources/cpuMillis',
      '/resources/memoryBytes',
      '/resources/storageBytes',
      '/resources/bandwidthBits',
    ],
    limits: { cpu: true, memory: true },
    images: false,
    exec: true,
  },
};

/** The planner's table: JSON pointers into a revision that each engine changes in place. */
export const liveFields: Readonly<Record<string, readonly string[]>> = {
  docker: engineFeatures.docker.liveFields,
  process: engineFeatures.process.liveFields,
  systemd: engineFeatures.systemd.liveFields,
};
