import type { Desired } from '../src/model/desired.ts';
import { type Snapshot, snapshotFormatVersion } from '../src/model/snapshot/format.ts';
import { fromSnapshot, toSnapshot } from '../src/model/snapshot.ts';
import { worldAfter } from '../src/plan/after.ts';
import type { PlanInputs } from '../src/plan/inputs.ts';
import { createPlan } from '../src/plan/plan.ts';
import { snapshotChunks, writeDocument } from '../src/reconcile/documents.ts';
import { loadDesired } from '../src/source/load.ts';

const day = 86_400_000;
/** Fixed, so that the same seed gives the same bytes. */
const now = Date.UTC(2026, 0, 1);

/** What a generated folder declares; throws with the first mistakes, which would be the generator's. */
export async function loadRepo(folder: string, cacheDir: string): Promise<Desired> {
  const { desired, diagnostics } = await loadDesired({ location: { kind: 'directory', path: folder }, cacheDir });
  if (desired !== undefined) return desired;
  throw new Error(
    diagnostics
      .slice(0, 5)
      .map(({ file, message }) => `${file}: ${message}`)
      .join('\n'),
  );
}

/** Nothing runs yet; every node answers. */
export function freshInputs(desired: Desired): PlanInputs {
  return inputsOf(desired, fromSnapshot(freshSnapshot(desired), { desired }));
}

/** Everything runs as git wants it: planning changes nothing. */
export function settledInputs(desired: Desired): PlanInputs {
  const fresh = freshInputs(desired);
  return inputsOf(desired, worldAfter(fresh, createPlan(fresh)));
}

export function inputsOf(desired: Desired, world: Pick<PlanInputs, 'recorded' | 'observed'>): PlanInputs {
  const { recorded, observed } = world;
  return { desired, recorded, observed, now, expiresAfterMs: day, liveFields: {} };
}

function freshSnapshot(desired: Desired): Snapshot {
  return {
    formatVersion: snapshotFormatVersion,
    cluster: desired.cluster.name,
    takenAt: new Date(now).toISOString(),
    storeRevision: 1,
    nodes: desired.nodes.map(({ name, lifecycle }) => ({
      name,
      lifecycle,
      liveness: 'alive',
      capacity: {},
      foreign: [],
    })),
    instances: [],
  };
}

export async function generateSnapshot(options: {
  readonly folder: string;
  readonly file: string;
  readonly kind: 'fresh' | 'noChange';
  readonly cacheDir?: string;
}): Promise<void> {
  const desired = await loadRepo(options.folder, options.cacheDir ?? `${options.file}.cache`);
  const snapshot = options.kind === 'fresh' ? freshSnapshot(desired) : toSnapshot(settledInputs(desired));
  await writeDocument(options.file, snapshotChunks(snapshot));
}
