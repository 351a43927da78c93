import { StoreError } from '../store.ts';
import type { Environment } from './environment.ts';
import { isProcessAlive, ownIdentity, type ProcessIdentity } from './process-identity.ts';

interface WriterRecord extends ProcessIdentity {
  /** Unix ms */
  readonly since: number;
  readonly command: string;
}

const writerKey = 'm/writer';

/** Enters this process as the one writer. Throws `StoreError` `locked` while another lives; a dead one's place is taken. */
export function lockForWriting(environment: Environment, path: string): void {
  const { database } = environment;
  // Looked at before lmdb's own write lock is asked for: a stopped writer may hold that one for ever.
  database.resetReadTxn();
  refuseWhileHeld(environment, path);
  const record: WriterRecord = { ...ownIdentity(), since: Date.now(), command: commandLine() };
  database.transactionSync(() => {
    refuseWhileHeld(environment, path);
    database.putSync(writerKey, record);
  });
  environment.writer = true;
}

export function unlockForWriting(environment: Environment): void {
  environment.writer = false;
  environment.database.transactionSync(() => environment.database.removeSync(writerKey));
}

function refuseWhileHeld(environment: Environment, path: string): void {
  const holder = environment.database.get(writerKey) as WriterRecord | undefined;
  if (holder === undefined) return;
  const own = holder.pid === process.pid && holder.startTime === ownIdentity().startTime;
  if (own ? !environment.writer : !isProcessAlive(holder)) return;
  throw new StoreError({
    code: 'locked',
    message:
      `embedded:${path} is open for writing by ${own ? 'this process' : 'process'} ${holder.pid} ` +
      `since ${new Date(holder.since).toISOString()} (${holder.command})`,
    retryable: true,
    hint: own
      ? 'Close the first one; one store can be used by everything in this process.'
      : `Wait until it ends, or end it: kill ${holder.pid}. Reading (plan, status) works meanwhile.`,
  });
}

const commandLine = (): string => ['muster', ...process.argv.slice(2)].join(' ').slice(0, 200);
