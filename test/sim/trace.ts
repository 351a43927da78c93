import type { LoopEvent } from '../../src/reconcile/loop.ts';
import type { ProgressEvent } from '../../src/reconcile/progress.ts';
import type { Observer, World } from './world.ts';

/** Tells a story as it happens, a line an event: what a replay prints. */
export function trace(world: World, write: (line: string) => void): Observer {
  const { scheduler } = world;
  const tell = (who: string, what: string): void =>
    write(`${(scheduler.now() / 1000).toFixed(3).padStart(9)}  ${who}  ${what}`);
  world.server.onCommit(({ revision, writer, changes }) => {
    for (const { key, entry } of changes)
      tell(writer ?? 'store', `@${revision} ${key} = ${entry?.value.slice(0, 160) ?? '(deleted)'}`);
  });
  return {
    happens: ({ at: _, ...what }) => tell('----', JSON.stringify(what)),
    told: {
      loop: (process, event) => tell(process.client, loopText(event)),
      progress: (event) => tell('    ', progressText(event)),
      sent: (process, { call, subject, node }) => tell(process.client, `asks ${node}: ${call} ${subject}`),
      landed: (process, { call, subject, node }) => tell(node, `is asked by ${process.client}: ${call} ${subject}`),
      ended: (process, error) => tell(process.client, error === undefined ? 'ended' : `broke: ${String(error)}`),
    },
  };
}

function loopText(event: LoopEvent): string {
  switch (event.kind) {
    case 'planned': {
      const steps = event.plan.steps.map(
        ({ kind, instance, node, cause, order }) => `${kind} ${instance} on ${node} (${cause}, ${order})`,
      );
      const refusals = event.plan.refusals.map(({ subject, message }) => `refused ${subject}: ${message}`);
      return `planned (${event.trigger}): ${[...steps, ...refusals].join('; ') || 'nothing to do'}${event.delayed.length > 0 ? `; delayed ${event.delayed.join(', ')}` : ''}`;
    }
    case 'applied':
      return `applied: ${event.outcome.units.map(({ unit, state, reason }) => `${unit} ${state}${reason === undefined ? '' : ` (${reason})`}`).join('; ')}`;
    case 'recovered':
      return `recovered: ${event.units.map(({ unit, state, reason }) => `${unit} ${state}${reason === undefined ? '' : ` (${reason})`}`).join('; ') || 'nothing'}`;
    default:
      return JSON.stringify(event);
  }
}

function progressText(event: ProgressEvent): string {
  switch (event.kind) {
    case 'effectStarted':
    case 'effectDone':
      return `${event.kind} ${event.effect.key}`;
    case 'effectFailed':
      return `${event.kind} ${event.effect.key}: ${event.error}`;
    case 'unitEnded':
      return `${event.kind} ${event.unit} ${event.result.state} ${event.result.reason ?? ''}`;
    case 'waiting':
      return `waiting: ${event.what}`;
    case 'retrying':
      return `retrying ${event.call} on ${event.node}: ${event.error}`;
    default:
      return event.kind;
  }
}
