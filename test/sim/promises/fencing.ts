import { fencingToken } from '../../../src/model/ids.ts';
import { keys, prefixes } from '../../../src/store/keys.ts';
import type { Observer, World } from '../world.ts';
import { journalEntry } from './mirror.ts';

/** Who has lost the lease writes nothing, and begins nothing on an engine. */
export function fencing({ server, violated, scheduler }: World): Observer {
  let leader: { readonly writer: string | undefined; readonly token: string } | undefined;
  server.onCommit(({ changes, writer }) => {
    for (const { key, entry, before } of changes) {
      if (key === keys.leader) {
        if (entry !== undefined && before !== undefined)
          violated('one leader', `${writer} took the lock from its holder`);
        leader = entry && { writer, token: fencingToken({ epoch: 1, createRevision: entry.createRevision }) };
      } else if (writer !== undefined && writer !== leader?.writer && !isOpenTo(writer, key)) {
        violated('no write by a stale token', `${writer} wrote ${key}; the leader is ${leader?.writer ?? 'nobody'}`);
      } else if (entry !== undefined && key.startsWith(prefixes.runs) && key.includes('/journal/')) {
        const { token } = journalEntry(entry);
        if (token !== leader?.token) violated('no write by a stale token', `${writer} journaled ${key} under ${token}`);
      }
    }
  });
  return {
    told: {
      sent: (process, { call, subject, node }, leadership) => {
        if (leadership.isAlive()) return;
        const text = `${process.client} asked ${node} to ${call} ${subject} at ${scheduler.now()} ms without a live lease`;
        violated('no engine call without the lease', text);
      },
    },
  };
}

/** Operators write these without the lease. */
const isOpenTo = (writer: string, key: string): boolean =>
  key.startsWith(prefixes.requests) || (writer === 'operator' && key.startsWith(prefixes.overrides));
