import { type AllocationId, parseAllocationId, type WorkloadId } from '../../../src/model/ids.ts';
import { parseAllocationKey, prefixes } from '../../../src/store/keys.ts';
import type { Observer, World } from '../world.ts';
import { decoded, type Mirror } from './mirror.ts';

/** What an engine is asked for was journaled before, and whoever dies can be followed. Names are never used twice. */
export function journaled({ server, violated, machines }: World, mirror: Mirror): Observer {
  const released = new Set<string>();
  server.onCommit(({ changes }) => {
    for (const { key, entry, before } of changes) {
      if (!key.startsWith(prefixes.allocations)) continue;
      if (entry === undefined) released.add(key);
      else if (released.has(key)) violated('no generation twice', `${key} was released, and is used again`);
      else if (before !== undefined && decoded(entry).node !== decoded(before).node)
        violated('no generation twice', `${key} went to another node`);
      const id = parseAllocationKey(key)?.id;
      if (entry === undefined || id === undefined) continue;
      const { workload, generation } = parseAllocationId(id);
      const next = mirror.workloads.get(workload as WorkloadId)?.nextGeneration ?? 0;
      if (generation >= next) violated('no generation twice', `${key} is not below nextGeneration ${next}`);
    }
  });
  return {
    told: {
      landed: (process, { node, call, subject }) => {
        const allocation = call === 'create' ? subject : allocationOf(machines.get(node)?.sim, subject);
        if (allocation === undefined) return;
        // A call that comes late finds what was reserved for it: nobody else has been given it.
        if (call === 'create' && !mirror.allocations.has(subject as AllocationId))
          violated(
            'what is reserved outlives the call',
            `${process.client}: ${subject} is made on ${node}, and not recorded`,
          );
        const causes = call === 'start' ? ['start', 'await'] : [call];
        if (causes.some((cause) => mirror.started.has(`${cause} ${allocation}`))) return;
        violated(
          'journaled before it is done',
          `${process.client}: ${call} ${allocation} on ${node} was not journaled`,
        );
      },
    },
  };
}

type Objects = {
  objects(): readonly { readonly objectId: string; readonly request: { readonly allocation: string } }[];
};

const allocationOf = (sim: Objects | undefined, objectId: string): string | undefined =>
  sim?.objects().find((object) => object.objectId === objectId)?.request.allocation;
