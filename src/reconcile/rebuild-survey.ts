import PQueue from 'p-queue';
import { type EngineDirectory, EngineError } from '../engines/engine.ts';
import type { Desired } from '../model/desired.ts';
import type { ClusterUid, EngineKind } from '../model/ids.ts';
import type { ObservedObject } from '../model/observed.ts';
import type { RebuildSurvey, Recalled } from '../model/store-rebuild.ts';
import { StoreError } from '../store/store.ts';
import { lookAtNodes } from './observe.ts';

const parallelRecalls = 32;
const recallDeadlineMs = 10_000;

/**
 * Everything of ours on every engine, with what it was made from. Where the store does not know whose the objects are,
 * those under the cluster's name tell. Throws `StoreError` `notRebuilt` where they tell of several clusters, or of none.
 */
export async function surveyForRebuild(options: {
  readonly desired: Desired;
  /** As the store has it; absent when it is empty. */
  readonly uid: ClusterUid | undefined;
  readonly openEngines: (uid?: ClusterUid) => EngineDirectory;
  readonly signal: AbortSignal;
}): Promise<RebuildSurvey> {
  const uid = options.uid ?? (await uidByName(options));
  const engines = options.openEngines(uid);
  try {
    const { nodes, objects } = await lookAtNodes({ ...options, engines, whose: 'uid' });
    const queue = new PQueue({ concurrency: parallelRecalls });
    const recalled = await Promise.all(
      objects.map((object) => queue.add(() => recall(engines, object, options.signal))),
    );
    const unreachable = [...nodes].flatMap(([node, seen]) =>
      (Object.entries(seen.engines) as [EngineKind, (typeof seen.engines)[EngineKind]][]).flatMap(([engine, state]) =>
        state?.kind === 'unreachable' ? [{ node, engine, reason: state.reason }] : [],
      ),
    );
    return { uid, found: recalled.filter((one) => one !== undefined), unreachable };
  } finally {
    await engines.close();
  }
}

async function uidByName(options: Parameters<typeof surveyForRebuild>[0]): Promise<ClusterUid> {
  const engines = options.openEngines();
  try {
    const { objects } = await lookAtNodes({ ...options, engines, whose: 'name' });
    const uids = [...new Set(objects.map(({ cluster }) => cluster))];
    const [uid] = uids;
    if (uid !== undefined && uids.length === 1) return uid;
    throw new StoreError({
      code: 'notRebuilt',
      message:
        uid === undefined
          ? `the store is empty, and no engine has anything under the name of cluster ${options.desired.cluster.name}; nothing was changed`
          : `the store is empty, and objects of ${uids.length} clusters bear the name ${options.desired.cluster.name}: ${uids.join(', ')}; nothing was changed`,
      retryable: false,
      hint:
        uid === undefined
          ? 'There is nothing to bring back: muster apply begins anew.'
          : 'Remove by hand what is not this cluster’s: muster status --from engines shows all of it.',
    });
  } finally {
    await engines.close();
  }
}

/** Undefined when it is gone meanwhile. What its engine does not say is left to what the store and git know. */
async function recall(
  engines: EngineDirectory,
  object: ObservedObject,
  signal: AbortSignal,
): Promise<Recalled | undefined> {
  const unsaid: Recalled = { object, origin: { revisionHash: object.revision } };
  try {
    const engine = await engines.engineOf(object.node, object.engine);
    const origin = await engine.recall(object.objectId, { deadlineMs: recallDeadlineMs, signal });
    return origin && { object, origin };
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    return unsaid;
  }
}
