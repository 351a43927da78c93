import type { RunId, UnitId, WorkloadId } from '../../src/model/ids.ts';
import type { Override } from '../../src/model/recorded.ts';
import { overrideId, putOverrides } from '../../src/reconcile/overrides.ts';
import { type Command, writeRequest } from '../../src/reconcile/requests.ts';
import { wayBack } from '../../src/reconcile/rollback.ts';
import { parseUnitStatusKey, prefixes } from '../../src/store/keys.ts';
import { loadRecorded } from '../../src/store/recorded.ts';
import { type Store, StoreError } from '../../src/store/store.ts';
import { connectStore } from './store.ts';
import type { Fault } from './story.ts';
import { epoch, type World } from './world.ts';

type Told = Extract<Fault, { readonly kind: 'operator' }>;
type Overridden = Extract<Fault, { readonly kind: 'override' }>;

/** Looks for something to tell about, and how often: somebody at a terminal is a moment late. */
const lookEveryMs = 100;
const mostLooks = 150;
/** After a pause, before what was paused is abandoned. */
const ponderMs = 4_000;

/** An operator tells whoever leads something about a unit that is under way then, or soon. */
export function operate(world: World, told: Told): void {
  let looks = 0;
  const look = (): void => {
    const open = openUnits(world).filter(({ state }) => (told.does === 'skip') === (state === 'stuck'));
    const unit = open[Math.floor(told.draw * open.length)];
    looks += 1;
    if (unit !== undefined) tell(world, told, unit);
    else if (looks < mostLooks) world.scheduler.after(lookEveryMs, look);
  };
  look();
}

function tell(world: World, { does, forMs }: Told, { run, unit }: OpenUnit): void {
  const ask = (command: Command, afterMs = 0): void =>
    void world.scheduler.after(afterMs, () => void request(world, command));
  switch (does) {
    case 'pause':
      ask({ kind: 'pauseRun', run });
      ask({ kind: 'resumeRun', run }, forMs);
      break;
    case 'cancel':
      ask({ kind: 'cancelRun', run });
      break;
    case 'abandon':
      ask({ kind: 'pauseRun', run });
      ask({ kind: 'abandonUnit', unit }, ponderMs);
      ask({ kind: 'resumeRun', run }, ponderMs + forMs);
      break;
    case 'skip':
      ask({ kind: 'skipUnit', unit });
      break;
  }
}

/** An operator writes an override, which needs no leader. */
export async function override(world: World, { does, draw, forMs }: Overridden): Promise<void> {
  const store = terminal(world);
  const desired = world.desired();
  const now = wallClock(world);
  const named = does === 'cordon' ? desired.nodes.map(({ name }) => name) : desired.workloads.map(({ id }) => id);
  const target = named[Math.floor(draw * named.length)];
  if (target === undefined) return;
  const recorded = await loadRecorded(store);
  const back = does === 'pin' ? wayBack({ desired, recorded, now }, target as WorkloadId) : undefined;
  if (back?.kind === 'none') return;
  const written: Override = {
    id: overrideId({ kind: does, target }),
    kind: does,
    target,
    ...(back !== undefined && { revision: back.to }),
    actor: 'operator',
    reason: 'to see what happens',
    until: now + forMs,
  };
  await unlessFull(putOverrides(store, [written]));
}

/** What an operator does about all that waits for one: what is stuck is tried again, what is paused goes on. */
export async function attend(world: World): Promise<void> {
  const open = openUnits(world);
  for (const { unit } of open.filter(({ state }) => state === 'stuck'))
    await request(world, { kind: 'retryUnit', unit });
  const paused = open.filter(({ state }) => state === 'paused' || state === 'waiting');
  for (const run of new Set(paused.map((unit) => unit.run))) await request(world, { kind: 'resumeRun', run });
}

async function request(world: World, command: Command): Promise<void> {
  const at = wallClock(world);
  const { kind, ...what } = command;
  const id = `${kind}-${at}-${Object.values(what).join('-').replaceAll('/', '-')}`;
  await unlessFull(writeRequest(terminal(world), { id, command, at, until: at + 60_000, actor: 'operator' }));
}

/** A store that is full takes nothing: whoever asks is told so. */
const unlessFull = (writing: Promise<unknown>): Promise<unknown> =>
  writing.catch((error: unknown) => {
    if (!(error instanceof StoreError)) throw error;
  });

const terminal = ({ server, scheduler }: World): Store =>
  connectStore({
    server,
    scheduler,
    client: 'operator',
    fare: () => ({ fate: 'arrives', thereMs: 0, backMs: 0 }),
  });

const wallClock = ({ scheduler }: World): number => epoch + Math.floor(scheduler.now());

interface OpenUnit {
  readonly run: RunId;
  readonly unit: UnitId;
  readonly state: string;
}

function openUnits({ server }: World): readonly OpenUnit[] {
  return server.range(prefixes.runs).entries.flatMap(({ key, value }) => {
    const at = key.endsWith('/status') ? parseUnitStatusKey(key) : undefined;
    const { state } = at === undefined ? { state: 'done' } : (JSON.parse(value) as { readonly state: string });
    return at === undefined || closed.has(state) ? [] : [{ ...at, state }];
  });
}

const closed: ReadonlySet<string> = new Set(['done', 'undone', 'skipped', 'abandoned']);
