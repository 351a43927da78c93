import type { Desired } from '../model/desired.ts';
import { type WorkloadId, workloadOfUnit } from '../model/ids.ts';
import { siblingsOf, transactionsOf } from '../model/transactions.ts';
import { keys } from '../store/keys.ts';
import { encodeWorkload, loadRecorded } from '../store/recorded.ts';
import type { Operation } from '../store/store.ts';
import type { ApplyDependencies } from './apply.ts';
import { commit } from './journal.ts';
import type { AnswerWith, CarriedOut } from './requests.ts';

/**
 * Lets the next plan try what git declares again: forgets which revisions of a workload failed a gate or were cancelled,
 * for when the cause was elsewhere (a database was down), and lifts the pins that keep it on another one. Of one that
 * changes together with others the same of all of them: what keeps one of them keeps all.
 */
export async function retryWorkload(
  context: Pick<ApplyDependencies, 'store' | 'leadership' | 'clock' | 'desired'>,
  id: WorkloadId,
  answerWith: AnswerWith = () => [],
): Promise<CarriedOut> {
  const { workloads, overrides, inFlight } = await loadRecorded(context.store);
  if (!workloads.has(id)) {
    return refused(`nothing is recorded of ${id}: name it as namespace/workload, as \`muster status\` shows it`);
  }
  const ids = withMembers(context.desired, id);
  const unit = inFlight.find((entry) => ids.includes(workloadOfUnit(entry.unit)));
  if (unit !== undefined) {
    return refused(
      `a unit of ${unit.unit} is ${unit.status} in run ${unit.run}: first \`muster unit retry ${unit.unit}\`, or \`muster unit show ${unit.unit}\``,
    );
  }
  const failing = ids.flatMap((name) => {
    const record = workloads.get(name);
    return record === undefined || record.failed.length === 0 ? [] : [{ name, record }];
  });
  const pins = overrides.filter(({ kind, target }) => kind === 'pin' && ids.some((name) => name === target));
  if (failing.length + pins.length === 0) {
    return {
      kind: 'done',
      message: `No revision of ${ids.join(' or ')} is remembered as failed, and none is pinned; nothing was changed.`,
    };
  }
  const operations: readonly Operation[] = [
    ...failing.map(
      ({ name, record }): Operation => ({
        kind: 'put',
        key: keys.workload(name),
        value: encodeWorkload({ ...record, failed: [] }),
      }),
    ),
    ...pins.map((pin): Operation => ({ kind: 'delete', key: keys.override(pin.id) })),
  ];
  const forgotten = failing.flatMap(({ record }) => record.failed.map(({ revision }) => revision));
  const parts = [
    ...(forgotten.length > 0 ? [`Forgotten: ${forgotten.join(', ')}.`] : []),
    ...(pins.length > 0 ? [`Lifted: the pin to ${pins.map(({ revision }) => revision).join(', ')}.`] : []),
  ];
  const message = `${parts.join(' ')} The next plan tries what git declares again.`;
  await commit(context, [...operations, ...answerWith(message)]);
  return { kind: 'done', message, isAnswered: true };
}

/** It, and those that git has change together with it. */
function withMembers({ workloads }: Desired, id: WorkloadId): readonly WorkloadId[] {
  const workload = workloads.find((entry) => entry.id === id);
  const siblings = workload === undefined ? [] : siblingsOf(transactionsOf(workloads), workload);
  return [id, ...siblings.map((sibling) => sibling.id)];
}

const refused = (message: string): CarriedOut => ({ kind: 'refused', message });
