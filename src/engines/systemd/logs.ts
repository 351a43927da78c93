import type { CallSite } from '../deadline.ts';
import type { Call, LogLine, LogOptions } from '../engine.ts';
import { sh } from '../ssh/script.ts';
import { gone } from './apply.ts';
import { entriesOf, textOf } from './journal.ts';
import type { SystemdNode } from './node.ts';
import { findObject } from './observe.ts';
import { identifierOf } from './unit-file.ts';

/** `err` of syslog(3): what the unit gives to lines of standard error. */
const errorPriority = '3';

/** The last lines of the object, from the journal; with `follow` what comes after them until the deadline or the abort. */
export async function* readLogs(
  node: SystemdNode,
  objectId: string,
  request: { readonly options: LogOptions; readonly call: Call; readonly site: CallSite },
): AsyncIterable<LogLine> {
  const { options, call, site } = request;
  const deadline = AbortSignal.timeout(Math.min(call.deadlineMs, 2_147_483_647));
  const signal = call.signal === undefined ? deadline : AbortSignal.any([call.signal, deadline]);
  const found = await findObject(node, site, objectId, signal);
  if (found === undefined) throw gone(objectId, site);
  // What a child wrote that is gone already has no unit any more, but still the name that its stream was opened with.
  const matches = [`MUSTER_OBJECT=${found.record.serial}`, '+', `SYSLOG_IDENTIFIER=${identifierOf(found.record)}`];
  const follow = options.follow ? ['-f'] : [];
  const script = sh`journalctl --sync 2>/dev/null
exec journalctl -q -o json --all --output-fields=MESSAGE,PRIORITY -n ${options.tail} ${follow} ${matches}`;
  try {
    for await (const entry of entriesOf(node, site, script, signal)) {
      const stream = textOf(entry, 'PRIORITY') === errorPriority ? 'stderr' : 'stdout';
      yield { stream, text: textOf(entry, 'MESSAGE') };
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
