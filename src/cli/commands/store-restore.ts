import type { Desired } from '../../model/desired.ts';
import { isSound } from '../../model/store-check.ts';
import { systemClock } from '../../reconcile/clock.ts';
import { plural } from '../../render/layout.ts';
import { renderStoreCheck } from '../../render/store-check.ts';
import { type Backup, isTransient, readBackup } from '../../store/backup/file.ts';
import { restoreBackup } from '../../store/backup/restore.ts';
import { checkRecords } from '../../store/check/check.ts';
import { keys, prefixes } from '../../store/keys.ts';
import { acquireLeadership } from '../../store/leader.ts';
import { type RangeResult, type Store, StoreError } from '../../store/store.ts';
import { locate, requireDesired, type SourceFlags } from '../config.ts';
import { confirmed } from '../confirm.ts';
import { loadCredentials } from '../credentials.ts';
import { type ExitCode, exitCodes } from '../exit.ts';
import { type Interrupt, onInterrupt } from '../interrupt.ts';
import { openTerminal, type Terminal } from '../terminal.ts';
import { holder, leaseTtlMs, openForWriting, type StoreFlags } from '../world.ts';

export interface StoreRestoreFlags extends SourceFlags, StoreFlags {
  readonly replace?: boolean;
  readonly autoApprove?: boolean;
  readonly lockTimeout: number;
}

/** Proves the backup, takes the lease, asks what may be lost, and makes the store what the backup says. */
export async function restore(file: string, dir: string, flags: StoreRestoreFlags): Promise<ExitCode> {
  const terminal = openTerminal(flags);
  const place = await locate(dir, flags);
  const desired = await requireDesired(place, terminal);
  const backup = await readBackup(file);
  await requireUsable(file, backup, desired, terminal);
  const interrupt = onInterrupt((text) => terminal.say(text));
  const waiting = { waitMs: flags.lockTimeout, signal: interrupt.soft };
  const store = await openForWriting(place, desired, { ...flags, ...waiting }, await loadCredentials(process.env));
  try {
    const leadership = await acquireLeadership(store, {
      ...{ holder: holder('muster store restore'), clock: systemClock, ttlMs: leaseTtlMs, purpose: 'restore' },
      ...waiting,
    });
    try {
      if (!(await mayReplace(store, { flags, terminal, interrupt }))) return exitCodes.ok;
      const identity = await restoreBackup(store, { backup, leadership, now: Date.now() });
      terminal.say(
        `Restored ${backup.records.length} records of ${backup.header.takenAt} to ${store.location}; the epoch is ${identity?.epoch ?? 'that of a new cluster'}. Look before you apply: muster status`,
      );
      return exitCodes.ok;
    } finally {
      await leadership.release();
    }
  } finally {
    interrupt.restore();
    await store.close();
  }
}

/** Throws `StoreError` `badBackup` for one of another cluster, or whose content breaks an invariant: then says which. */
async function requireUsable(file: string, backup: Backup, desired: Desired, terminal: Terminal): Promise<void> {
  const { cluster, revision } = backup.header;
  if (cluster !== desired.cluster.name)
    throw badBackup(`${file} is of cluster ${cluster}, and this is ${desired.cluster.name}; nothing was changed`);
  const entries = backup.records.map((record) => ({ ...record, createRevision: revision, modRevision: revision }));
  const checked = checkRecords({ revision, entries }, desired);
  if (isSound(checked)) return;
  terminal.say(renderStoreCheck(checked, { color: terminal.errorColor, where: file }));
  throw badBackup(`${file} holds what no store should; nothing was changed`);
}

const badBackup = (message: string): StoreError =>
  new StoreError({ code: 'badBackup', message, retryable: false, hint: 'Use another backup.' });

/** An empty store, or one that a restore has left half done, has nothing to lose. */
async function mayReplace(
  store: Store,
  options: { readonly flags: StoreRestoreFlags; readonly terminal: Terminal; readonly interrupt: Interrupt },
): Promise<boolean> {
  const { flags, terminal, interrupt } = options;
  const range = await store.range('');
  const isHalfDone = range.entries.some(({ key }) => key === keys.restoring);
  if (isHalfDone) terminal.say('A restore was interrupted here; this one takes its place.');
  if (isHalfDone || range.entries.every(({ key }) => isTransient(key))) return true;
  const lost = whatIsLost(store, range);
  if (flags.replace !== true) {
    throw new StoreError({
      code: 'notEmpty',
      message: `${lost}; nothing was changed`,
      retryable: false,
      hint: 'Keep it with `muster store backup FILE`, then restore with --replace.',
    });
  }
  terminal.say(`This will be lost: ${lost}.`);
  if (flags.autoApprove === true) return true;
  return await confirmed(terminal, interrupt, 'Replace it?');
}

function whatIsLost(store: Store, { entries, revision }: RangeResult): string {
  const count = (prefix: string): number => entries.filter(({ key }) => key.startsWith(prefix)).length;
  const kinds = [
    plural(count(prefixes.allocations), 'allocation'),
    plural(count(prefixes.workloads), 'workload'),
    plural(count(prefixes.history), 'finished run'),
  ];
  return `${store.location} has ${entries.length} records at revision ${revision} (${kinds.join(', ')})`;
}
