import { completionScript, type Shell } from '../completion.ts';
import { type ExitCode, exitCodes } from '../exit.ts';
import { buildProgram } from '../program.ts';
import { openTerminal } from '../terminal.ts';

export async function completion(shell: Shell): Promise<ExitCode> {
  await openTerminal({}).result(
    completionScript(
      buildProgram(() => undefined),
      shell,
    ),
  );
  return exitCodes.ok;
}
