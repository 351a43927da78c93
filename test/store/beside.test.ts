import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openStore } from '../../src/store/open.ts';
import { StoreError } from '../../src/store/store.ts';

test('single records are written beside a process that writes all the time: none is lost, no revision is given twice', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'muster-beside-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const path = join(directory, '.muster');
  const writer = spawn(process.execPath, ['--import', 'tsx', join(import.meta.dirname, 'writer-child.ts'), path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => writer.kill('SIGKILL'));
  await once(writer.stdout, 'data');

  const store = await openStore({ location: { kind: 'embedded', path }, cluster: 'c', mode: 'beside' });
  t.after(() => store.close());
  const revisions = new Set<number>();
  for (let number = 0; number < 50; number += 1) {
    const { succeeded, revision } = await store.txn({
      compares: [{ kind: 'createRevision', key: `beside/${number}`, equals: 0 }],
      operations: [{ kind: 'put', key: `beside/${number}`, value: String(number) }],
    });
    assert.ok(succeeded);
    revisions.add(revision);
  }
  writer.kill('SIGKILL');
  await once(writer, 'exit');

  const { entries } = await store.range('');
  assert.equal(entries.filter(({ key }) => key.startsWith('beside/')).length, 50);
  const ofWriter = entries.filter(({ key }) => key.startsWith('n'));
  assert.ok(ofWriter.length > 2, 'the writer went on');
  assert.equal(revisions.size, 50);
  for (const { modRevision } of ofWriter) assert.ok(!revisions.has(modRevision));
});

test('who writes beside the writer gets no lease, and cannot lead', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'muster-beside-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const location = { kind: 'embedded', path: join(directory, '.muster') } as const;
  const store = await openStore({ location, cluster: 'c', mode: 'beside' });
  t.after(() => store.close());
  await assert.rejects(
    store.lease({ ttlMs: 1_000 }),
    (error) => error instanceof StoreError && /single writes/.test(error.message),
  );
});
