import type { WorkloadId } from '../../model/ids.ts';
import type { ExitCode } from '../exit.ts';
import { type TellFlags, tell } from '../tell.ts';

/** Forgets that revisions of a workload failed and lifts its pins, so that the next plan tries what git declares again. */
export const retry = (workload: string, dir: string, flags: TellFlags): Promise<ExitCode> =>
  tell({ kind: 'retryWorkload', workload: workload as WorkloadId }, dir, flags);
