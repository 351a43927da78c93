import { type Stray, straysOf } from '../drift/strays.ts';
import type { EngineDirectory } from '../engines/engine.ts';
import type { Desired } from '../model/desired.ts';
import type { Observed } from '../model/observed.ts';
import type { Recorded } from '../model/recorded.ts';
import { loadRecorded } from '../store/recorded.ts';
import { type Store, StoreError } from '../store/store.ts';
import { lookAtNodes } from './observe.ts';

interface Seen {
  readonly recorded: Recorded;
  readonly observed: Observed;
}

/**
 * What runs and was made after everything that the store knows: an old backup was restored, or an old disk is back. The
 * engines were asked after the store, so what looks newer is compared again with what is recorded by now.
 */
export async function aheadOf(store: Store, { recorded, observed }: Seen): Promise<readonly Stray[]> {
  if (!straysOf(recorded, observed).some(isAhead)) return [];
  return straysOf(await loadRecorded(store), observed).filter(isAhead);
}

/** Throws `StoreError` `behind`. */
export async function assertNotBehind(store: Store, seen: Seen): Promise<void> {
  const ahead = await aheadOf(store, seen);
  if (ahead.length > 0) throw behind(store.location, ahead);
}

/** The same before what an earlier run left is gone on with: an old store tells of units that ended long ago. */
export async function assertMayGoOn(
  { store, engines, desired }: { readonly store: Store; readonly engines: EngineDirectory; readonly desired: Desired },
  signal: AbortSignal,
): Promise<void> {
  const recorded = await loadRecorded(store);
  if (recorded.inFlight.length === 0) return;
  const seen = await lookAtNodes({ desired, engines, whose: 'uid', signal });
  await assertNotBehind(store, { recorded, observed: { takenAt: 0, ...seen } });
}

export const behindHint =
  'Restore the newest backup that there is (muster store restore FILE --replace), or bring the records back from what runs: muster store rebuild --from-engines, which shows first what it would write.';

export const behind = (location: string, ahead: readonly Stray[]): StoreError =>
  new StoreError({
    code: 'behind',
    message: behindText(location, ahead),
    retryable: false,
    hint: behindHint,
  });

/** Objects that are named; the others are counted. */
const mostNamed = 3;

export function behindText(location: string, ahead: readonly Stray[]): string {
  const named = ahead
    .slice(0, mostNamed)
    .map(({ object, detail }) => `${object.allocation} on ${object.node} is ${detail}`);
  const more = ahead.length > mostNamed ? `; and ${ahead.length - mostNamed} more` : '';
  return `${location} is older than what runs: ${named.join('; ')}${more}. Nothing is made, changed or removed`;
}

const isAhead = ({ kind }: Stray): boolean => kind === 'ahead';

/**
 * A store that nobody has written to yet, while objects bear the cluster's name: it was lost, and to begin anew would make
 * everything a second time. Throws `StoreError` `behind`. Engines that do not answer say nothing.
 */
export async function assertNothingRuns(options: {
  readonly store: Store;
  readonly desired: Desired;
  /** Engines for a cluster without a uid. */
  readonly engines: EngineDirectory;
  readonly signal?: AbortSignal;
}): Promise<void> {
  const { objects } = await lookAtNodes({ ...options, whose: 'name' });
  if (objects.length === 0) return;
  const named = objects
    .slice(0, mostNamed)
    .map(({ allocation, node, state }) => `${allocation} is ${state} on ${node}`);
  const more = objects.length > mostNamed ? `; and ${objects.length - mostNamed} more` : '';
  const { name } = options.desired.cluster;
  throw new StoreError({
    code: 'behind',
    message: `${options.store.location} knows nothing of cluster ${name}, whose objects are there already: ${named.join('; ')}${more}. Nothing is made, changed or removed`,
    retryable: false,
    hint: `${behindHint} If they are of another cluster that has the same name, give this one a name of its own.`,
  });
}
