import type { CallSite } from '../deadline.ts';
import { engineErrorOf, SshFailure } from '../ssh/failure.ts';
import type { ShellScript } from '../ssh/script.ts';
import type { SystemdNode } from './node.ts';

/** One entry of a journal, as `journalctl -o json` writes it: text, or bytes where it is not UTF-8; several, or none. */
export type JournalEntry = Readonly<Record<string, unknown>>;

/** An entry is cut off at this; its beginning is dropped with it. */
const maxEntryBytes = 4 * 1024 * 1024;

/** The entries that a script with journalctl prints, until it ends. Throws `EngineError` when the connection breaks. */
export async function* entriesOf(
  node: SystemdNode,
  site: CallSite,
  script: ShellScript,
  signal: AbortSignal,
): AsyncIterable<JournalEntry> {
  let rest = Buffer.alloc(0);
  try {
    for await (const chunk of node.host.follow(script, { as: node.as, signal })) {
      rest = Buffer.concat([rest, chunk]);
      for (let end = rest.indexOf(newline); end >= 0; end = rest.indexOf(newline)) {
        const entry = parse(rest.subarray(0, end).toString('utf8'));
        rest = rest.subarray(end + 1);
        if (entry !== undefined) yield entry;
      }
      if (rest.length > maxEntryBytes) rest = Buffer.alloc(0);
    }
  } catch (error) {
    throw error instanceof SshFailure ? engineErrorOf(error, site) : error;
  }
}

/** Text of a field; empty where it has none. */
export function textOf(entry: JournalEntry, field: string): string {
  const value = entry[field];
  if (typeof value === 'string') return value;
  if (!Array.isArray(value)) return '';
  return value.every((item) => typeof item === 'number') ? Buffer.from(value).toString('utf8') : String(value[0] ?? '');
}

const newline = 0x0a;

function parse(line: string): JournalEntry | undefined {
  try {
    return JSON.parse(line) as JournalEntry;
  } catch {
    return undefined; // `-- No entries --`, or the rest of an entry that was too long.
  }
}
