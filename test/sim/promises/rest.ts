import type { DesiredWorkload } from '../../../src/model/desired.ts';
import { instanceId } from '../../../src/model/ids.ts';
import type { Plan } from '../../../src/model/plan.ts';
import { siblingsOf, transactionsOf } from '../../../src/model/transactions.ts';
import type { Fault } from '../story.ts';
import type { Observer, World } from '../world.ts';
import { type Mirror, serves } from './mirror.ts';

/** By what a good program may count as failed: also by an engine that is slow to carry out a check and nothing else, and by a cancellation. */
const isBlamable = (fault: Fault): boolean =>
  fault.kind === 'exit' ||
  fault.kind === 'vanish' ||
  fault.kind === 'reboot' ||
  (fault.kind === 'operator' && fault.does === 'cancel') ||
  (fault.kind === 'engineFails' && fault.how === 'slow');

/** When nothing goes wrong any more: what git wants runs, once, and nothing else of ours is anywhere. */
export function rest({ desired, violated, story }: World, mirror: Mirror): Observer {
  /** What another one of its transaction could not be brought to keeps it as well: `together` looks at that. */
  const isKeptBack = (workload: DesiredWorkload): boolean =>
    siblingsOf(transactionsOf(desired().workloads), workload).some(
      ({ id, revision, revisionHash }) =>
        revision.env['QUALITY'] === 'bad' ||
        mirror.workloads.get(id)?.failed.some((entry) => entry.revision === revisionHash) === true,
    );
  const atRest = (plan: Plan): void => {
    const refused = new Set(plan.refusals.map(({ subject }) => subject));
    const { workloads } = desired();
    for (const workload of workloads) {
      const { id, revision, revisionHash, replicas, type } = workload;
      const own = mirror.objects().filter(({ workload }) => workload === id);
      const failed = mirror.workloads.get(id)?.failed.some((entry) => entry.revision === revisionHash) === true;
      const isGood = revision.env['QUALITY'] !== 'bad';
      if (failed && isGood && !story.faults.some(isBlamable))
        violated(
          'only gates blame a revision',
          `${revisionHash} is remembered as failed, and nothing was wrong with it`,
        );
      if (refused.has(id) || failed || !isGood || type === 'daemon' || isKeptBack(workload)) continue;
      for (let ordinal = 0; ordinal < replicas; ordinal += 1) {
        const instance = instanceId(id, ordinal);
        const serving = own.filter((placed) => placed.instance === instance && serves(placed));
        const right = serving.filter(({ object }) => object.revisionHash === revisionHash);
        if (right.length !== 1 || serving.length !== 1)
          violated(
            'converges',
            `${instance} is served by ${serving.map(({ allocation }) => allocation).join(', ') || 'nobody'}`,
          );
      }
    }
    for (const { allocation, node, object } of mirror.objects())
      if (!mirror.allocations.has(allocation))
        violated('nothing is left behind', `${allocation} is ${object.state} on ${node}`);
    for (const { id, state, workload } of mirror.allocations.values()) {
      // Nothing is planned of a workload without a good revision: what an operator left half done of it stays so.
      const isLeft = state === 'reserved' && mirror.abandoned.has(workload) && refused.has(workload);
      if (state !== 'live' && state !== 'held' && !isLeft) violated('converges', `${id} is ${state}`);
    }
  };
  return { atRest };
}
