import type { LogLine } from '../../engines/engine.ts';
import { createPaint } from '../../render/paint.ts';
import { locate, type SourceFlags } from '../config.ts';
import { describeError } from '../errors.ts';
import { type ExitCode, exitCodes } from '../exit.ts';
import { type InstanceObject, type LookFlags, subjectOf, withObjects } from '../objects.ts';
import { openTerminal, type Terminal } from '../terminal.ts';

export interface LogsFlags extends SourceFlags, LookFlags {
  readonly tail: number;
  readonly follow?: boolean;
}

const readDeadlineMs = 30_000;
const pingDeadlineMs = 5_000;
/** Following has no end by itself; no timer is longer. */
const followDeadlineMs = 2_147_483_647;

/**
 * What instances have written: their stdout on stdout, their stderr on stderr. Lines of several instances say whose they
 * are. One that cannot be read does not keep the others from being shown; then the exit code is 1.
 */
export async function logs(subject: string, dir: string, flags: LogsFlags): Promise<ExitCode> {
  const terminal = openTerminal(flags);
  const place = await locate(dir, flags);
  return await withObjects(subjectOf(subject), { place, flags, terminal }, async (objects) => {
    const shown = objects.map((object) => showLines(object, flags, { terminal, named: objects.length > 1 }));
    const failed = (await Promise.all(shown)).some((isShown) => !isShown);
    return failed ? exitCodes.error : exitCodes.ok;
  });
}

/** False when they could not be read, which is said. */
async function showLines(
  object: InstanceObject,
  flags: LogsFlags,
  { terminal, named }: { readonly terminal: Terminal; readonly named: boolean },
): Promise<boolean> {
  const { dim } = createPaint({ color: terminal.color });
  const prefix = named ? `${dim(`${object.instance} |`)} ` : '';
  try {
    for await (const { stream, text } of linesOf(object, flags)) await write(terminal, stream, `${prefix}${text}\n`);
    if (flags.follow === true)
      terminal.say(`${object.instance} on ${object.node} writes no more: it ended, or was made anew.`);
    return true;
  } catch (error) {
    terminal.say(`${object.instance}: ${describeError(error, { debug: false }).text}`);
    return false;
  }
}

async function* linesOf(
  { engine: open, objectId }: InstanceObject,
  { tail, follow = false }: LogsFlags,
): AsyncIterable<LogLine> {
  const engine = await open();
  // Whoever follows waits for as long as it takes, but not for an engine that does not answer.
  if (follow) await engine.ping({ deadlineMs: pingDeadlineMs });
  yield* engine.logs(objectId, { tail, follow }, { deadlineMs: follow ? followDeadlineMs : readDeadlineMs });
}

async function write(terminal: Terminal, stream: LogLine['stream'], line: string): Promise<void> {
  if (stream === 'stderr') terminal.say(line);
  else await terminal.result(line);
}
