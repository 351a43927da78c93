import { createHash } from 'node:crypto';
import type { EngineOffers } from '../../model/observed.ts';
import type { CallSite } from '../deadline.ts';
import type { EngineInfo } from '../engine.ts';
import { sh } from '../ssh/script.ts';
import { failure, mustRun, type SystemdNode } from './node.ts';

/** The first with everything that is asked of it: `systemctl show --timestamp=us+utc`. */
const oldestVersion = 247;

/** What the machine is and has. Changes nothing on it. */
export async function readInfo(node: SystemdNode, site: CallSite, signal: AbortSignal): Promise<EngineInfo> {
  const output = await mustRun(
    node,
    site,
    sh`systemctl --version | head -n 1; cat /etc/machine-id; nproc; grep MemTotal: /proc/meminfo; df -PB1 /var/lib | tail -n 1; cat /sys/fs/cgroup/cgroup.controllers 2>/dev/null || echo; grep ' cgroup rw' /proc/self/mounts; exit 0`,
    signal,
  );
  const [version = '', machine = '', cores = '', memory = '', disk = '', controllers = '', ...mounts] =
    output.split('\n');
  const number = Number(/^systemd (\d+)/.exec(version)?.[1]);
  if (!(number >= oldestVersion)) {
    throw failure(site, {
      code: 'unsupported',
      message: `${node.host.address} runs ${version.trim() || 'no systemd'}: at least systemd ${oldestVersion} is needed`,
      hint: 'upgrade it, or use another engine there',
    });
  }
  return {
    version: `systemd ${number}`,
    fingerprint: createHash('sha256').update(machine).digest('hex').slice(0, 16),
    capacity: {
      cpuMillis: Number(cores) * 1000,
      memoryBytes: Number(/(\d+) kB/.exec(memory)?.[1]) * 1024,
      storageBytes: Number(disk.split(/\s+/)[1]),
    },
    offers: offersOf(controllers.split(' '), mounts),
  };
}

/** What limits need of the kernel, by pointer into a revision. */
const controllerOf = {
  '/limits/cpuMillis': 'cpu',
  '/limits/memoryBytes': 'memory',
  '/options/tasks': 'pids',
} as const;

/** Limits whose controller systemd has neither in the unified hierarchy nor in one of its own that may be written. */
function offersOf(unified: readonly string[], mounts: readonly string[]): EngineOffers {
  const own = mounts.flatMap((mount) => mount.split(' ')[3]?.split(',') ?? []);
  const lacking = Object.entries(controllerOf).filter(([, name]) => !unified.includes(name) && !own.includes(name));
  return Object.fromEntries(lacking.map(([pointer]) => [pointer, []]));
}
