import type { EngineDirectory } from '../engines/engine.ts';
import type { Desired } from '../model/desired.ts';
import type { ClusterUid } from '../model/ids.ts';
import type { Observed } from '../model/observed.ts';
import type { Clock } from './clock.ts';
import { lookAtNodes, probeAll } from './observe.ts';

/**
 * What git and the engines tell without the store: every object that Muster made under this cluster's name, whatever its
 * uid. Health is probed where what runs is the revision that git declares: only of that one the check is known.
 */
export async function surveyEngines(options: {
  readonly desired: Desired;
  /** The engines for a cluster of this uid; without one nothing on them is ours. Closed at the end. */
  readonly openEngines: (uid?: ClusterUid) => EngineDirectory;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
}): Promise<Observed> {
  const { desired, openEngines, clock } = options;
  const opened = new Map<ClusterUid | undefined, EngineDirectory>();
  const enginesOf = (uid?: ClusterUid): EngineDirectory => {
    const engines = opened.get(uid) ?? openEngines(uid);
    opened.set(uid, engines);
    return engines;
  };
  try {
    const { nodes, objects } = await lookAtNodes({ ...options, engines: enginesOf(), whose: 'name' });
    const revisions = new Map(desired.workloads.map((workload) => [workload.revisionHash, workload.revision]));
    const probed = await probeAll({ ...options, objects, revisions, enginesOf });
    return { takenAt: clock.now(), nodes, objects: probed };
  } finally {
    await Promise.all([...opened.values()].map((engines) => engines.close()));
  }
}
