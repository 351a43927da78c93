import { once } from 'node:events';
import { wantsColor } from '../render/paint.ts';

/** Where a command writes: results to stdout, everything for the person who watches to stderr. */
export interface Terminal {
  /** For what goes to stdout. */
  readonly color: boolean;
  readonly errorColor: boolean;
  readonly width: number | undefined;
  /** Somebody can be asked: both ends of the conversation are terminals. */
  readonly interactive: boolean;
  /** Writes to stdout as fast as its reader takes it. */
  result(chunks: string | Iterable<string>): Promise<void>;
  /** One message on stderr. */
  say(text: string): void;
}

export function openTerminal(options: { readonly color?: boolean | undefined }): Terminal {
  const { stdout, stderr, stdin, env } = process;
  const colored = (isTerminal: boolean): boolean => wantsColor({ isTerminal, flag: options.color, environment: env });
  return {
    color: colored(stdout.isTTY === true),
    errorColor: colored(stderr.isTTY === true),
    width: stdout.isTTY === true ? stdout.columns : undefined,
    interactive: stdin.isTTY === true && stderr.isTTY === true,
    result: async (chunks) => {
      for (const chunk of typeof chunks === 'string' ? [chunks] : chunks) {
        if (!stdout.write(chunk)) await once(stdout, 'drain');
      }
    },
    say: (text) => {
      stderr.write(text.endsWith('\n') ? text : `${text}\n`);
    },
  };
}
