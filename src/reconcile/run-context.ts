import type { EngineDirectory } from '../engines/engine.ts';
import type { DesiredNetwork } from '../model/desired.ts';
import type { AllocationId, RevisionHash, RunId, WorkloadId } from '../model/ids.ts';
import type { Allocation, RecordedWorkload } from '../model/recorded.ts';
import type { Revision } from '../model/revision.ts';
import type { Leadership } from '../store/leader.ts';
import type { Store } from '../store/store.ts';
import type { Clock } from './clock.ts';
import type { RunControl } from './control.ts';
import type { Limits } from './limits.ts';
import type { Progress } from './progress.ts';
import type { Writer } from './writer.ts';

/**
 * What one run works with. `allocations` and `workloads` mirror the store: this process is the only writer as long as
 * its lease holds, and every change of them goes into the same transaction as its journal entry.
 */
export interface RunContext {
  readonly run: RunId;
  readonly store: Store;
  readonly leadership: Leadership;
  /** Takes what units write side by side together. */
  readonly writer: Writer;
  readonly engines: EngineDirectory;
  readonly limits: Limits;
  readonly clock: Clock;
  readonly progress: Progress;
  readonly allocations: Map<AllocationId, Allocation>;
  readonly workloads: Map<WorkloadId, RecordedWorkload>;
  readonly revisions: Map<RevisionHash, Revision>;
  /** As git declares them, by name: engines are told where an address belongs. */
  readonly networks: ReadonlyMap<string, DesiredNetwork>;
  /** When an engine last failed to answer (by the monotonic clock), by `node/engine`. A run that goes on after a crash has not seen what was before. */
  readonly engineTrouble: Map<string, number>;
  readonly resumedAt?: number;
  /** When the gate started an instance again that went away together with its engine. */
  readonly startedAgain: Map<AllocationId, number>;
  readonly control: RunControl;
  /** Aborted by the first Ctrl-C: steps that were begun are finished, no new one is begun. */
  readonly softStop: AbortSignal;
  /** Aborted by the second: engine calls are cut off; the journal says how far they got. */
  readonly hardStop: AbortSignal;
}
