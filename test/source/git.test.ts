import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { SourceError } from '../../src/source/error.ts';
import { openInclude, openTree, pollRef } from '../../src/source/open.ts';
import type { SourceLocation, SourceTree } from '../../src/source/tree.ts';
import { commitAll, createRepository, git, serveGit, temporaryDirectory, writeFiles } from './repos.ts';

const at = (url: string, ref = 'main', path = '.'): SourceLocation => ({ kind: 'git', url, ref, path });

async function contents(tree: SourceTree): Promise<Readonly<Record<string, string>>> {
  const read = await Promise.all(tree.files.map(async (file) => [file.path, await file.read()] as const));
  return Object.fromEntries(read);
}

async function failure(promise: Promise<unknown>): Promise<SourceError> {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof SourceError, String(error));
    return error;
  }
  throw new Error('it did not fail');
}

test('a local repository is read at the ref, whatever lies in its work tree', async (t) => {
  const folder = temporaryDirectory(t);
  const options = { name: 'config', cacheDir: join(folder, 'cache') };
  const first = createRepository(join(folder, 'repo'), { 'a.yaml': 'a: 1\n', 'deep/b.yml': 'b: ü\n', 'c.txt': 'c' });
  writeFiles(join(folder, 'repo'), { 'a.yaml': 'a: 2\n', 'new.yaml': 'n: 1\n' });
  const tree = await openTree(at(join(folder, 'repo')), options);
  assert.equal(tree.commit, first);
  assert.deepEqual(await contents(tree), { 'a.yaml': 'a: 1\n', 'deep/b.yml': 'b: ü\n' });
  assert.deepEqual(tree.diagnostics, []);
  const second = commitAll(join(folder, 'repo'));
  git(join(folder, 'repo'), 'tag', '--annotate', 'v1', '--message', 'v1', first);
  for (const [ref, commit] of [
    ['v1', first],
    [first, first],
    [first.slice(0, 10), first],
    ['HEAD', second],
    ['main~1', first],
  ] as const) {
    assert.equal((await openTree(at(join(folder, 'repo'), ref), options)).commit, commit, ref);
    assert.equal(await pollRef(at(join(folder, 'repo'), ref), options), commit, ref);
  }
  assert.deepEqual(Object.keys(await contents(await openTree(at(`file://${folder}/repo`, 'main', 'deep'), options))), [
    'b.yml',
  ]);
});

test('a directory and a commit of the same files give the same blob ids', async (t) => {
  const folder = temporaryDirectory(t);
  const options = { name: 'config', cacheDir: join(folder, 'cache') };
  createRepository(join(folder, 'repo'), {
    'a.yaml': 'a: 1\n',
    'empty.yaml': '',
    '.github/w.yaml': 'x',
    '.hidden.yaml': 'x',
  });
  const committed = await openTree(at(join(folder, 'repo')), options);
  const lying = await openTree({ kind: 'directory', path: join(folder, 'repo') }, options);
  const ids = (tree: SourceTree) => tree.files.map(({ path, blobId, sizeBytes }) => ({ path, blobId, sizeBytes }));
  assert.deepEqual(ids(lying), ids(committed));
  assert.equal(lying.files.length, 2);
});

test('a repository on a server is mirrored without a work tree, and read from the mirror when the server is gone', async (t) => {
  const folder = temporaryDirectory(t);
  const options = { name: 'config', cacheDir: join(folder, 'cache') };
  const first = createRepository(join(folder, 'served', 'repo'), { 'a.yaml': 'a: 1\n' });
  const url = `${await serveGit(t, join(folder, 'served'))}/repo`;
  assert.equal(await pollRef(at(url), options), first);
  assert.deepEqual(await contents(await openTree(at(url), options)), { 'a.yaml': 'a: 1\n' });

  writeFiles(join(folder, 'served', 'repo'), { 'a.yaml': 'a: 2\n' });
  const second = commitAll(join(folder, 'served', 'repo'));
  git(join(folder, 'served', 'repo'), 'tag', 'v2');
  assert.equal(await pollRef(at(url, 'v2'), options), second);
  assert.deepEqual(await contents(await openTree(at(url), options)), { 'a.yaml': 'a: 2\n' });
  assert.equal((await openTree(at(url, first.slice(0, 12)), options)).commit, first, 'an abbreviated commit');

  rmSync(join(folder, 'served', 'repo'), { recursive: true });
  assert.deepEqual(await contents(await openTree(at(url, second), options)), { 'a.yaml': 'a: 2\n' });
});

test('several processes fetch into one mirror at once', async (t) => {
  const folder = temporaryDirectory(t);
  const commit = createRepository(join(folder, 'served', 'repo'), { 'a.yaml': 'a: 1\n' });
  const url = `${await serveGit(t, join(folder, 'served'))}/repo`;
  const options = { name: 'config', cacheDir: join(folder, 'cache') };
  const trees = await Promise.all(Array.from({ length: 4 }, () => openTree(at(url), options)));
  assert.deepEqual(
    trees.map((tree) => tree.commit),
    [commit, commit, commit, commit],
  );
});

/** A plain web server over a bare repository, with or without a password. */
async function serveHttp(t: TestContext, root: string, password?: string): Promise<string> {
  const server = createServer((request, response) => {
    const sent = Buffer.from((request.headers.authorization ?? '').replace('Basic ', ''), 'base64').toString();
    if (password !== undefined && sent !== `bot:${password}`) {
      response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="git"' }).end();
      return;
    }
    try {
      response.end(readFileSync(join(root, new URL(request.url ?? '/', 'http://x').pathname)));
    } catch {
      response.writeHead(404).end();
    }
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  return `127.0.0.1:${address.port}`;
}

test('a repository behind a plain web server works, and its password is never shown', async (t) => {
  const folder = temporaryDirectory(t);
  const options = { name: 'config', cacheDir: join(folder, 'cache') };
  const commit = createRepository(join(folder, 'work'), { 'a.yaml': 'a: 1\n' });
  git(folder, 'clone', '--quiet', '--bare', 'work', 'web/repo.git');
  git(join(folder, 'web', 'repo.git'), 'update-server-info');
  const host = await serveHttp(t, join(folder, 'web'), 'geheim');
  const tree = await openTree(at(`http://bot:geheim@${host}/repo.git`), options);
  assert.equal(tree.commit, commit);
  assert.deepEqual(await contents(tree), { 'a.yaml': 'a: 1\n' });

  for (const [url, code] of [
    [`http://bot:falsch@${host}/repo.git`, 'MUS1104'],
    [`http://${host}/repo.git`, 'MUS1104'],
    [`http://bot:geheim@${host}/nothing.git`, 'MUS1103'],
  ] as const) {
    const { diagnostic } = await failure(openTree(at(url), options));
    assert.equal(diagnostic.code, code, url);
    assert.doesNotMatch(JSON.stringify(diagnostic), /geheim|falsch/);
    assert.match(diagnostic.message, new RegExp(host));
  }
});

/** Sets variables of this process for one test. */
function setEnvironment(t: TestContext, variables: Readonly<Record<string, string>>): void {
  const before = Object.keys(variables).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, variables);
  t.after(() => {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  });
}

test('the way to a server is taken from the environment, the repository is not', async (t) => {
  const folder = temporaryDirectory(t);
  const options = { name: 'config', cacheDir: join(folder, 'cache') };
  const commit = createRepository(join(folder, 'repo'), { 'a.yaml': 'a: 1\n' });
  createRepository(join(folder, 'other'), { 'b.yaml': 'b: 1\n' });
  // What the ssh transport would run on the other machine is run here instead.
  writeFiles(folder, { 'ssh.sh': '#!/bin/sh\nshift\nexec sh -c "$*"\n' });
  setEnvironment(t, {
    GIT_SSH_COMMAND: `sh ${join(folder, 'ssh.sh')}`,
    GIT_SSH_VARIANT: 'simple',
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: `url.ssh://somewhere${folder}/.insteadOf`,
    GIT_CONFIG_VALUE_0: 'company:',
    GIT_DIR: join(folder, 'other', '.git'),
    GIT_WORK_TREE: join(folder, 'other'),
    GIT_INDEX_FILE: join(folder, 'other', '.git', 'index'),
    EDITOR: 'vi',
    PAGER: 'less',
  });
  for (const url of [`ssh://somewhere${folder}/repo`, 'company:repo', join(folder, 'repo')]) {
    const tree = await openTree(at(url), options);
    assert.equal(tree.commit, commit, url);
    assert.deepEqual(await contents(tree), { 'a.yaml': 'a: 1\n' });
    assert.equal(await pollRef(at(url), options), commit);
  }
});

test('what cannot be read says what and where, and suggests the near branch', async (t) => {
  const folder = temporaryDirectory(t);
  const options = { name: 'config', cacheDir: join(folder, 'cache') };
  createRepository(join(folder, 'served', 'repo'), { 'a.yaml': 'a: 1\n' });
  const url = `${await serveGit(t, join(folder, 'served'))}`;
  for (const repository of [`${url}/repo`, join(folder, 'served', 'repo')]) {
    const { diagnostic } = await failure(openTree(at(repository, 'mian'), options));
    assert.equal(diagnostic.code, 'MUS1102');
    assert.equal(diagnostic.hint, 'did you mean "main"?');
    assert.ok(diagnostic.message.includes(repository));
    assert.equal((await failure(pollRef(at(repository, 'mian'), options))).diagnostic.code, 'MUS1102');
    assert.equal((await failure(openTree(at(repository, 'main', 'nowhere'), options))).diagnostic.code, 'MUS1203');
    assert.equal((await failure(openTree(at(repository, 'main', '../x'), options))).diagnostic.code, 'MUS1201');
    for (const ref of ['--upload-pack=touch x', '', 'a b', 'main:a.yaml']) {
      assert.equal((await failure(openTree(at(repository, ref), options))).diagnostic.code, 'MUS1102', ref);
    }
  }
  assert.equal((await failure(openTree(at(`${url}/other`), options))).diagnostic.code, 'MUS1103');
  const closed = await failure(openTree(at('git://127.0.0.1:1/repo'), options));
  assert.equal(closed.diagnostic.code, 'MUS1101');
  assert.equal(closed.retryable, true);
  mkdirSync(join(folder, 'served', 'plain'));
  assert.equal((await failure(openTree(at(join(folder, 'served', 'plain')), options))).diagnostic.code, 'MUS1103');
  assert.equal((await failure(openTree(at(join(folder, 'gone')), options))).diagnostic.code, 'MUS1103');
});

test('links inside a commit are followed once, links out of it are errors, submodules are warned of', async (t) => {
  const folder = temporaryDirectory(t);
  const options = { name: 'config', cacheDir: join(folder, 'cache') };
  const repo = join(folder, 'repo');
  createRepository(repo, { 'prod/own.yaml': 'own', 'base/b.yaml': 'b', 'base/deep/d.yaml': 'd', 'base/n.txt': 'n' });
  for (const [path, target] of [
    ['prod/linked.yaml', '../base/b.yaml'],
    ['prod/again.yaml', 'own.yaml'],
    ['prod/folder', '../base/deep'],
    ['base/deep/back', '../../prod'],
    ['prod/chain.yaml', '../link.yaml'],
    ['link.yaml', 'base/deep/d.yaml'],
    ['prod/out.yaml', '../../etc.yaml'],
    ['prod/absolute', '/etc'],
    ['prod/broken.yaml', 'nothing.yaml'],
    ['prod/loop.yaml', 'loop.yaml'],
  ] as const) {
    symlinkSync(target, join(repo, path));
  }
  createRepository(join(folder, 'other'), { 'x.yaml': 'x' });
  git(repo, '-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', join(folder, 'other'), 'prod/sub');
  commitAll(repo);
  const tree = await openTree(at(repo, 'main', 'prod'), options);
  // chain.yaml and folder/ both lead to base/deep/d.yaml, which is read once.
  assert.deepEqual(await contents(tree), { 'own.yaml': 'own', 'linked.yaml': 'b', 'chain.yaml': 'd' });
  assert.deepEqual(
    tree.diagnostics.map(({ code, file, severity }) => `${severity} ${code} ${file}`),
    [
      'error MUS1107 absolute',
      'error MUS1113 broken.yaml',
      'error MUS1113 loop.yaml',
      'error MUS1107 out.yaml',
      'warning MUS1110 sub',
    ],
  );
});

test('an include is read from the same commit, even after the branch has moved', async (t) => {
  const folder = temporaryDirectory(t);
  const options = { name: 'config', cacheDir: join(folder, 'cache') };
  const repo = join(folder, 'served', 'repo');
  createRepository(repo, { 'prod/a.yaml': 'a', 'base/b.yaml': 'old' });
  const url = `${await serveGit(t, join(folder, 'served'))}/repo`;
  for (const location of [at(url, 'main', 'prod'), at(repo, 'main', 'prod')]) {
    writeFiles(repo, { 'base/b.yaml': 'old' });
    commitAll(repo);
    const { commit } = await openTree(location, options);
    writeFiles(repo, { 'base/b.yaml': 'new' });
    commitAll(repo);
    const base = await openInclude(location, { path: '../base', commit }, options);
    assert.deepEqual(await contents(base), { '../base/b.yaml': 'old' });
    assert.equal(
      (await failure(openInclude(location, { path: '../../x', commit }, options))).diagnostic.code,
      'MUS1201',
    );
  }
});

test('a file that is too large or not UTF-8 is reported, and the others are read', async (t) => {
  const folder = temporaryDirectory(t);
  const options = { name: 'config', cacheDir: join(folder, 'cache') };
  const repo = join(folder, 'repo');
  createRepository(repo, { 'large.yaml': `# ${'x'.repeat(1024 * 1024)}`, 'good.yaml': 'a: 1' });
  writeFiles(repo, { 'latin.yaml': '' });
  const { writeFileSync } = await import('node:fs');
  writeFileSync(join(repo, 'latin.yaml'), Buffer.from('a: ü\nb: caf\xe9 x\n', 'latin1').subarray(0));
  commitAll(repo);
  for (const location of [at(repo), { kind: 'directory', path: repo } as const]) {
    const tree = await openTree(location, options);
    assert.deepEqual(
      tree.files.map(({ path }) => path),
      ['good.yaml', 'latin.yaml'],
    );
    assert.deepEqual(
      tree.diagnostics.map(({ code, file }) => [code, file]),
      [['MUS1108', 'large.yaml']],
    );
    const latin = tree.files.find(({ path }) => path === 'latin.yaml');
    const { diagnostic } = await failure(latin?.read() ?? Promise.resolve());
    assert.deepEqual(
      [diagnostic.code, diagnostic.file, diagnostic.range?.line, diagnostic.range?.column],
      ['MUS1111', 'latin.yaml', 1, 4],
    );
  }
});

test('a thousand blobs are read through one child', async (t) => {
  const folder = temporaryDirectory(t);
  const files = Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`w/${index}.yaml`, `n: ${index}\n`]));
  createRepository(join(folder, 'repo'), files);
  const tree = await openTree(at(join(folder, 'repo')), { name: 'config', cacheDir: join(folder, 'cache') });
  assert.deepEqual(await contents(tree), files);
});
