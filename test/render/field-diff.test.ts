import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fieldLines } from '../../src/render/field-diff.ts';

const volume = (name: string, sizeBytes: number) => ({
  name,
  mount: `/${name}`,
  sizeBytes,
  source: { kind: 'auto' },
  exclusive: false,
  readIops: 0,
});

const change = (path: string, before: unknown, after: unknown) =>
  fieldLines([{ path, before, after, class: 'recreate' }], 'docker');

test('of lists whose members have names, each is told by its name: what comes and goes on one line, what stays by field', () => {
  const before = [volume('cache', 1024), volume('data', 1024 ** 3)];
  const after = [volume('data', 2 * 1024 ** 3), volume('log', 2048)];
  assert.deepEqual(change('/volumes', before, after), [
    { kind: 'value', label: 'volumes.cache', before: 'mount /cache, size 1KiB, source auto' },
    { kind: 'value', label: 'volumes.data.size', before: '1GiB', after: '2GiB' },
    { kind: 'value', label: 'volumes.log', after: 'mount /log, size 2KiB, source auto' },
  ]);
});

test('the first volume of all, and the last, are told the same way', () => {
  assert.deepEqual(change('/volumes', undefined, [volume('log', 2048)]), [
    { kind: 'value', label: 'volumes.log', after: 'mount /log, size 2KiB, source auto' },
  ]);
  assert.deepEqual(change('/volumes', [volume('log', 2048)], undefined), [
    { kind: 'value', label: 'volumes.log', before: 'mount /log, size 2KiB, source auto' },
  ]);
});

test('lists of plain values stay values', () => {
  assert.deepEqual(change('/args', ['-a'], ['-b']), [
    { kind: 'value', label: 'args', before: '["-a"]', after: '["-b"]' },
  ]);
  assert.deepEqual(change('/args', [], ['-b']), [{ kind: 'value', label: 'args', before: '[]', after: '["-b"]' }]);
});

test('options of an engine are told as they are written in git', () => {
  assert.deepEqual(change('/options/pids', 5, 6), [{ kind: 'value', label: 'docker.pids', before: '5', after: '6' }]);
  assert.deepEqual(change('/options/shmSizeBytes', undefined, 1024), [
    { kind: 'value', label: 'docker.shmSize', after: '1KiB' },
  ]);
});

test('of a file that comes the size is told, of one that changes the lines that do', () => {
  const file = (content: string) => ({ name: '/etc/app.conf', content, mode: '0644', uid: 0, gid: 0 });
  assert.deepEqual(change('/files', undefined, [file('a\nb\n')]), [
    { kind: 'value', label: 'files./etc/app.conf', after: 'content of 2 lines, mode 0644' },
  ]);
  assert.deepEqual(change('/files/0/content', 'a\nb\n', 'a\nc\n'), [
    { kind: 'text', label: 'files.0.content', lines: ['@@ -1,2 +1,2 @@', ' a', '-b', '+c'] },
  ]);
});
