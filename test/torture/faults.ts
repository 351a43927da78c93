import { compaction } from './compaction.ts';
import { daemonHung, daemonKilled } from './daemon.ts';
import { quorum, restart } from './etcd-faults.ts';
import type { Fault } from './fault.ts';
import { kill } from './kill.ts';
import { cutOff, minority } from './partition.ts';
import { space } from './space.ts';
import { standstill } from './standstill.ts';

/** In the order of the table. */
export const faults: readonly Fault[] = [
  kill,
  standstill,
  restart,
  quorum,
  cutOff,
  minority,
  space,
  compaction,
  daemonKilled,
  daemonHung,
];
