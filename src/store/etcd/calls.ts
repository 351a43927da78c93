import { setTimeout as sleep } from 'node:timers/promises';
import { StoreError } from '../store.ts';
import { failureOf, toStoreError } from './errors.ts';

/** A call ends by then, whatever the servers do; the last attempt may take its own deadline longer. */
export const callMs = 8000;
const firstDelayMs = 50;
const maxDelayMs = 800;

/**
 * Repeats what may be repeated: reads, and mutations that change nothing the second time. Each attempt goes to a random
 * member. Throws `StoreError`.
 */
export async function repeatable<T>(location: string, call: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + callMs;
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await call();
    } catch (error) {
      if (failureOf(error) === 'refused' || performance.now() > deadline) throw toStoreError(error, location);
      await backOff(attempt);
    }
  }
}

export const backOff = (attempt: number): Promise<void> => sleep(Math.min(firstDelayMs * 2 ** attempt, maxDelayMs));

export const closedError = (location: string): StoreError =>
  new StoreError({ code: 'closed', message: `${location} has been closed`, retryable: false });
