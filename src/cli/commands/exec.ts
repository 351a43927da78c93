import { EngineError } from '../../engines/engine.ts';
import type { InstanceId } from '../../model/ids.ts';
import { formatDuration } from '../../model/units.ts';
import { locate, type SourceFlags } from '../config.ts';
import { CliError } from '../exit.ts';
import { type LookFlags, subjectOf, withObjects } from '../objects.ts';
import { openTerminal } from '../terminal.ts';

export interface ExecFlags extends SourceFlags, LookFlags {
  readonly dir: string;
  readonly timeout: number;
}

/**
 * Runs a command in an instance (of the process engine: beside it, with its environment) and shows what it writes once it
 * has ended. The exit code is the command's own. There is neither input nor a terminal.
 */
export async function exec(subject: string, command: readonly string[], flags: ExecFlags): Promise<number> {
  const terminal = openTerminal(flags);
  const place = await locate(flags.dir, flags);
  return await withObjects(subjectOf(subject), { place, flags, terminal }, async (objects) => {
    const [object] = objects;
    if (object === undefined || objects.length > 1) {
      throw new CliError(`${subject} has ${objects.length} instances: a command runs in one`, {
        hint: `Name it, for example ${object?.instance ?? `${subject}/0`}.`,
      });
    }
    const engine = await object.engine();
    try {
      const { exitCode, output } = await engine.exec(object.objectId, command, { deadlineMs: flags.timeout });
      await terminal.result(output);
      return exitCode;
    } catch (error) {
      throw error instanceof EngineError && error.code === 'timeout' ? tookTooLong(object.instance, flags) : error;
    }
  });
}

const tookTooLong = (instance: InstanceId, { timeout }: ExecFlags): CliError =>
  new CliError(`the command in ${instance} did not end within ${formatDuration(timeout)}; what it wrote is lost`, {
    hint: 'Docker has no way to end it: it may go on inside. --timeout gives it longer.',
  });
