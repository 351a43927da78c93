import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type CachedDocument, openDocumentCache } from '../../src/source/cache.ts';
import { temporaryDirectory } from './repos.ts';

const documents = (name: string): readonly CachedDocument[] => [
  {
    index: 0,
    kind: 'Workload',
    namespace: 'default',
    name,
    line: 1,
    value: { text: 'tab\tnewline\nü \u2028' },
  },
];
const id = (number: number): string => String(number).padStart(40, '0');

test('documents come back as they were put, in another process’s cache object too', async (t) => {
  const folder = temporaryDirectory(t);
  const cache = openDocumentCache(folder);
  assert.equal(await cache.get(id(1)), undefined);
  cache.put(id(1), documents('a'));
  cache.put(id(2), []);
  assert.deepEqual(await cache.get(id(1)), documents('a'));
  await cache.flush();
  const again = openDocumentCache(folder);
  assert.deepEqual(await again.get(id(1)), documents('a'));
  assert.deepEqual(await again.get(id(2)), []);
  assert.equal(await again.get(id(3)), undefined);
});

test('a damaged, truncated or foreign file is ignored and written anew', async (t) => {
  const folder = temporaryDirectory(t);
  const path = join(folder, 'documents.cache');
  const damages: readonly ((text: string) => void)[] = [
    (text) => truncateSync(path, text.length - 7),
    (text) => writeFileSync(path, text.replace('Workload', 'Warkload')),
    (text) => writeFileSync(path, text.replace(/\t[0-9a-f]{16}\t/, '\t0123456789abcdef\t')),
    () => writeFileSync(path, Buffer.from([0, 255, 254, 10, 9])),
    () => writeFileSync(path, ''),
  ];
  for (const damage of damages) {
    const cache = openDocumentCache(folder);
    cache.put(id(1), documents('a'));
    await cache.flush();
    damage(readFileSync(path, 'utf8'));
    const damaged = openDocumentCache(folder);
    assert.equal(await damaged.get(id(1)), undefined);
    damaged.put(id(1), documents('b'));
    await damaged.flush();
    assert.deepEqual(await openDocumentCache(folder).get(id(1)), documents('b'));
  }
});

test('what is not used any more is dropped after a while, what is used stays', async (t) => {
  const folder = temporaryDirectory(t);
  const first = openDocumentCache(folder);
  first.put(id(1), documents('used'));
  first.put(id(2), documents('unused'));
  await first.flush();
  for (let round = 0; round < 12; round += 1) {
    const cache = openDocumentCache(folder);
    assert.deepEqual(await cache.get(id(1)), documents('used'));
    cache.put(id(100 + round), documents(`new ${round}`));
    await cache.flush();
  }
  const last = openDocumentCache(folder);
  assert.deepEqual(await last.get(id(1)), documents('used'));
  assert.equal(await last.get(id(2)), undefined);
});

test('a run without anything new does not write', async (t) => {
  const folder = temporaryDirectory(t);
  const cache = openDocumentCache(folder);
  cache.put(id(1), documents('a'));
  await cache.flush();
  const before = readFileSync(join(folder, 'documents.cache'), 'utf8');
  const again = openDocumentCache(folder);
  await again.get(id(1));
  await again.flush();
  assert.equal(readFileSync(join(folder, 'documents.cache'), 'utf8'), before);
  assert.deepEqual(readdirSync(folder), ['documents.cache']);
});

test('processes that write at once never leave a broken file', async (t) => {
  const folder = temporaryDirectory(t);
  const script = `
    import { openDocumentCache } from ${JSON.stringify(join(import.meta.dirname, '../../src/source/cache.ts'))};
    for (let round = 0; round < 20; round += 1) {
      const cache = openDocumentCache(process.argv[1]);
      for (let file = 0; file < 50; file += 1) {
        cache.put(String(file).padStart(40, '0'), [{ index: 0, kind: 'Pod', name: 'x'.repeat(500), line: 1, value: {} }]);
      }
      await cache.flush();
    }`;
  const writers = Array.from({ length: 2 }, () =>
    spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', script, folder], { stdio: 'inherit' }),
  );
  const ended = Promise.all(writers.map((writer) => new Promise((resolve) => writer.once('exit', resolve))));
  let isRunning = true;
  void ended.then(() => {
    isRunning = false;
  });
  let reads = 0;
  while (isRunning) {
    const found = await openDocumentCache(folder).get(id(7));
    if (found !== undefined) {
      assert.equal(found[0]?.name.length, 500);
      reads += 1;
    }
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  assert.deepEqual(await ended, [0, 0]);
  assert.ok(reads > 0);
  assert.notEqual(await openDocumentCache(folder).get(id(49)), undefined);
});
