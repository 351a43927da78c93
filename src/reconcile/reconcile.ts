import type { EngineDirectory } from '../engines/engine.ts';
import type { Desired } from '../model/desired.ts';
import { runFailureCodes } from '../model/failure-codes.ts';
import type { WorkloadId } from '../model/ids.ts';
import type { Observed } from '../model/observed.ts';
import type { Plan } from '../model/plan.ts';
import type { Recorded } from '../model/recorded.ts';
import type { PlanInputs } from '../plan/inputs.ts';
import { createPlan } from '../plan/plan.ts';
import { verifyPlan } from '../plan/verify.ts';
import { keys } from '../store/keys.ts';
import type { Leadership } from '../store/leader.ts';
import { encodeWorkload, loadRecorded } from '../store/recorded.ts';
import { maxOperations, type Operation, type Store } from '../store/store.ts';
import type { Clock } from './clock.ts';
import { commit } from './journal.ts';
import { observeWorld } from './observe.ts';

/** How long a saved plan may be applied. */
export const planExpiresAfterMs = 24 * 3_600_000;

/** The world as one pass saw it, and the verified plan that it led to. */
export interface Planned {
  readonly inputs: PlanInputs;
  readonly plan: Plan;
}

/** A look at the world: what is recorded, what the engines report. */
export async function look(options: {
  readonly desired: Desired;
  readonly store: Store;
  readonly engines: EngineDirectory;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
}): Promise<{ readonly recorded: Recorded; readonly observed: Observed }> {
  const { desired, store, engines, clock, signal } = options;
  const recorded = await loadRecorded(store);
  const observed = await observeWorld({ desired, recorded, engines, clock, probes: 'run', ...(signal && { signal }) });
  return { recorded, observed };
}

/** Plans and verifies. A plan that its verifier refuses is a bug, and is never shown as good nor applied. */
export function planAndVerify(inputs: PlanInputs): Planned {
  const plan = createPlan(inputs);
  assertVerified(inputs, plan);
  return { inputs, plan };
}

export class PlanRejected extends Error {
  override readonly name = 'PlanRejected';
  readonly violations: readonly string[];

  constructor(violations: readonly string[]) {
    super(
      `the plan does not pass verification: ${violations[0] ?? ''}${violations.length > 1 ? ` (and ${violations.length - 1} more)` : ''} [${runFailureCodes.rejected}]`,
    );
    this.violations = violations;
  }
}

export function assertVerified(inputs: PlanInputs, plan: Plan): void {
  const violations = verifyPlan(inputs, plan);
  if (violations.length === 0) return;
  throw new PlanRejected(violations.map(({ rule, subject, message }) => `${rule} (${subject}): ${message}`));
}

/**
 * Notes when a workload was first seen to have left git, and forgets it when it is back: `prune.stopAfter` counts from
 * here. Nothing is noted while a source cannot be read whole.
 */
export async function noteAbsences(
  context: { readonly store: Store; readonly leadership: Leadership; readonly clock: Clock },
  desired: Desired,
  recorded: Recorded,
): Promise<void> {
  if (desired.incompleteSources.length > 0) return;
  const declared = new Set<WorkloadId>(desired.workloads.map((workload) => workload.id));
  const operations: Operation[] = [];
  for (const [id, workload] of recorded.workloads) {
    const { missingSince, ...present } = workload;
    if (declared.has(id) === (missingSince === undefined)) continue;
    const next = declared.has(id) ? present : { ...present, missingSince: context.clock.now() };
    operations.push({ kind: 'put', key: keys.workload(id), value: encodeWorkload(next) });
  }
  for (let offset = 0; offset < operations.length; offset += maxOperations) {
    await commit(context, operations.slice(offset, offset + maxOperations));
  }
}
