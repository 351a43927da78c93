import { StoreError } from '../store.ts';

/** What an error of etcd3 says about the call. */
type Failure =
  /** The server said no: nothing happened. */
  | 'refused'
  /** The request never left this machine. */
  | 'notSent'
  /** It may have been carried out. */
  | 'unknown';

const refusals = [
  {
    code: 'noSpace',
    pattern: /database space exceeded|NOSPACE/i,
    hint: 'Compact and defragment etcd, raise its quota, then: etcdctl alarm disarm. Reading still works.',
  },
  {
    code: 'tooLarge',
    pattern: /request is too large|too many operations|larger than max/i,
    hint: 'Split the transaction.',
  },
  {
    code: 'unauthenticated',
    pattern:
      /authentication failed|invalid auth token|permission denied|user name is empty|user name not found|UNAUTHENTICATED|auth(entication)? is not enabled/i,
    hint: 'Check user and password in the credentials file (or MUSTER_ETCD_USER, MUSTER_ETCD_PASSWORD) and the role of that user on this prefix.',
  },
  {
    code: 'internal',
    pattern: /requested lease not found|duplicate key given|has been compacted|is a future revision/i,
    hint: undefined,
  },
] as const;

const tlsProblem = /certificate|\bSSL\b|\bTLS\b|secure connection|handshake|socket disconnected before secure/i;
const neverConnected =
  /No connection established|Name resolution failed|ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|ENOTFOUND/;

export const isCompacted = (error: unknown): boolean => /has been compacted/i.test(messageOf(error));
export const isLeaseGone = (error: unknown): boolean => /requested lease not found/i.test(messageOf(error));

export function failureOf(error: unknown): Failure {
  const text = messageOf(error);
  if (error instanceof StoreError || refusals.some(({ pattern }) => pattern.test(text))) return 'refused';
  return neverConnected.test(text) ? 'notSent' : 'unknown';
}

/** A `StoreError` for whatever etcd3 threw; never with credentials in it. */
export function toStoreError(error: unknown, location: string): StoreError {
  if (error instanceof StoreError) return error;
  const text = messageOf(error);
  const refusal = refusals.find(({ pattern }) => pattern.test(text));
  if (refusal !== undefined) {
    const { code, hint } = refusal;
    return new StoreError({
      code,
      message: `${location}: ${text}`,
      retryable: false,
      ...(hint && { hint }),
      cause: error,
    });
  }
  if (neverConnected.test(text) && tlsProblem.test(text)) {
    return new StoreError({
      code: 'unauthenticated',
      message: `${location}: no TLS connection: ${text}`,
      retryable: false,
      hint: 'Check the CA, the client certificate and its key in the credentials file, and that the address is in the server’s certificate.',
      cause: error,
    });
  }
  return new StoreError({
    code: 'unreachable',
    message: `${location} does not answer: ${text}`,
    retryable: true,
    hint: 'Is etcd running, has it a leader, and can it be reached from here? etcdctl endpoint health',
    cause: error,
  });
}

/** Without the empty note that gRPC ends its messages with. */
const messageOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).replace(/\s*Resolution note:\s*$/, '');
