import type { Command } from 'commander';
import { completionScript, type Shell } from '../completion.ts';
import { type ExitCode, exitCodes } from '../exit.ts';
import { openTerminal } from '../terminal.ts';

/** Prints the script of a shell, made from the command tree. */
export async function completion(shell: Shell, program: Command): Promise<ExitCode> {
  await openTerminal({}).result(completionScript(program, shell));
  return exitCodes.ok;
}
