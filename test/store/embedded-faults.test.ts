import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, describe, it } from 'node:test';
import { openStore } from '../../src/store/open.ts';
import { type Store, StoreError } from '../../src/store/store.ts';
import { collect } from '../contract/store.ts';

describe('embedded store under faults', () => {
  const directory = mkdtempSync(join(tmpdir(), 'muster-faults-'));
  const children = new Set<ChildProcess>();
  after(() => {
    for (const child of children) child.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  });
  let count = 0;
  const freshPath = (): string => {
    count += 1;
    return join(directory, `store${count}`, '.muster');
  };
  const open = (path: string, mode: 'read' | 'write'): Promise<Store> =>
    openStore({ location: { kind: 'embedded', path }, cluster: 'c', mode });
  const write = (store: Store, key: string, value: string) =>
    store.txn({ compares: [], operations: [{ kind: 'put', key, value }] });

  /** A process that opens the store, takes a lease and writes on and on; it prints each number that was acknowledged. */
  const startWriter = (path: string): { readonly child: ChildProcess; readonly acknowledged: number[] } => {
    const child = spawn(process.execPath, ['--import', 'tsx', join(import.meta.dirname, 'writer-child.ts'), path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.add(child);
    const acknowledged: number[] = [];
    if (child.stdout !== null) createInterface(child.stdout).on('line', (line) => acknowledged.push(Number(line)));
    return { child, acknowledged };
  };
  const atLeast = async (acknowledged: readonly number[], wanted: number): Promise<void> => {
    const deadline = performance.now() + 30_000;
    while (acknowledged.length < wanted) {
      assert.ok(performance.now() < deadline, `${acknowledged.length} of ${wanted} writes`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  const kill = async (child: ChildProcess): Promise<void> => {
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  };

  it('everything that was acknowledged is there after kill -9, whole, and the next writer takes over', {
    timeout: 60_000,
  }, async () => {
    const path = freshPath();
    for (let round = 0; round < 3; round += 1) {
      const { child, acknowledged } = startWriter(path);
      await atLeast(acknowledged, 30 + round * 17);
      await kill(child);
      const store = await open(path, 'write');
      try {
        const { entries } = await store.range(`n${child.pid}/`);
        const left = entries.filter((entry) => entry.key.endsWith('/left')).map((entry) => entry.value);
        const right = entries.filter((entry) => entry.key.endsWith('/right')).map((entry) => entry.value);
        assert.deepEqual(left, right, 'a transaction is there by half');
        assert.deepEqual(
          acknowledged.filter((number) => !left.includes(String(number))),
          [],
          'an acknowledged write is lost',
        );
        assert.equal(await store.get('held'), undefined, 'the lease of a dead process has ended');
      } finally {
        await store.close();
      }
    }
  });

  it('other processes follow a writer: reads, watches, and the end of its lease', { timeout: 60_000 }, async () => {
    const path = freshPath();
    const reader = await open(path, 'read');
    try {
      assert.deepEqual(await reader.range(''), { revision: 1, entries: [] });
      assert.equal(existsSync(path), false, 'reading makes nothing');
      const watching = collect(reader, '', 1);
      const { child, acknowledged } = startWriter(path);
      await atLeast(acknowledged, 50);
      assert.equal((await reader.get(`n${child.pid}/00000049/left`))?.value, '49');
      assert.ok(await reader.get('held'));
      const events = await watching.until(101);
      const keys = events.slice(0, 5).map((event) => (event.kind === 'put' ? event.entry.key : event.kind));
      const of = (number: number, side: string) => `n${child.pid}/0000000${number}/${side}`;
      assert.deepEqual(keys, ['held', of(0, 'left'), of(0, 'right'), of(1, 'left'), of(1, 'right')]);
      await assert.rejects(open(path, 'write'), (error) => {
        assert.ok(error instanceof StoreError && error.code === 'locked');
        assert.match(error.message, new RegExp(`process ${child.pid} since \\d{4}-\\d\\d-\\d\\dT`));
        assert.match(error.hint ?? '', new RegExp(`kill ${child.pid}`));
        return true;
      });
      await kill(child);
      assert.equal(await reader.get('held'), undefined);
      await watching.stop();
    } finally {
      await reader.close();
    }
  });

  it('a second writer in one process is refused until the first is closed', async () => {
    const path = freshPath();
    const first = await open(path, 'write');
    await assert.rejects(
      open(path, 'write'),
      (error) => error instanceof StoreError && error.code === 'locked' && /this process/.test(error.message),
    );
    await write(first, 'a', '1');
    await first.close();
    const second = await open(path, 'write');
    assert.equal((await second.get('a'))?.value, '1');
    await second.close();
    assert.equal(readFileSync(join(path, '.gitignore'), 'utf8'), '*\n');
  });

  it('a truncated or overwritten file is an error that says what to do, never a crash', {
    timeout: 60_000,
  }, async () => {
    const path = freshPath();
    const store = await open(path, 'write');
    for (let index = 0; index < 200; index += 1) await write(store, `k${index}`, 'x'.repeat(index * 50));
    await store.close();
    const file = join(path, 'store', 'data.mdb');
    const whole = readFileSync(file);
    const damages: readonly (readonly [string, () => void])[] = [
      ...[0, 1, 4095, 4096, 8192, Math.floor(whole.length / 2), whole.length - 4096].map(
        (size) => [`cut to ${size}`, () => truncateSync(file, size)] as const,
      ),
      ['text', () => writeFileSync(file, 'not a database\n'.repeat(10_000))],
      ['zeroes', () => writeFileSync(file, Buffer.alloc(whole.length))],
      [
        'zeroes behind the headers',
        () => writeFileSync(file, Buffer.concat([whole.subarray(0, 8192), Buffer.alloc(whole.length - 8192)])),
      ],
      [
        'noise behind the headers',
        () => writeFileSync(file, Buffer.concat([whole.subarray(0, 8192), Buffer.alloc(whole.length - 8192, 0xa7)])),
      ],
    ];
    for (const [what, damage] of damages) {
      writeFileSync(file, whole);
      damage();
      for (const mode of ['read', 'write'] as const) {
        await assert.rejects(open(path, mode), (error) => {
          assert.ok(error instanceof StoreError && error.code === 'corrupt', `${what}, ${mode}: ${error}`);
          assert.match(error.hint ?? '', /Restore .*data\.mdb from a backup/);
          return true;
        });
      }
    }
    writeFileSync(file, whole);
    assert.equal(statSync(file).size, whole.length);
    const restored = await open(path, 'write');
    assert.equal((await restored.range('k')).entries.length, 200);
    await restored.close();
  });
});
