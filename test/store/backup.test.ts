import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { systemClock } from '../../src/reconcile/clock.ts';
import { readBackup, writeBackup } from '../../src/store/backup/file.ts';
import { restoreBackup } from '../../src/store/backup/restore.ts';
import { keys } from '../../src/store/keys.ts';
import { acquireLeadership } from '../../src/store/leader.ts';
import { openStore } from '../../src/store/open.ts';
import { readIdentity } from '../../src/store/recorded.ts';
import type { Store } from '../../src/store/store.ts';
import { Died, dyingStore } from './dying.ts';

const folder = mkdtempSync(join(tmpdir(), 'muster-backup-'));
after(() => rmSync(folder, { recursive: true, force: true }));
let count = 0;

async function withStore(work: (store: Store) => Promise<void>): Promise<void> {
  count += 1;
  const location = { kind: 'embedded', path: join(folder, `${count}`) } as const;
  const store = await openStore({ location, cluster: 'c', mode: 'write' });
  try {
    await work(store);
  } finally {
    await store.close();
  }
}

const lead = (store: Store, purpose?: 'restore') =>
  acquireLeadership(store, {
    holder: { actor: 'alice', pid: 1, host: 'desk', command: 'muster run' },
    clock: systemClock,
    ttlMs: 5000,
    waitMs: 0,
    signal: new AbortController().signal,
    ...(purpose !== undefined && { purpose }),
  });

const format = (epoch: number) => JSON.stringify({ formatVersion: '1.0', uid: 'u', epoch });

/** A separator of lines that is none in JSON, and text that needs three bytes a character. */
const odd = '{"text":"a\u2028b\u2029c\\n線"}';

async function fill(store: Store, records: number, value: string): Promise<void> {
  for (let from = 0; from < records; from += 100) {
    const operations = Array.from({ length: Math.min(100, records - from) }, (_, index) => ({
      kind: 'put' as const,
      key: `history/r${from + index}`,
      value,
    }));
    await store.txn({ compares: [], operations });
  }
}

async function backupOf(store: Store, file: string) {
  const range = await store.range('');
  const identity = await readIdentity(store);
  await writeBackup(file, { range, identity, cluster: 'c', now: 0, existing: 'refuse' });
  return readBackup(file);
}

const contentOf = async (store: Store): Promise<readonly string[]> =>
  (await store.range('')).entries.filter(({ key }) => key !== keys.leader).map(({ key, value }) => `${key} ${value}`);

describe('backup and restore', () => {
  test('what was backed up comes back byte for byte, without leaders and requests, and leaves no other file', () =>
    withStore(async (store) => {
      await fill(store, 250, odd);
      await store.txn({ compares: [], operations: [{ kind: 'put', key: keys.format, value: format(4) }] });
      const expected = await contentOf(store);
      const leader = await lead(store);
      await store.txn({ compares: [], operations: [{ kind: 'put', key: keys.request('x'), value: '{}' }] });
      const backup = await backupOf(store, join(folder, 'whole'));
      assert.deepEqual(
        backup.records.map(({ key, value }) => `${key} ${value}`),
        expected,
      );
      assert.equal(backup.header.epoch, 4);
      assert.deepEqual(
        readdirSync(folder).filter((name) => name.includes('tmp')),
        [],
      );
      await leader.release();
    }));

  test('killed at any transaction it keeps everybody out, and run again it ends the same', async () => {
    for (const at of [1, 2, 3, 4, 5, 6]) {
      await withStore(async (store) => {
        await fill(store, 210, 'old');
        await store.txn({ compares: [], operations: [{ kind: 'put', key: keys.format, value: format(1) }] });
        const backup = await backupOf(store, join(folder, `at-${at}`));
        await store.txn({ compares: [], operations: [{ kind: 'put', key: 'history/later', value: '{}' }] });
        await fill(store, 190, 'new');
        await store.txn({ compares: [], operations: [{ kind: 'put', key: keys.format, value: format(7) }] });
        const expected = backup.records.map(({ key, value }) => `${key} ${key === keys.format ? format(8) : value}`);

        const first = await lead(store, 'restore');
        const options = { backup, now: 0 };
        const restored = restoreBackup(dyingStore(store, { atTransaction: at, moment: 'before' }), {
          ...options,
          leadership: first,
        });
        await (at > 4 ? restored : assert.rejects(restored, Died));
        await first.release();
        if (at > 1 && at <= 4) await assert.rejects(lead(store), { code: 'restoring' }, `${at}`);
        else await (await lead(store)).release();

        if (at <= 4) {
          const again = await lead(store, 'restore');
          await restoreBackup(store, { ...options, leadership: again });
          await again.release();
        }
        assert.deepEqual(await contentOf(store), expected, `${at}`);
      });
    }
  });

  test('a restore that has lost its lease writes nothing more', () =>
    withStore(async (store) => {
      const backup = await backupOf(store, join(folder, 'empty'));
      const lost = await lead(store, 'restore');
      await lost.release();
      await assert.rejects(restoreBackup(store, { backup, leadership: lost, now: 0 }), { code: 'locked' });
      assert.deepEqual(await contentOf(store), []);
    }));
});
