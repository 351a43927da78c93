import assert from 'node:assert/strict';
import { renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { SourceLocation } from '../../src/source/tree.ts';
import { watchSource } from '../../src/source/watch.ts';
import { commitAll, createRepository, eventually, temporaryDirectory, writeFiles } from './repos.ts';

function startWatch(
  t: TestContext,
  location: SourceLocation,
  options: { readonly cacheDir: string; readonly pollMs: number },
) {
  const stop = new AbortController();
  const versions: string[] = [];
  const errors: Error[] = [];
  const ended = watchSource(location, {
    name: 'config',
    ...options,
    signal: stop.signal,
    onChange: (version) => void versions.push(version),
    onError: (error) => void errors.push(error),
  });
  t.after(() => stop.abort());
  return { versions, errors, stop, ended };
}

test('a change in a directory is told within moments, long before the regular look', async (t) => {
  const folder = temporaryDirectory(t);
  writeFiles(join(folder, 'repo'), { 'a.yaml': 'a: 1' });
  const watch = startWatch(
    t,
    { kind: 'directory', path: join(folder, 'repo') },
    { cacheDir: join(folder, 'cache'), pollMs: 600_000 },
  );
  await eventually('what is there at the start', () => watch.versions.length === 1);
  // File events may begin a little later than the first look: write until one is seen.
  let written = 0;
  await eventually('the change', () => {
    written += 1;
    if (written % 40 === 1) writeFiles(join(folder, 'repo'), { 'b.yaml': `b: ${written}` });
    return watch.versions.length > 1;
  });
  watch.stop.abort();
  await watch.ended;
});

test('what is no change is not told', async (t) => {
  const folder = temporaryDirectory(t);
  writeFiles(join(folder, 'repo'), { 'a.yaml': 'a: 1' });
  const watch = startWatch(
    t,
    { kind: 'directory', path: join(folder, 'repo') },
    { cacheDir: join(folder, 'cache'), pollMs: 20 },
  );
  await eventually('what is there at the start', () => watch.versions.length === 1);
  writeFiles(join(folder, 'repo'), { 'a.yaml': 'a: 1', 'notes.txt': 'x', '.muster/x.yaml': 'y' });
  writeFiles(join(folder, 'repo'), { 'z.yaml': 'last: 1' });
  await eventually('the one change', () => watch.versions.length >= 2);
  watch.stop.abort();
  await watch.ended;
  assert.equal(watch.versions.length, 2);
});

test('a commit on the branch is told, a commit elsewhere is not, and trouble does not end the watch', async (t) => {
  const folder = temporaryDirectory(t);
  const repo = join(folder, 'repo');
  const first = createRepository(repo, { 'a.yaml': 'a: 1' });
  const watch = startWatch(
    t,
    { kind: 'git', url: repo, ref: 'main', path: '.' },
    { cacheDir: join(folder, 'cache'), pollMs: 50 },
  );
  await eventually('the first commit', () => watch.versions.length === 1);
  writeFiles(repo, { 'a.yaml': 'not committed' });
  renameSync(repo, `${repo}-away`);
  await eventually('the trouble', () => watch.errors.length > 0);
  renameSync(`${repo}-away`, repo);
  const second = commitAll(repo);
  await eventually('the second commit', () => watch.versions.length === 2);
  assert.deepEqual(watch.versions, [first, second]);
  watch.stop.abort();
  await watch.ended;
  rmSync(repo, { recursive: true });
});
