import { existsSync, mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { open, type RootDatabase } from 'lmdb';
import { StoreError } from '../store.ts';
import { checkDataFile, corruptHint } from './file-check.ts';

/** An lmdb environment of this process, shared by all stores that it has open on one directory. */
export interface Environment {
  readonly database: RootDatabase<unknown, string>;
  readonly directory: string;
  readonly dataFile: string;
  /** Called after every commit of this process. */
  readonly listeners: Set<() => void>;
  users: number;
  /** Set while a store of this process has it open for writing. */
  writer: boolean;
}

/** lmdb crashes when one process opens a directory twice with different flags: one environment for each, counted. */
const environments = new Map<string, Environment>();
const closing = new Map<string, Promise<void>>();

/** Where the data lie below the store's directory. */
export const dataFileOf = (path: string): string => join(resolve(path), 'store', 'data.mdb');

export const isThere = (path: string): boolean => existsSync(dataFileOf(path));

/** Opens or shares the environment of a directory, which is made when it is missing. `StoreError` `corrupt` for a damaged file. */
export async function acquireEnvironment(path: string): Promise<Environment> {
  const directory = prepareDirectory(path);
  await closing.get(directory);
  const shared = environments.get(directory);
  if (shared !== undefined) {
    shared.users += 1;
    return shared;
  }
  const dataFile = join(directory, 'data.mdb');
  checkDataFile(dataFile);
  const environment = {
    database: openDatabase(directory, dataFile),
    directory,
    dataFile,
    listeners: new Set<() => void>(),
    users: 1,
    writer: false,
  };
  environments.set(directory, environment);
  return environment;
}

export async function releaseEnvironment(environment: Environment): Promise<void> {
  environment.users -= 1;
  if (environment.users > 0) return;
  environments.delete(environment.directory);
  const closed = environment.database.close();
  closing.set(environment.directory, closed);
  await closed;
  closing.delete(environment.directory);
}

function prepareDirectory(path: string): string {
  const root = resolve(path);
  const directory = join(root, 'store');
  try {
    mkdirSync(directory, { recursive: true });
    const ignore = join(root, '.gitignore');
    if (!existsSync(ignore)) writeFileSync(ignore, '*\n');
    return realpathSync(directory);
  } catch (cause) {
    throw new StoreError({
      code: 'unreachable',
      message: `embedded:${path}: the directory cannot be made: ${(cause as Error).message}`,
      retryable: false,
      hint: 'Choose a directory that you may write to: --store embedded:PATH.',
      cause,
    });
  }
}

function openDatabase(directory: string, dataFile: string): RootDatabase<unknown, string> {
  try {
    return open<unknown, string>({
      path: directory,
      noSubdir: false,
      encoding: 'msgpack',
      cache: false,
      // A commit returns when it is on the disk: what was acknowledged is there after a crash.
      overlappingSync: false,
      maxReaders: 512,
    });
  } catch (cause) {
    const text = (cause as Error).message;
    const damaged = /MDB_(CORRUPTED|PAGE_NOTFOUND|VERSION_MISMATCH|INVALID|PANIC)|not an LMDB file/i.test(text);
    throw new StoreError({
      code: damaged ? 'corrupt' : 'unreachable',
      message: `${dataFile} cannot be opened: ${text}`,
      retryable: false,
      hint: damaged
        ? corruptHint(dataFile)
        : 'Is the file readable and writable for this user, and is there space left?',
      cause,
    });
  }
}
