import type { CommitSha, PlanId, RunId } from '../model/ids.ts';
import type { PlanSummary } from '../model/plan.ts';
import type { UnitResult } from './progress.ts';

/** One finished run, as `muster history` shows it. Stored under `history/<run id>`. */
export interface HistoryEntry {
  readonly run: RunId;
  readonly plan: PlanId;
  /** `user@host` or `muster run` */
  readonly actor: string;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly commits: Readonly<Record<string, CommitSha | 'worktree'>>;
  readonly summary: PlanSummary;
  readonly units: readonly UnitResult[];
}
