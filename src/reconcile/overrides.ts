import type { Desired } from '../model/desired.ts';
import type { Override, Recorded } from '../model/recorded.ts';
import { keys, prefixes } from '../store/keys.ts';
import { decodeOverride, encodeOverride } from '../store/recorded.ts';
import { maxOperations, type Operation, type Store, StoreError } from '../store/store.ts';
import { commit, type JournalContext } from './journal.ts';

/** There is one override of a kind on a target: a new one takes the place of the one before. */
export const overrideId = ({ kind, target }: Pick<Override, 'kind' | 'target'>): string => `${kind}/${target}`;

/** How often a write is tried again that somebody else was faster than. */
const maxAttempts = 5;

/**
 * Writes overrides without a lease: each is compared with what it replaces, all of them or none is written. Returns those
 * that were replaced.
 */
export async function putOverrides(store: Store, overrides: readonly Override[]): Promise<readonly Override[]> {
  for (let attempt = 1; attempt <= maxAttempts; attempt += 1) {
    const found = await Promise.all(overrides.map(({ id }) => store.get(keys.override(id))));
    const { succeeded } = await store.txn({
      compares: overrides.map(({ id }, index) => ({
        kind: 'modRevision',
        key: keys.override(id),
        equals: found[index]?.modRevision ?? 0,
      })),
      operations: overrides.map((override) => ({
        kind: 'put',
        key: keys.override(override.id),
        value: encodeOverride(override),
      })),
    });
    if (succeeded) return found.flatMap((entry) => (entry === undefined ? [] : [decodeOverride(entry)]));
  }
  throw contended();
}

/** Most overrides that one command may write: they go into one transaction. */
export const mostOverrides = maxOperations;

/** Takes an override away; undefined when there is none. */
export async function dropOverride(store: Store, id: string): Promise<Override | undefined> {
  const key = keys.override(id);
  for (let attempt = 1; attempt <= maxAttempts; attempt += 1) {
    const entry = await store.get(key);
    if (entry === undefined) return undefined;
    const { succeeded } = await store.txn({
      compares: [{ kind: 'modRevision', key, equals: entry.modRevision }],
      operations: [{ kind: 'delete', key }],
    });
    if (succeeded) return decodeOverride(entry);
  }
  throw contended();
}

export async function readOverrides(store: Store): Promise<readonly Override[]> {
  const { entries } = await store.range(prefixes.overrides);
  return entries.map(decodeOverride);
}

const contended = (): StoreError =>
  new StoreError({
    code: 'internal',
    message: 'others keep changing the same override; nothing was written',
    retryable: true,
    hint: 'Try again in a moment.',
  });

/** How long one that has ended stays to be looked at in the store. */
const endedStaysMs = 24 * 3_600_000;

/**
 * Forgets overrides that have ended: long ago, or, of a pin, because git has caught up and declares the pinned revision
 * itself. Such a pin must not come back into force with the next commit.
 */
export async function forgetEnded(
  context: Omit<JournalContext, 'run'>,
  desired: Desired,
  recorded: Recorded,
): Promise<void> {
  if (recorded.overrides.length === 0) return;
  const declared = new Map<string, string>(desired.workloads.map(({ id, revisionHash }) => [id, revisionHash]));
  const hasEnded = ({ kind, target, until, revision }: Override): boolean =>
    until + endedStaysMs < context.clock.now() ||
    (kind === 'pin' && revision !== undefined && declared.get(target) === revision);
  const operations = recorded.overrides
    .filter(hasEnded)
    .map(({ id }): Operation => ({ kind: 'delete', key: keys.override(id) }));
  for (let offset = 0; offset < operations.length; offset += maxOperations)
    await commit(context, operations.slice(offset, offset + maxOperations));
}
