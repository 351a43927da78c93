import type { RevisionHash, WorkloadId } from '../model/ids.ts';
import { keys } from '../store/keys.ts';
import type { Leadership } from '../store/leader.ts';
import { encodeWorkload, loadRecorded } from '../store/recorded.ts';
import type { Store } from '../store/store.ts';
import type { Clock } from './clock.ts';
import { commit } from './journal.ts';

/**
 * Forgets which revisions of a workload failed a gate, for when the cause was elsewhere (a database was down). Returns
 * them; undefined when nothing is recorded of the workload.
 */
export async function forgetFailures(
  context: { readonly store: Store; readonly leadership: Leadership; readonly clock: Clock },
  id: WorkloadId,
): Promise<readonly RevisionHash[] | undefined> {
  const { workloads } = await loadRecorded(context.store);
  const workload = workloads.get(id);
  if (workload === undefined || workload.failed.length === 0) return workload && [];
  await commit(context, [{ kind: 'put', key: keys.workload(id), value: encodeWorkload({ ...workload, failed: [] }) }]);
  return workload.failed.map(({ revision }) => revision);
}
