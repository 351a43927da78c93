import { setTimeout as sleep } from 'node:timers/promises';
import { readState, readStop, type StopOrder, writeStop } from './folder.ts';
import { groupMembers, type Identity, isRunning, signalGroup, signalProcess } from './identity.ts';
import type { StoredObject } from './objects.ts';
import { evidenceOf } from './translate.ts';

const lookEveryMs = 25;
/** A supervisor that is still there this long after its program was killed is stuck. */
const supervisorGraceMs = 2_000;

/**
 * Signals the whole process group, kills it at `killAt`, and resolves when nothing of it runs and its supervisor has left.
 * The order stays on disk: it is what keeps the supervisor from restarting the program, also when Muster dies here.
 */
export async function stopProcesses(
  { folder, spec }: StoredObject,
  wanted: Pick<StopOrder, 'signal' | 'killAt'>,
  signal: AbortSignal,
): Promise<void> {
  const before = readStop(folder);
  // A repeated stop cannot lengthen the grace period, and does not signal a second time.
  let order: StopOrder = {
    ...wanted,
    ...before,
    killAt: Math.min(wanted.killAt, before?.killAt ?? Number.POSITIVE_INFINITY),
  };
  writeStop(folder, order);
  for (;;) {
    signal.throwIfAborted();
    const state = readState(folder);
    const members = groupMembers(state?.child, evidenceOf(spec));
    const supervised = isRunning(state?.supervisor);
    if (members.length === 0 && !supervised) return;
    const late = Date.now() - order.killAt;
    if (members.length > 0 && state?.child !== undefined) {
      if (late >= 0) signalGroup({ group: state.child.pid, signal: 'SIGKILL' });
      else if (!isSame(order.told, state.child)) {
        signalGroup({ group: state.child.pid, signal: order.signal });
        order = { ...order, told: state.child };
        writeStop(folder, order);
      }
    } else if (supervised && state !== undefined) {
      // It waits between two runs, or is about to leave by itself.
      signalProcess({ pid: state.supervisor.pid, signal: late > supervisorGraceMs ? 'SIGKILL' : 'SIGTERM' });
    }
    await sleep(lookEveryMs, undefined, { signal });
  }
}

const isSame = (a: Identity | undefined, b: Identity): boolean => a?.pid === b.pid && a.startTicks === b.startTicks;
