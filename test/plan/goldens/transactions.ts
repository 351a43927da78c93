import { revisionHash, runId, transactionId, unitOf, workloadId } from '../../../src/model/ids.ts';
import type { PlanInputs } from '../../../src/plan/inputs.ts';
import { GiB, now, spread, type WorkloadChange, withRunning, workload, world } from '../world.ts';
import { app, asking, type Cases, newer } from './parts.ts';

export const jobs = 'payments/jobs';
const report = 'payments/report';
const old = { lastGood: revisionHash('r1') };

/** Two workloads that change together, and one that comes after the second of them: git has changed all of them. */
export function changedTogether(
  change: { readonly [id: string]: WorkloadChange } = {},
  recorded: Partial<PlanInputs['recorded']> = {},
): PlanInputs {
  const transaction = transactionId('payments', 'release');
  const member = { replicas: 2, hash: 'r2', revision: newer };
  const inputs = withRunning(
    world({
      workloads: [
        workload(app, { ...member, transaction, ...change[app] }),
        workload(jobs, { ...member, transaction, ...change[jobs] }),
        workload(report, { ...member, replicas: 1, after: [workloadId('payments', 'jobs')], ...change[report] }),
      ],
    }),
    [...spread(app, 2, ['n1', 'n2']), ...spread(jobs, 2, ['n2', 'n3']), ...spread(report, 1, ['n3'])],
    { workloads: { [app]: old, [jobs]: old, [report]: old } },
  );
  return { ...inputs, recorded: { ...inputs.recorded, ...recorded } };
}

const failed = { revision: revisionHash('r2'), at: now, reason: 'GET /healthz answered 503' };

/** The same with something in the record of one of them. */
export function withRecord(inputs: PlanInputs, id: string, change: object): PlanInputs {
  const known = inputs.recorded.workloads.get(workload(id).id);
  const workloads = new Map(inputs.recorded.workloads);
  workloads.set(workload(id).id, { failed: [], nextGeneration: 3, ...known, ...change });
  return { ...inputs, recorded: { ...inputs.recorded, workloads } };
}

/** What workloads that change together do, and why they do not. */
export const transactions: Cases = {
  'transaction: all that change do so together': () => changedTogether(),
  'transaction: what changes alone commits alone': () => changedTogether({ [jobs]: { hash: 'r1' } }),
  'transaction: refused whole, and so is what comes after': () =>
    changedTogether({ [app]: { revision: asking({ memoryBytes: 99 * GiB }) } }),
  'transaction: kept whole by a failed revision': () => withRecord(changedTogether(), app, { failed: [failed] }),
  'transaction: waits for one that is under way': () =>
    changedTogether({}, { inFlight: [{ run: runId('run-1'), unit: unitOf(workload(jobs).id), status: 'running' }] }),
};
