import { createInterface } from 'node:readline/promises';
import { CliError } from './exit.ts';
import type { Interrupt } from './interrupt.ts';
import type { Terminal } from './terminal.ts';

/** Asks a question that only "yes" agrees to. False, and said so, for everything else. Throws where nobody can be asked. */
export async function confirmed(terminal: Terminal, { soft }: Interrupt, question: string): Promise<boolean> {
  if (!terminal.interactive) {
    throw new CliError('nobody can be asked: this is not a terminal; nothing was changed', {
      hint: 'Approve beforehand with --auto-approve.',
    });
  }
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await prompt.question(`${question} Only "yes" does: `, { signal: soft });
    if (answer.trim().toLowerCase() === 'yes') return true;
  } catch (error) {
    if (!soft.aborted) throw error;
  } finally {
    prompt.close();
  }
  terminal.say('Nothing was changed.');
  return false;
}
