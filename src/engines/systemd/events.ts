import { setTimeout as sleep } from 'node:timers/promises';
import type { CallSite } from '../deadline.ts';
import { EngineError, type EngineEvent } from '../engine.ts';
import { type ShellScript, sh } from '../ssh/script.ts';
import { entriesOf, textOf } from './journal.ts';
import { objectIdOf, recordFolder } from './names.ts';
import { runScript, type SystemdNode } from './node.ts';
import { parseRecord } from './record.ts';

const firstRetryMs = 200;
const maxRetryMs = 5_000;
const lookUpDeadlineMs = 10_000;

/** What systemd says of units, by the ids of its messages (`journalctl --catalog`). */
const kinds: Readonly<Record<string, EngineEvent['kind']>> = {
  '39f53479d3a045ac8e11786248231fbf': 'started',
  '98e322203f7a4ed290d09fe03c09fe15': 'exited', // The main process ended.
  '7ad2d189f7e94e70a38c781354912448': 'exited', // The unit ended, with success.
  d9b373ed55a64feb8242e02dbe79a49c: 'exited', // The unit ended, with a failure.
};

/**
 * What systemd tells the journal of our units, until the signal. After a break it goes on behind the last entry that it saw
 * and says `reconnected`: what the journal has forgotten meanwhile is found by looking.
 */
export async function* watchEvents(node: SystemdNode, site: CallSite, signal: AbortSignal): AsyncIterable<EngineEvent> {
  const units = newUnits(node, site, signal);
  let cursor: string | undefined;
  let broken = false;
  let retryMs = firstRetryMs;
  while (!signal.aborted) {
    try {
      for await (const entry of entriesOf(node, site, following(cursor), signal)) {
        if (entry['ready'] === true) {
          if (broken) yield { objectId: '', kind: 'reconnected' };
          broken = false;
          retryMs = firstRetryMs;
          continue;
        }
        cursor = textOf(entry, '__CURSOR');
        const kind = kinds[textOf(entry, 'MESSAGE_ID')];
        const objectId = kind && (await units.objectOf(textOf(entry, 'UNIT')));
        if (kind !== undefined && objectId !== undefined) yield { objectId, kind };
      }
    } catch (error) {
      if (signal.aborted) return;
      // The registry was closed, or it is a bug: neither mends itself.
      if (!(error instanceof EngineError)) throw error;
    }
    broken = true;
    await sleep(retryMs, undefined, { signal }).catch(() => undefined);
    retryMs = Math.min(retryMs * 2, maxRetryMs);
  }
}

/** The first line says that the connection stands; journalctl itself says nothing until something happens. */
function following(cursor: string | undefined): ShellScript {
  const from = cursor === undefined ? ['-n', '0'] : [`--after-cursor=${cursor}`];
  const matches = Object.keys(kinds).map((id) => `MESSAGE_ID=${id}`);
  return sh`echo '{"ready":true}'
exec journalctl -q -f -o json --output-fields=UNIT,MESSAGE_ID ${from} _PID=1 ${matches}`;
}

interface Units {
  /** Our object of a unit; undefined when it is not ours. */
  objectOf(unit: string): Promise<string | undefined>;
}

/** A unit that was removed is remembered: its end may be told after it. */
const mostRemembered = 10_000;

function newUnits(node: SystemdNode, site: CallSite, signal: AbortSignal): Units {
  const known = new Map<string, string>();
  return {
    async objectOf(unit) {
      if (!unit.startsWith('muster-') || !unit.endsWith('.service') || unit.includes('/')) return undefined;
      const before = known.get(unit);
      if (before !== undefined) return before;
      const { stdout } = await runScript(node, site, sh`cat ${`${recordFolder}/${unit}/object.json`}`, {
        signal: AbortSignal.any([signal, AbortSignal.timeout(lookUpDeadlineMs)]),
      });
      const record = parseRecord(stdout);
      if (record === undefined || record.cluster !== node.cluster.uid) return undefined;
      if (known.size >= mostRemembered) known.clear();
      const objectId = objectIdOf(unit, record.serial);
      known.set(unit, objectId);
      return objectId;
    },
  };
}
