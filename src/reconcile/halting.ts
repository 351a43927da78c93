import { runFailureCodes } from '../model/failure-codes.ts';
import { StoreError } from '../store/store.ts';
import { Halted } from './halt.ts';

/** Turns a halt, or a store that does not answer, into a value: the unit stays in the store as it is, and its reason says why. */
export async function halting<T>(run: () => Promise<T>, halted: (reason: string) => T): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof Halted) return halted(reasonOf(error));
    if (error instanceof StoreError) return halted(`${error.message} [${runFailureCodes.store}]`);
    throw error;
  }
}

const reasonOf = ({ why, message }: Halted): string =>
  why === 'interrupted' || why === 'paused' ? message : `${message} [${runFailureCodes[why]}]`;
