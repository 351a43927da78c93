import type { Desired } from '../../model/desired.ts';
import { isComplete, type StoreRebuild } from '../../model/store-rebuild.ts';
import { systemClock } from '../../reconcile/clock.ts';
import { surveyForRebuild } from '../../reconcile/rebuild-survey.ts';
import { renderStoreRebuild } from '../../render/store-rebuild.ts';
import { backupHeader } from '../../store/backup/file.ts';
import { restoreBackup } from '../../store/backup/restore.ts';
import { acquireLeadership } from '../../store/leader.ts';
import { rebuildRecords } from '../../store/rebuild/rebuild.ts';
import { readIdentity } from '../../store/recorded.ts';
import { type RangeResult, type Store, StoreError } from '../../store/store.ts';
import { locate, type Place, requireDesired, type SourceFlags } from '../config.ts';
import { confirmed } from '../confirm.ts';
import { type Credentials, loadCredentials } from '../credentials.ts';
import { type ExitCode, exitCodes } from '../exit.ts';
import { type Interrupt, onInterrupt } from '../interrupt.ts';
import { openTerminal, type Terminal } from '../terminal.ts';
import { enginesOf, holder, leaseTtlMs, openForWriting, openHalfDone, type StoreFlags } from '../world.ts';

export interface StoreRebuildFlags extends SourceFlags, StoreFlags {
  readonly fromEngines: true;
  readonly partial?: boolean;
  readonly dryRun?: boolean;
  readonly autoApprove?: boolean;
  readonly lockTimeout: number;
  readonly output: 'text' | 'json';
}

interface Rebuilding {
  readonly place: Place;
  readonly desired: Desired;
  readonly flags: StoreRebuildFlags;
  readonly terminal: Terminal;
  readonly interrupt: Interrupt;
  readonly credentials: Credentials;
}

/** Reads every node and shows what the store would say of it; writes that, under the lease, when somebody agrees. */
export async function rebuild(dir: string, flags: StoreRebuildFlags): Promise<ExitCode> {
  const terminal = openTerminal(flags);
  const place = await locate(dir, flags);
  const desired = await requireDesired(place, terminal);
  const interrupt = onInterrupt((text) => terminal.say(text));
  const of = { place, desired, flags, terminal, interrupt, credentials: await loadCredentials(process.env) };
  try {
    return await (writes(of) ? write(of) : show(of));
  } finally {
    interrupt.restore();
  }
}

/** Without anybody who could agree it only shows. */
const writes = ({ flags, terminal }: Rebuilding): boolean =>
  flags.dryRun !== true && (flags.autoApprove === true || (terminal.interactive && flags.output === 'text'));

async function show(of: Rebuilding): Promise<ExitCode> {
  const store = await openHalfDone(of.place, of.desired, of.flags, of.credentials);
  try {
    await told(of, store, (await work(of, store)).rebuild);
    of.terminal.say('Nothing was changed: --auto-approve writes it.');
    return exitCodes.ok;
  } finally {
    await store.close();
  }
}

async function write(of: Rebuilding): Promise<ExitCode> {
  const { place, desired, flags, terminal, interrupt, credentials } = of;
  const waiting = { waitMs: flags.lockTimeout, signal: interrupt.soft };
  const store = await openForWriting(place, desired, { ...flags, ...waiting }, credentials);
  try {
    const leadership = await acquireLeadership(store, {
      ...{ holder: holder('muster store rebuild'), clock: systemClock, ttlMs: leaseTtlMs, purpose: 'restore' },
      ...waiting,
    });
    try {
      const { rebuild, records, range } = await work(of, store);
      requireComplete(rebuild, flags);
      if (flags.output === 'text') await told(of, store, rebuild);
      const isAgreed = flags.autoApprove === true || (await confirmed(terminal, interrupt, 'Write this?'));
      if (!isAgreed) return exitCodes.ok;
      const header = backupHeader({ cluster: desired.cluster.name, revision: range.revision, now: Date.now() });
      const identity = await restoreBackup(store, { backup: { header, records }, leadership, now: Date.now() });
      if (flags.output === 'json') await told(of, store, rebuild, identity?.epoch);
      terminal.say(`Rebuilt ${store.location}; the epoch is ${identity?.epoch}. Look before you apply: muster plan`);
      return exitCodes.ok;
    } finally {
      await leadership.release();
    }
  } finally {
    await store.close();
  }
}

async function work(
  { place, desired, credentials, interrupt }: Rebuilding,
  store: Store,
): Promise<ReturnType<typeof rebuildRecords> & { readonly range: RangeResult }> {
  const identity = await readIdentity(store);
  const range = await store.range('');
  const survey = await surveyForRebuild({
    desired,
    uid: identity?.uid,
    openEngines: (uid) => enginesOf({ place, desired, credentials, uid }),
    signal: interrupt.soft,
  });
  // What was seen is not all there is when the look was cut short.
  interrupt.soft.throwIfAborted();
  return { ...rebuildRecords({ desired, range, survey, now: Date.now() }), range };
}

async function told(
  { flags, terminal }: Rebuilding,
  store: Store,
  rebuild: StoreRebuild,
  epoch?: number,
): Promise<void> {
  const page = { color: terminal.color, width: terminal.width, where: store.location };
  const written = { store: store.location, written: epoch !== undefined, complete: isComplete(rebuild), ...rebuild };
  await terminal.result(
    flags.output === 'json'
      ? `${JSON.stringify({ ...written, ...(epoch !== undefined && { epoch }) }, undefined, 2)}\n`
      : renderStoreRebuild(rebuild, page),
  );
}

/** What stays unknown may be made a second time: whoever writes it all the same has to say so. */
function requireComplete(rebuild: StoreRebuild, { partial }: StoreRebuildFlags): void {
  if (isComplete(rebuild) || partial === true) return;
  const { unreachable, notRestored } = rebuild;
  const nodes = unreachable.map(({ node, engine, reason }) => `${engine} on ${node} does not answer: ${reason}`);
  const objects = notRestored.map(({ allocation, node, reason }) => `${allocation} on ${node}: ${reason}`);
  throw new StoreError({
    code: 'notRebuilt',
    message: `what runs cannot be told whole; nothing was changed\n  ${[...nodes, ...objects].join('\n  ')}`,
    retryable: true,
    hint: 'Bring these back and run it again, or write it without them: --partial. What it then does not know is told as an orphan and left alone, but may be made a second time elsewhere.',
  });
}
