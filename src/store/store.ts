/**
 * The contract that every store keeps; `test/contract/store.ts` proves it for each. Keys are relative to the cluster's
 * prefix, values are text. Revisions are those of etcd: one counter for the whole store, raised by every write
 * transaction that changes something.
 */
export interface Store {
  readonly kind: 'embedded' | 'etcd';
  /** For messages: `embedded:.muster`, `etcd://10.0.0.1:2379/muster`. Never credentials. */
  readonly location: string;
  get(key: string): Promise<KeyValue | undefined>;
  /** Everything below a prefix at one revision, sorted by key. Paged inside. */
  range(prefix: string): Promise<RangeResult>;
  /**
   * All compares hold → all operations happen, else none does. Never repeated blindly: when the reply was lost the
   * outcome is found out by re-reading, or the promise rejects with `StoreError` code `unknownOutcome`.
   * At most `maxOperations` operations; no key twice.
   */
  txn(transaction: Transaction): Promise<TransactionResult>;
  /**
   * Every change below the prefix after `fromRevision`, in order, none lost and none twice, across reconnects. When the
   * history is compacted away it yields one `reset` event: the consumer lists again.
   */
  watch(
    prefix: string,
    options: { readonly fromRevision: number; readonly signal: AbortSignal },
  ): AsyncIterable<WatchEvent>;
  /** A lease that expires unless kept alive, which it does by itself. */
  lease(options: { readonly ttlMs: number }): Promise<StoreLease>;
  close(): Promise<void>;
}

export const maxOperations = 100;
export const maxValueBytes = 1_000_000;

export interface KeyValue {
  readonly key: string;
  readonly value: string;
  readonly createRevision: number;
  readonly modRevision: number;
}

export interface RangeResult {
  readonly revision: number;
  readonly entries: readonly KeyValue[];
}

export interface Transaction {
  readonly compares: readonly Compare[];
  readonly operations: readonly Operation[];
}

export type Compare =
  /** 0: the key does not exist. */
  | { readonly kind: 'modRevision'; readonly key: string; readonly equals: number }
  | { readonly kind: 'createRevision'; readonly key: string; readonly equals: number }
  | { readonly kind: 'value'; readonly key: string; readonly equals: string };

export type Operation =
  | { readonly kind: 'put'; readonly key: string; readonly value: string; readonly lease?: StoreLease }
  | { readonly kind: 'delete'; readonly key: string };

export interface TransactionResult {
  readonly succeeded: boolean;
  /** The store's revision after the transaction, whether it succeeded or not. */
  readonly revision: number;
}

export type WatchEvent =
  | { readonly kind: 'put'; readonly entry: KeyValue }
  | { readonly kind: 'delete'; readonly key: string; readonly modRevision: number }
  | { readonly kind: 'reset' };

/**
 * Keys put with a lease vanish when it ends. `isAlive` goes by an own monotonic deadline, so its holder knows of the
 * loss within the TTL even when the server cannot be reached.
 */
export interface StoreLease {
  readonly id: string;
  isAlive(): boolean;
  /** Resolves when the lease is lost or revoked. */
  readonly ended: Promise<void>;
  /** Ends it at once: keys put with it are gone when this resolves. */
  revoke(): Promise<void>;
}

export type StoreErrorCode =
  | 'unreachable'
  | 'unknownOutcome'
  | 'noSpace'
  | 'unauthenticated'
  | 'locked'
  | 'corrupt'
  | 'tooLarge'
  | 'closed'
  /** A restore has left it half done. */
  | 'restoring'
  /** A backup file that cannot be read or written. */
  | 'badBackup'
  /** A restore would replace what is recorded. */
  | 'notEmpty'
  /** It went back in time: what runs was made after everything that it knows. */
  | 'behind'
  /** A rebuild cannot say what it would have to. */
  | 'notRebuilt'
  | 'internal';

export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly code: StoreErrorCode;
  readonly retryable: boolean;
  /** What the operator does next. */
  readonly hint: string | undefined;

  constructor(options: {
    readonly code: StoreErrorCode;
    readonly message: string;
    readonly retryable: boolean;
    readonly hint?: string;
    readonly cause?: unknown;
  }) {
    super(options.message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = options.code;
    this.retryable = options.retryable;
    this.hint = options.hint;
  }
}
