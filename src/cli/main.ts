#!/usr/bin/env node
import { setMaxListeners } from 'node:events';
import { CommanderError } from 'commander';
import { describeError } from './errors.ts';
import { exitCodes } from './exit.ts';
import { buildProgram } from './program.ts';

// One signal stops thousands of calls and waits: that many listeners are no leak, and no warning for an operator.
setMaxListeners(10_000);

// A reader that has seen enough (`| head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(exitCodes.ok);
  throw error;
});

const program = buildProgram((code) => {
  process.exitCode = code;
});
for (const command of [program, ...program.commands.flatMap((each) => [each, ...each.commands])])
  command.exitOverride();

try {
  await program.parseAsync(process.argv);
} catch (error) {
  if (error instanceof CommanderError) {
    // commander has already said what is wrong.
    process.exitCode = error.exitCode === 0 ? exitCodes.ok : exitCodes.error;
  } else {
    const { text, exitCode } = describeError(error, { debug: (process.env['MUSTER_DEBUG'] ?? '') !== '' });
    process.stderr.write(`${text}\n`);
    process.exitCode = exitCode;
  }
}
