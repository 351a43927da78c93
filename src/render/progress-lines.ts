import { assertNever } from '../model/assert.ts';
import type { Effect } from '../model/effects.ts';
import type { ProgressEvent } from '../reconcile/progress.ts';
import { formatAge } from './amounts.ts';

/**
 * One event as one plain line, or undefined for what would only be noise in a log: what a pipe and a CI job show
 * instead of the live block.
 */
export function progressLine(event: ProgressEvent): string | undefined {
  switch (event.kind) {
    case 'recovering':
      return `${event.unit}: a run was interrupted (${event.run}); ${event.direction === 'finish' ? 'finishing' : 'undoing'} it`;
    case 'runStarted':
      return `run ${event.run} started`;
    case 'unitStarted':
      return undefined;
    case 'waveStarted':
      return `${event.unit}: wave ${event.wave + 1} of ${event.of}`;
    case 'effectStarted':
      return undefined;
    case 'effectDone':
      return effectLine(event.effect, `in ${formatAge(event.tookMs)}`, event.undo);
    case 'effectFailed':
      return `${event.effect.allocation} on ${event.effect.node}: ${event.undo ? 'undoing ' : ''}${event.effect.kind} failed: ${event.error}`;
    case 'retrying':
      return `${event.node}/${event.engine}: ${event.call} failed, again in ${formatAge(event.inMs)}: ${event.error}`;
    case 'hookFailed':
      return `${event.allocation} on ${event.node}: hook ${event.hook} failed, and it is stopped all the same: ${event.error}`;
    case 'waiting':
      return `${event.instance ?? event.unit}: waiting: ${event.what}`;
    case 'unitFailed':
      return `${event.unit}: failed: ${event.reason}; undoing`;
    case 'unitEnded':
      return `${event.unit}: ${event.result.state}${event.result.reason === undefined ? '' : `: ${event.result.reason}`}`;
    case 'stopping':
      return `stopping at a safe point: ${event.reason}`;
    case 'runEnded':
      return undefined;
    default:
      return assertNever(event);
  }
}

/** Bookkeeping in the store and cheap preparations are left out. */
function effectLine(effect: Effect, took: string, undo: boolean): string | undefined {
  const words: Partial<Record<Effect['kind'], string>> = {
    start: 'started',
    await: 'healthy',
    update: 'updated',
    stop: 'stopped',
    remove: 'removed',
  };
  const word = words[effect.kind];
  return word === undefined
    ? undefined
    : `${effect.allocation} on ${effect.node}: ${undo ? 'undo: ' : ''}${word} ${took}`;
}
