import { unitOf } from '../../../src/model/ids.ts';
import { siblingsOf, transactionsOf } from '../../../src/model/transactions.ts';
import type { JournalEntry } from '../../../src/reconcile/journal.ts';
import { parseUnitKey } from '../../../src/store/keys.ts';
import type { Observer, World } from '../world.ts';
import { type Mirror, serves } from './mirror.ts';

/** Workloads that change together are committed in one write, and none runs what another one could not be brought to. */
export function together({ server, desired, violated }: World, mirror: Mirror): Observer {
  server.onCommit(({ changes }) => {
    const committed = new Set(
      changes.flatMap(({ key, entry }) => {
        const part = parseUnitKey(key);
        if (part?.kind !== 'journal' || entry === undefined) return [];
        return (JSON.parse(entry.value) as JournalEntry).kind === 'committed' ? [`${part.run} ${part.unit}`] : [];
      }),
    );
    if (committed.size === 0) return;
    for (const { run, unit, record } of mirror.units.values()) {
      if (!committed.has(`${run} ${unit}`)) continue;
      const alone = record.group?.members.filter((member) => !committed.has(`${run} ${member}`)) ?? [];
      if (alone.length > 0) violated('commits together', `${unit} committed without ${alone.join(', ')}`);
    }
  });
  const atRest = (): void => {
    const { workloads } = desired();
    for (const workload of workloads) {
      const { id, revisionHash } = workload;
      const failed = siblingsOf(transactionsOf(workloads), workload).find(({ id: other, revisionHash: asked }) =>
        mirror.workloads.get(other)?.failed.some(({ revision }) => revision === asked),
      );
      if (failed === undefined || mirror.workloads.get(id)?.lastGood === revisionHash) continue;
      for (const placed of mirror.objects())
        if (placed.workload === id && serves(placed) && placed.object.revisionHash === revisionHash)
          violated(
            'goes back together',
            `${placed.allocation} stays at ${revisionHash}, though ${unitOf(failed.id)} failed`,
          );
    }
  };
  return { atRest };
}
