import { type Call, type CreateRequest, type Engine, EngineError } from '../engines/engine.ts';
import { assert, assertNever, present } from '../model/assert.ts';
import type { Effect } from '../model/effects.ts';
import { type AllocationId, allocationId, parseAllocationId, type RevisionHash } from '../model/ids.ts';
import type { Step } from '../model/plan.ts';
import type { Allocation, Holds } from '../model/recorded.ts';
import type { Revision } from '../model/revision.ts';
import { keys } from '../store/keys.ts';
import { encodeAllocation } from '../store/recorded.ts';
import type { Operation } from '../store/store.ts';
import { call } from './call.ts';
import { afterStart, beforeStop } from './hooks.ts';
import type { UnitJournal } from './journal.ts';
import type { RunContext } from './run-context.ts';

/** Deadlines of engine calls. A stop takes its grace period on top. */
export const deadlineMs = {
  pull: 600_000,
  create: 60_000,
  start: 60_000,
  stop: 30_000,
  remove: 60_000,
  /** A volume may have millions of files. */
  erase: 900_000,
  update: 60_000,
  list: 15_000,
} as const;

/**
 * Does one effect and returns what is to be recorded with its `done`. Idempotent: an effect that was begun before a
 * crash is simply done again. Throws `EngineError` (terminal) or `Halted` (the engine does not answer, or a hard stop).
 */
export async function perform(context: RunContext, effect: Effect, step: Step): Promise<readonly Operation[]> {
  switch (effect.kind) {
    case 'reserve':
      return put(context, reservation(effect, step));
    case 'pull': {
      const revision = revisionOf(context, step.revision);
      await call(context, effect, (engine, options) => engine.pull(revision, options), deadlineMs.pull);
      return [];
    }
    case 'create': {
      const { objectId } = await call(
        context,
        effect,
        (engine, options) => engine.create(requestFor(context, effect, step), options),
        deadlineMs.create,
      );
      return change(context, effect.allocation, { objectId });
    }
    case 'start': {
      const objectId = await objectOf(context, effect);
      if (objectId === undefined) throw vanished(effect, 'start');
      await call(context, effect, (engine, options) => engine.start(objectId, options), deadlineMs.start);
      const hook = hooksOf(context, effect)?.afterStart;
      if (hook !== undefined) await afterStart(context, effect, { ...hook, objectId });
      return change(context, effect.allocation, { objectId, state: 'live' });
    }
    case 'stop': {
      await stop(context, effect);
      return context.allocations.has(effect.allocation) && !wasDown(effect, step)
        ? change(context, effect.allocation, { state: 'stopping' })
        : [];
    }
    case 'remove': {
      const objectId = await objectOf(context, effect);
      if (objectId === undefined) return [];
      const erased = volumesToErase(context, effect, step);
      // Before the object is removed: it is what says, after a crash, that there is something left to erase.
      if (erased.length > 0) {
        const erase = (engine: Engine, options: Call) => engine.eraseVolumes(objectId, erased, options);
        await call(context, effect, erase, deadlineMs.erase);
      }
      await call(context, effect, (engine, options) => engine.remove(objectId, options), deadlineMs.remove);
      return [];
    }
    case 'update':
      return update(context, effect, { revision: step.revision, holds: step.holds });
    case 'hold':
      return change(context, effect.allocation, { state: 'held', heldSince: context.clock.now() });
    case 'release':
      context.allocations.delete(effect.allocation);
      return [{ kind: 'delete', key: keys.allocation(effect.allocation) }];
    case 'await':
      throw new Error('await is the gate, not an engine call');
    default:
      return assertNever(effect.kind);
  }
}

/**
 * Volumes whose data goes with the instance, by `onRemove: delete`: when it is removed for good or has left the node. Not
 * when it is only replaced there, not when a failed step is undone, and not while another generation of it is there.
 */
function volumesToErase(context: RunContext, effect: Effect, step: Step): readonly string[] {
  const leaves = effect.phase === 'settle' && (step.kind === 'remove' || step.kind === 'move');
  const allocation = context.allocations.get(effect.allocation);
  if (!leaves || allocation === undefined) return [];
  const { id, instance, node } = allocation;
  const others = [...context.allocations.values()].filter((other) => other.instance === instance && other.id !== id);
  if (others.some((other) => other.node === node)) return [];
  const held = new Set(allocation.holds.volumes?.map(({ name }) => name));
  const { volumes = [] } = revisionOf(context, allocation.revision);
  return volumes.filter(({ name, onRemove }) => onRemove === 'delete' && held.has(name)).map(({ name }) => name);
}

/** What did not run before stays recorded as it was, held or to be healed: should the step be undone, nothing starts it again. */
const wasDown = ({ allocation }: Effect, { instance, replaces }: Step): boolean =>
  replaces?.object === 'dead' && allocation === allocationId(instance, replaces.generation);

/** The part of a `UnitRun` that is needed here. */
interface Undoing {
  readonly context: RunContext;
  readonly journal: Pick<UnitJournal, 'append'>;
}

/**
 * Does the inverse of an effect. What should serve again and is gone is made again. Where that is refused, and where it is
 * broken, it is recorded as it would be, and the next plan makes it anew: nothing that an operator could retry would bring
 * it back.
 */
export async function performUndo(
  { context, journal }: Undoing,
  undo: Effect,
  step: Step,
): Promise<readonly Operation[]> {
  const revision = step.revisionBefore;
  const before: Partial<Allocation> =
    undo.kind === 'update' && revision !== undefined
      ? { revision, holds: step.heldBefore ?? step.holds }
      : { state: 'live' };
  try {
    return undo.kind === 'update'
      ? await update(context, undo, {
          revision: present(revision, `the revision that ${step.id} was updated from`),
          holds: step.heldBefore ?? step.holds,
        })
      : await perform(context, undo, step);
  } catch (error) {
    const isGone = error instanceof EngineError && (error.code === 'notFound' || error.code === 'broken');
    if (!isGone || (undo.kind !== 'update' && undo.kind !== 'start')) throw error;
    if (undo.kind === 'start' && error.code === 'notFound' && (await makeAgain({ context, journal }, undo)))
      return await perform(context, undo, step);
    return change(context, undo.allocation, before);
  }
}

/**
 * What somebody removed while it was stopped, where it was and in the room that it still holds: left to the next plan, it
 * would be down while the undo takes down the next one. False when the engine refuses.
 */
async function makeAgain({ context, journal }: Undoing, undo: Effect): Promise<boolean> {
  const allocation = present(context.allocations.get(undo.allocation), `allocation ${undo.allocation}`);
  // Its id goes first: what is made now is found by its label, whoever comes upon it after a crash.
  const { objectId: _, ...gone } = allocation;
  await journal.append([], put(context, gone));
  const revision = revisionOf(context, allocation.revision);
  const at = { ...undo, kind: 'create' } as const;
  try {
    await call(context, at, (engine, options) => engine.pull(revision, options), deadlineMs.pull);
    const request = requestFor(context, undo, allocation);
    await call(context, at, (engine, options) => engine.create(request, options), deadlineMs.create);
    return true;
  } catch (error) {
    if (error instanceof EngineError) return false;
    throw error;
  }
}

/** As it was before it was stopped, whether it runs or not. */
export const recordLive = (context: RunContext, { allocation }: Effect): readonly Operation[] =>
  change(context, allocation, { state: 'live' });

async function update(
  context: RunContext,
  effect: Effect,
  to: { readonly revision: RevisionHash; readonly holds: Holds },
): Promise<readonly Operation[]> {
  const objectId = await objectOf(context, effect);
  if (objectId === undefined) throw vanished(effect, 'update');
  const request = { revisionHash: to.revision, revision: revisionOf(context, to.revision), holds: to.holds };
  await call(context, effect, (engine, options) => engine.update(objectId, request, options), deadlineMs.update);
  return change(context, effect.allocation, { revision: to.revision, holds: to.holds });
}

async function stop(context: RunContext, effect: Effect): Promise<void> {
  const objectId = await objectOf(context, effect);
  if (objectId === undefined) return;
  const { signal, graceMs, delayMs } = stopSettings(context, context.allocations.get(effect.allocation)?.revision);
  if (delayMs > 0) await context.clock.sleep(delayMs, context.hardStop);
  const hook = hooksOf(context, effect)?.beforeStop;
  if (hook !== undefined) await beforeStop(context, effect, { ...hook, objectId });
  await call(
    context,
    effect,
    (engine, options) => engine.stop(objectId, { signal, graceMs }, options),
    deadlineMs.stop + graceMs,
  );
}

/** Of the revision that it is recorded with. */
function hooksOf({ allocations, revisions }: RunContext, { allocation }: Effect): Revision['hooks'] {
  const revision = allocations.get(allocation)?.revision;
  return revision && revisions.get(revision)?.hooks;
}

/** How something of this revision is stopped; of one that nobody knows, as most want it. */
export const stopSettings = (
  { revisions }: { readonly revisions: ReadonlyMap<RevisionHash, Revision> },
  revision: RevisionHash | undefined,
): Revision['stop'] =>
  (revision && revisions.get(revision)?.stop) ?? { signal: 'SIGTERM', graceMs: 10_000, delayMs: 0 };

/**
 * The engine's id of an allocation's object: as recorded, else found on the engine by its label, for the case that a
 * crash came between the creation and its record. Undefined when there is none.
 */
export async function objectOf(
  context: RunContext,
  at: Pick<Effect, 'allocation' | 'node' | 'engine' | 'kind'>,
): Promise<string | undefined> {
  const recorded = context.allocations.get(at.allocation)?.objectId;
  if (recorded !== undefined) return recorded;
  const { objects } = await call(context, at, (engine, options) => engine.list(options), deadlineMs.list);
  return objects.find((object) => object.allocation === at.allocation)?.objectId;
}

function requestFor(
  context: RunContext,
  effect: Effect,
  { revision: revisionHash, holds }: Pick<Allocation, 'revision' | 'holds'>,
): CreateRequest {
  const revision = revisionOf(context, revisionHash);
  const network = revision.network && context.networks.get(revision.network.name);
  return {
    allocation: effect.allocation,
    revisionHash,
    revision,
    holds,
    ...(network !== undefined && { network }),
    token: context.leadership.token,
    effect: effect.key,
  };
}

function reservation(effect: Effect, step: Step): Allocation {
  const { workload, ordinal, generation } = parseAllocationId(effect.allocation);
  return {
    id: effect.allocation,
    instance: step.instance,
    workload,
    ordinal,
    generation,
    node: effect.node,
    engine: effect.engine,
    revision: step.revision,
    state: 'reserved',
    holds: step.holds,
  };
}

function change(context: RunContext, id: AllocationId, fields: Partial<Allocation>): readonly Operation[] {
  const allocation = present(context.allocations.get(id), `allocation ${id}`);
  return put(context, { ...allocation, ...fields });
}

function put(context: RunContext, allocation: Allocation): readonly Operation[] {
  assert(allocation.generation > 0, 'generations start at 1');
  context.allocations.set(allocation.id, allocation);
  return [{ kind: 'put', key: keys.allocation(allocation.id), value: encodeAllocation(allocation) }];
}

export function revisionOf(context: Pick<RunContext, 'revisions'>, hash: RevisionHash): Revision {
  return present(context.revisions.get(hash), `revision ${hash}`);
}

const vanished = (effect: Effect, what: string): EngineError =>
  new EngineError({
    code: 'notFound',
    message: `${effect.allocation}: its object is gone, nothing to ${what}`,
    retryable: false,
    node: effect.node,
    engine: effect.engine,
    call: what,
    hint: 'somebody removed it by hand; the next plan makes it anew',
  });
