import { maxOperations, type Operation } from '../store/store.ts';

/**
 * Writes of a run that are asked for at the same time go together in one transaction, as databases group their commits:
 * a store syncs to its disk once for all of them. Each resolves when it is durable, so nobody acts on what is not.
 */
export interface Writer {
  /** All of it in one transaction, after everything that was asked for before. Rejects as the transaction does. */
  write(operations: readonly Operation[]): Promise<void>;
}

/** Characters of one transaction: half of what the store takes, for text outside of ASCII. What is longer by itself goes alone. */
const mostChars = 500_000;

export function openWriter(commit: (operations: readonly Operation[]) => Promise<void>): Writer {
  let waiting: Write[] = [];
  let isWriting = false;

  const writeAll = async (): Promise<void> => {
    isWriting = true;
    // What is asked for in the same turn goes along.
    await undefined;
    while (waiting.length > 0) {
      const group = firstOf(waiting);
      waiting = waiting.slice(group.length);
      await settle(group, commit);
    }
    isWriting = false;
  };
  return {
    write: (operations) =>
      new Promise((resolve, reject) => {
        waiting.push({ operations, chars: charsOf(operations), resolve, reject });
        if (!isWriting) void writeAll();
      }),
  };
}

interface Write {
  readonly operations: readonly Operation[];
  readonly chars: number;
  resolve(): void;
  reject(error: unknown): void;
}

/** As many as one transaction takes, in their order and at least one; no key twice. */
function firstOf(waiting: readonly Write[]): readonly Write[] {
  const keys = new Set<string>();
  let chars = 0;
  let count = 0;
  for (const write of waiting) {
    chars += write.chars;
    const fits = keys.size + write.operations.length <= maxOperations && chars <= mostChars;
    if (count > 0 && (!fits || write.operations.some(({ key }) => keys.has(key)))) break;
    for (const { key } of write.operations) keys.add(key);
    count += 1;
  }
  return waiting.slice(0, count);
}

async function settle(
  group: readonly Write[],
  commit: (operations: readonly Operation[]) => Promise<void>,
): Promise<void> {
  try {
    await commit(group.flatMap(({ operations }) => operations));
    for (const { resolve } of group) resolve();
  } catch (error) {
    for (const { reject } of group) reject(error);
  }
}

/** Operations in their order, cut into as many transactions as they take; `spare`: left free in each. */
export function inTransactions(
  operations: readonly Operation[],
  { spare }: { readonly spare: number },
): readonly (readonly Operation[])[] {
  const parts: Operation[][] = [];
  let chars = 0;
  for (const operation of operations) {
    const last = parts.at(-1);
    const more = charsOf([operation]);
    if (last !== undefined && last.length < maxOperations - spare && chars + more <= mostChars) {
      last.push(operation);
      chars += more;
    } else {
      parts.push([operation]);
      chars = more;
    }
  }
  return parts;
}

const charsOf = (operations: readonly Operation[]): number =>
  operations.reduce((sum, { key, ...rest }) => sum + key.length + ('value' in rest ? rest.value.length : 0), 0);
