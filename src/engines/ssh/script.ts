/** A script for /bin/sh. Only `sh` makes one, so that nothing from a document gets into a command line unquoted. */
export interface ShellScript {
  readonly text: string;
}

/** What may stand in a script: text and numbers are quoted, a list becomes quoted words, a script stays what it is. */
type Part = string | number | readonly string[] | ShellScript;

/** sh`rm -- ${path}`: every value is one word for the shell (a list: several), whatever is in it. */
export function sh(texts: TemplateStringsArray, ...parts: readonly Part[]): ShellScript {
  return { text: texts.raw.map((text, index) => text + wordsOf(parts[index])).join('') };
}

/** The scripts one after the other, each in a line of its own. */
export const lines = (scripts: readonly ShellScript[]): ShellScript => ({
  text: scripts.map(({ text }) => text).join('\n'),
});

/**
 * What is sent to the shell's standard input. Nothing of it runs before all of it has arrived: a connection that breaks
 * in the middle leaves a group without its end, which is a syntax error and no half of a change. What runs inside reads
 * nothing. `untilClosed`: it is killed when nobody listens any more; otherwise it goes on to its end by itself.
 */
export function wholeScript({ text }: ShellScript, lives: 'toItsEnd' | 'untilClosed'): string {
  const begin = lives === 'toItsEnd' ? 'exec </dev/null' : watched;
  return `{\n${begin}\n${text}\nexit\n}\n`;
}

/** sshd sends no signal when a session closes, and root's sessions cannot be sent any: the end of standard input is all there is. */
const watched = `exec 3<&0 </dev/null
(cat <&3; kill -s KILL -- "-$(cut -d' ' -f5 /proc/$$/stat)") >/dev/null 2>&1 &
exec 3<&-`;

function wordsOf(part: Part | undefined): string {
  if (part === undefined) return '';
  if (typeof part === 'string') return quote(part);
  if (typeof part === 'number') return quote(String(part));
  return 'text' in part ? part.text : part.map(quote).join(' ');
}

/** Inside single quotes a shell knows no special character but the quote itself. Throws on NUL, which no argument can have. */
function quote(text: string): string {
  if (text.includes('\0')) throw new Error('a word for a shell cannot have a NUL character');
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
