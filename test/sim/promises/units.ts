import { allocationId } from '../../../src/model/ids.ts';
import type { Step } from '../../../src/model/plan.ts';
import { prefixes } from '../../../src/store/keys.ts';
import type { Observer, World } from '../world.ts';
import type { Mirror } from './mirror.ts';

/** Every unit ends with the new, or with the old, or where a newer commit took over; what it says of itself when it ends is so. */
export function units({ server, violated }: World, mirror: Mirror): Observer {
  server.onCommit(({ changes }) => {
    for (const { key, entry } of changes) {
      if (entry === undefined || !key.startsWith(prefixes.runs) || !key.endsWith('/status')) continue;
      const unit = [...mirror.units.values()].find(({ run, unit: id }) => key === `run/${run}/unit/${id}/status`);
      if (unit === undefined || (unit.state !== 'done' && unit.state !== 'undone')) continue;
      for (const step of unit.record.steps.filter(({ id }) => !unit.left.has(id))) {
        const isLeftOut = unit.superseded && !unit.begun.has(step.id);
        const isNew = unit.state === 'done' || unit.settled.has(step.id);
        const problem = isLeftOut
          ? madeAllTheSame(mirror, step)
          : isNew
            ? notDone(mirror, step)
            : notUndone(mirror, step);
        if (problem !== undefined) violated('ends old or new', `${unit.unit} is ${unit.state}, but ${problem}`);
      }
    }
  });
  return {};
}

/** Nothing is made any more of what a newer commit has taken over. */
function madeAllTheSame(mirror: Mirror, { kind, instance, generation }: Step): string | undefined {
  const isMade = kind === 'create' || kind === 'replace' || kind === 'move';
  const made = allocationId(instance, generation);
  return isMade && mirror.allocations.has(made) ? `${made} was made, after it was superseded` : undefined;
}

function notDone(mirror: Mirror, { kind, instance, generation, replaces }: Step): string | undefined {
  const made = allocationId(instance, generation);
  const state = mirror.allocations.get(made)?.state;
  if (kind === 'remove' || kind === 'forget') {
    if (state !== undefined) return `${made} is recorded ${state}`;
    return kind === 'remove' && isThere(mirror, made) ? `${made} is still there` : undefined;
  }
  if (kind === 'stop') return state === 'held' ? undefined : `${made} is ${state ?? 'not recorded'}, not held`;
  if (state !== 'live') return `${made} is ${state ?? 'not recorded'}`;
  if (replaces === undefined) return undefined;
  const old = allocationId(instance, replaces.generation);
  if (mirror.allocations.has(old)) return `${old} is still recorded`;
  return replaces.object !== 'gone' && isThere(mirror, old) ? `${old} is still there` : undefined;
}

function notUndone(mirror: Mirror, step: Step): string | undefined {
  const { kind, instance, generation, replaces, revisionBefore } = step;
  const own = allocationId(instance, generation);
  const record = mirror.allocations.get(own);
  if (kind === 'update')
    return record?.revision === revisionBefore ? undefined : `${own} has revision ${record?.revision}`;
  if (kind === 'stop' || kind === 'remove') return record === undefined ? `${own} is not recorded any more` : undefined;
  if (kind === 'forget') return undefined;
  if (record !== undefined) return `${own} is still recorded ${record.state}`;
  if (isThere(mirror, own)) return `${own} is still there`;
  if (replaces === undefined) return undefined;
  const old = allocationId(instance, replaces.generation);
  const before = mirror.allocations.get(old)?.state;
  if (before === undefined) return `${old} is not recorded any more`;
  return replaces.object === 'running' && before !== 'live' ? `${old} is ${before}` : undefined;
}

const isThere = (mirror: Mirror, allocation: string): boolean =>
  mirror.objects().some((placed) => placed.allocation === allocation);
