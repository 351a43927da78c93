import { EngineError } from '../engines/engine.ts';
import type { Effect } from '../model/effects.ts';
import type { Hook } from '../model/revision.ts';
import { call } from './call.ts';
import { GateFailed } from './halt.ts';

import type { RunContext } from './run-context.ts';

/** Of what a command wrote, for the operator: the end says most. */
const outputTailChars = 200;

/**
 * Runs the command in an instance that was just started. One that fails is a failed start, and speaks against the
 * revision as a failed health check does. After a crash it may run once more: it has to bear that.
 */
export async function afterStart(context: RunContext, effect: Effect, hook: Hook & At): Promise<void> {
  const failed = await runHook(context, effect, hook);
  if (failed !== undefined) throw new GateFailed(`${effect.allocation} on ${effect.node}: hook afterStart: ${failed}`);
}

/** Runs the command in an instance that is about to be stopped. One that fails is told, and the stop goes on. */
export async function beforeStop(context: RunContext, effect: Effect, hook: Hook & At): Promise<void> {
  const failed = await runHook(context, effect, hook);
  if (failed === undefined) return;
  const { allocation, node } = effect;
  context.progress({ kind: 'hookFailed', allocation, node, hook: 'beforeStop', error: failed });
}

interface At {
  readonly objectId: string;
}

/** Why it failed; undefined: it did not, or nothing runs that it could run in. An engine that is away is asked again. */
const runHook = (
  context: RunContext,
  effect: Effect,
  { objectId, command, timeoutMs }: Hook & At,
): Promise<string | undefined> =>
  call(
    context,
    effect,
    async (engine, options) => {
      const object = await engine.observe(objectId, options);
      if (object?.state !== 'running') return effect.kind === 'stop' ? undefined : 'the instance does not run any more';
      try {
        const { exitCode, output } = await engine.exec(objectId, command, { ...options, deadlineMs: timeoutMs });
        return exitCode === 0 ? undefined : `${command.join(' ')} exited ${exitCode}: ${tailOf(output)}`;
      } catch (error) {
        if (!(error instanceof EngineError)) throw error;
        // A command without an answer in time may hang, or the engine may: then it says nothing else in that time either.
        if (error.code === 'timeout') await engine.ping(options);
        else if (error.code === 'unreachable' || error.code === 'internal') throw error;
        return error.code === 'timeout' ? `${command.join(' ')} took longer than ${timeoutMs / 1000} s` : error.message;
      }
    },
    observeDeadlineMs,
  );

const observeDeadlineMs = 10_000;

const tailOf = (output: string): string => output.trim().slice(-outputTailChars);
