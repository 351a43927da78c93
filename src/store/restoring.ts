import { keys } from './keys.ts';
import { type Store, StoreError } from './store.ts';

/** A store that a restore has left half done is nobody's truth. Throws `StoreError` `restoring`. */
export async function assertWhole(store: Store): Promise<void> {
  const mark = await store.get(keys.restoring);
  if (mark === undefined) return;
  throw new StoreError({
    code: 'restoring',
    message: `${store.location} is being restored${sinceOf(mark.value)}, or that was interrupted: what it says now is not whole`,
    retryable: false,
    hint: 'Wait for `muster store restore` (or `rebuild`) to end; if none is under way, run it again, a restore with the same file. Nothing that runs is touched meanwhile.',
  });
}

function sinceOf(value: string): string {
  try {
    const { since } = JSON.parse(value) as { readonly since?: unknown };
    return typeof since === 'number' ? ` since ${new Date(since).toISOString()}` : '';
  } catch {
    return '';
  }
}
