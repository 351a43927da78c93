import { maxOperations, maxValueBytes, StoreError, type Transaction } from './store.ts';

/** etcd takes 1.5 MiB a request; this much is kept free for compares and framing. */
const maxTransactionBytes = 1_400_000;
const maxKeyBytes = 1000;

/** Both stores refuse the same transactions, so that what works embedded works on etcd. Throws `StoreError` `tooLarge`. */
export function assertTransaction({ compares, operations }: Transaction): void {
  if (operations.length > maxOperations || compares.length > maxOperations) {
    throw tooLarge(
      `${compares.length} compares and ${operations.length} operations; ${maxOperations} of each are allowed`,
    );
  }
  const seen = new Set<string>();
  let bytes = 0;
  for (const operation of operations) {
    assertKey(operation.key);
    if (seen.has(operation.key)) throw invalid(`the key ${operation.key} occurs twice in one transaction`);
    seen.add(operation.key);
    if (operation.kind === 'put') bytes += valueBytes(operation.key, operation.value);
    bytes += operation.key.length;
  }
  for (const compare of compares) {
    assertKey(compare.key);
    bytes += compare.key.length + (compare.kind === 'value' ? valueBytes(compare.key, compare.equals) : 8);
  }
  if (bytes > maxTransactionBytes) throw tooLarge(`${bytes} bytes; ${maxTransactionBytes} are allowed`);
}

function assertKey(key: string): void {
  if (key === '') throw invalid('a key is empty');
  if (Buffer.byteLength(key) > maxKeyBytes)
    throw tooLarge(`the key ${key.slice(0, 80)}… is longer than ${maxKeyBytes} bytes`);
}

function valueBytes(key: string, value: string): number {
  const bytes = Buffer.byteLength(value);
  if (bytes > maxValueBytes) throw tooLarge(`the value of ${key} has ${bytes} bytes; ${maxValueBytes} are allowed`);
  return bytes;
}

const tooLarge = (what: string): StoreError =>
  new StoreError({ code: 'tooLarge', message: `transaction too large: ${what}`, retryable: false, hint: 'Split it.' });

const invalid = (what: string): StoreError => new StoreError({ code: 'internal', message: what, retryable: false });
