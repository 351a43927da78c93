import type { WorkloadId } from '../model/ids.ts';
import { keys } from '../store/keys.ts';
import { encodeWorkload, loadRecorded } from '../store/recorded.ts';
import type { Operation } from '../store/store.ts';
import type { ApplyDependencies } from './apply.ts';
import { commit } from './journal.ts';
import type { AnswerWith, CarriedOut } from './requests.ts';

/**
 * Lets the next plan try what git declares again: forgets which revisions of a workload failed a gate or were cancelled,
 * for when the cause was elsewhere (a database was down), and lifts the pins that keep it on another one.
 */
export async function retryWorkload(
  context: Pick<ApplyDependencies, 'store' | 'leadership' | 'clock'>,
  id: WorkloadId,
  answerWith: AnswerWith = () => [],
): Promise<CarriedOut> {
  const { workloads, overrides, inFlight } = await loadRecorded(context.store);
  const workload = workloads.get(id);
  if (workload === undefined) {
    return refused(`nothing is recorded of ${id}: name it as namespace/workload, as \`muster status\` shows it`);
  }
  const unit = inFlight.find((entry) => (entry.unit as string) === id);
  if (unit !== undefined) {
    return refused(
      `a unit of ${id} is ${unit.status} in run ${unit.run}: first \`muster unit retry ${id}\`, or \`muster unit show ${id}\``,
    );
  }
  const pins = overrides.filter(({ kind, target }) => kind === 'pin' && target === id);
  if (workload.failed.length + pins.length === 0) {
    return {
      kind: 'done',
      message: `No revision of ${id} is remembered as failed, and none is pinned; nothing was changed.`,
    };
  }
  const operations: readonly Operation[] = [
    { kind: 'put', key: keys.workload(id), value: encodeWorkload({ ...workload, failed: [] }) },
    ...pins.map((pin): Operation => ({ kind: 'delete', key: keys.override(pin.id) })),
  ];
  const forgotten = workload.failed.map(({ revision }) => revision);
  const parts = [
    ...(forgotten.length > 0 ? [`Forgotten: ${forgotten.join(', ')}.`] : []),
    ...(pins.length > 0 ? [`Lifted: the pin to ${pins.map(({ revision }) => revision).join(', ')}.`] : []),
  ];
  const message = `${parts.join(' ')} The next plan tries what git declares again.`;
  await commit(context, [...operations, ...answerWith(message)]);
  return { kind: 'done', message, isAnswered: true };
}

const refused = (message: string): CarriedOut => ({ kind: 'refused', message });
