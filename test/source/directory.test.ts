import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { SourceError } from '../../src/source/error.ts';
import { openInclude, openTree, pollRef } from '../../src/source/open.ts';
import type { SourceLocation } from '../../src/source/tree.ts';
import { temporaryDirectory, writeFiles } from './repos.ts';

const at = (path: string): SourceLocation => ({ kind: 'directory', path });

/** Back-dates files: what changed within the last second is never remembered. */
function age(root: string, ...paths: readonly string[]): void {
  const past = Date.now() / 1000 - 60;
  for (const path of paths) utimesSync(join(root, path), past, past);
}

test('YAML files are listed by path; other files, dot files and node_modules are not', async (t) => {
  const folder = temporaryDirectory(t);
  const options = { name: 'config', cacheDir: join(folder, 'cache') };
  writeFiles(join(folder, 'repo'), {
    'b.yaml': '',
    'a.yml': '',
    'Z.yaml': '',
    'x/y.yaml': '',
    'x.yaml': '',
    'readme.md': '',
    '.git/c.yaml': '',
    '.muster/c.yaml': '',
    'node_modules/c.yaml': '',
    '.gitlab-ci.yaml': '',
  });
  const tree = await openTree(at(join(folder, 'repo')), options);
  assert.deepEqual(
    tree.files.map(({ path }) => path),
    ['Z.yaml', 'a.yml', 'b.yaml', 'x.yaml', 'x/y.yaml'],
  );
  assert.equal(tree.commit, 'worktree');
});

test('a changed file has another blob id and content, also when its size and times stay the same', async (t) => {
  const folder = temporaryDirectory(t);
  const options = { name: 'config', cacheDir: join(folder, 'cache') };
  const repo = join(folder, 'repo');
  const read = async () => {
    const tree = await openTree(at(repo), options);
    return Promise.all(tree.files.map(async (file) => `${file.blobId} ${await file.read()}`));
  };
  writeFiles(repo, { 'a.yaml': 'a: 1' });
  age(repo, 'a.yaml');
  const first = await read();
  assert.deepEqual(await read(), first);
  for (const text of ['a: 2', 'a: 3']) {
    writeFiles(repo, { 'a.yaml': text });
    age(repo, 'a.yaml');
    const [found = ''] = await read();
    assert.ok(found.endsWith(text), found);
  }
});

test('a file that changes between listing and reading is an error, not another file’s content', async (t) => {
  const folder = temporaryDirectory(t);
  const options = { name: 'config', cacheDir: join(folder, 'cache') };
  const repo = join(folder, 'repo');
  writeFiles(repo, { 'a.yaml': 'a: 1' });
  // Remembered only once its change is a while ago, so that the second listing does not read it.
  for (;;) {
    await openTree(at(repo), options);
    if (existsSync(join(folder, 'cache', 'stat')) && readdirSync(join(folder, 'cache', 'stat')).length > 0) break;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const [file] = (await openTree(at(repo), options)).files;
  writeFiles(repo, { 'a.yaml': 'a: 2' });
  await assert.rejects(file?.read() ?? Promise.resolve(), (error) => {
    assert.ok(error instanceof SourceError);
    assert.equal(error.diagnostic.code, 'MUS1112');
    assert.equal(error.retryable, true);
    return true;
  });
});

test('links inside the repository are followed once, links out of it are errors', async (t) => {
  const folder = temporaryDirectory(t);
  const options = { name: 'config', cacheDir: join(folder, 'cache') };
  const repo = join(folder, 'repo');
  mkdirSync(join(repo, '.git'), { recursive: true });
  writeFiles(repo, { 'prod/own.yaml': 'own', 'base/b.yaml': 'b', 'base/deep/d.yaml': 'd' });
  writeFiles(folder, { 'etc.yaml': 'secret' });
  for (const [path, target] of [
    ['prod/linked.yaml', '../base/b.yaml'],
    ['prod/again.yaml', 'own.yaml'],
    ['prod/folder', '../base/deep'],
    ['base/deep/back', '../../prod'],
    ['prod/out.yaml', '../../etc.yaml'],
    ['prod/chained-out.yaml', 'out.yaml'],
    ['prod/broken.yaml', 'nothing.yaml'],
    ['prod/loop.yaml', 'loop.yaml'],
  ] as const) {
    symlinkSync(target, join(repo, path));
  }
  const tree = await openTree(at(join(repo, 'prod')), options);
  assert.deepEqual(
    tree.files.map(({ path }) => path),
    ['folder/d.yaml', 'linked.yaml', 'own.yaml'],
  );
  assert.deepEqual(
    tree.diagnostics.map(({ code, file }) => `${code} ${file}`),
    ['MUS1113 broken.yaml', 'MUS1107 chained-out.yaml', 'MUS1113 loop.yaml', 'MUS1107 out.yaml'],
  );
});

test('an include stays inside the repository, or inside the directory where there is none', async (t) => {
  const folder = temporaryDirectory(t);
  const options = { name: 'config', cacheDir: join(folder, 'cache') };
  writeFiles(folder, { 'repo/prod/a.yaml': 'a', 'repo/base/b.yaml': 'b', 'outside/c.yaml': 'c' });
  symlinkSync('../outside', join(folder, 'repo', 'sneaky'));
  const include = (path: string) =>
    openInclude(at(join(folder, 'repo', 'prod')), { path, commit: 'worktree' }, options);
  const code = (path: string) =>
    include(path).then(
      () => 'none',
      (error: SourceError) => error.diagnostic.code,
    );
  assert.equal(await code('../base'), 'MUS1201', 'prod is no repository, so it is all there is');
  mkdirSync(join(folder, 'repo', '.git'));
  assert.deepEqual(
    (await include('../base')).files.map(({ path }) => path),
    ['../base/b.yaml'],
  );
  assert.equal(await code('../../outside'), 'MUS1201');
  assert.equal(await code('../sneaky'), 'MUS1201');
  assert.equal(await code('../nothing'), 'MUS1203');
});

test('the fingerprint of a directory changes with its YAML files and with nothing else', async (t) => {
  const folder = temporaryDirectory(t);
  const options = { name: 'config', cacheDir: join(folder, 'cache') };
  const repo = join(folder, 'repo');
  const seen = new Set<string>();
  const isNew = async () => {
    const before = seen.size;
    seen.add(await pollRef(at(repo), options));
    return seen.size > before;
  };
  writeFiles(repo, { 'a.yaml': 'a: 1' });
  assert.equal(await isNew(), true);
  writeFiles(repo, { 'notes.txt': 'x', '.muster/state.yaml': 'x' });
  utimesSync(join(repo, 'a.yaml'), 1, 1);
  assert.equal(await isNew(), false);
  writeFiles(repo, { 'b.yaml': 'a: 1' });
  assert.equal(await isNew(), true);
  writeFiles(repo, { 'b.yaml': 'a: 2' });
  assert.equal(await isNew(), true);
  rmSync(join(repo, 'b.yaml'));
  assert.equal(await isNew(), false, 'back to the first content');
});

test('a cache that cannot be written or is damaged costs nothing but time', async (t) => {
  const folder = temporaryDirectory(t);
  writeFiles(folder, { 'repo/a.yaml': 'a', cache: 'a file, not a directory' });
  const tree = await openTree(at(join(folder, 'repo')), { name: 'config', cacheDir: join(folder, 'cache') });
  assert.equal(tree.files.length, 1);
});

test('a directory that is not there, or is a file, says so', async (t) => {
  const folder = temporaryDirectory(t);
  writeFileSync(join(folder, 'file'), '');
  for (const path of [join(folder, 'nothing'), join(folder, 'file')]) {
    await assert.rejects(openTree(at(path), { name: 'config', cacheDir: join(folder, 'cache') }), (error) => {
      assert.ok(error instanceof SourceError && error.diagnostic.code === 'MUS1106');
      assert.ok(error.message.includes(path));
      return true;
    });
  }
});
