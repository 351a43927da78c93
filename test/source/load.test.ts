import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { type LoadResult, loadDesired } from '../../src/source/load.ts';
import { commitAll, createRepository, temporaryDirectory, writeFiles } from './repos.ts';

const cluster = 'apiVersion: muster/v1\nkind: Cluster\nmetadata: {name: prod}\nspec: {}\n';
const pod = 'apiVersion: muster/v1\nkind: Pod\nmetadata: {name: web}\n';
const node =
  'apiVersion: muster/v1\nkind: Node\nmetadata: {name: n1}\nspec: {pod: web, engines: {process: {}}, capacity: {cpu: 4, memory: 8GiB}}\n';
const workload = (name: string, spec = '') =>
  `apiVersion: muster/v1\nkind: Workload\nmetadata: {name: ${name}}\nspec: {engine: process, command: [run]${spec}}\n`;
const repo = { 'cluster.yaml': cluster, 'pods.yaml': `${pod}---\n${node}`, 'workloads/a.yaml': workload('a') };

interface Folders {
  readonly repo: string;
  readonly cacheDir: string;
}

function folders(t: TestContext, files: Readonly<Record<string, string>>): Folders {
  const base = temporaryDirectory(t);
  writeFiles(join(base, 'repo'), files);
  return { repo: join(base, 'repo'), cacheDir: join(base, 'cache') };
}

const load = ({ repo: path, cacheDir }: Folders): Promise<LoadResult> =>
  loadDesired({ location: { kind: 'directory', path }, cacheDir });

const codesOf = ({ diagnostics }: LoadResult) => diagnostics.map(({ code }) => code);

test('a directory with a cluster, pods, nodes and workloads becomes the desired state', async (t) => {
  const { desired, diagnostics, stats } = await load(folders(t, repo));
  assert.deepEqual(diagnostics, []);
  assert.deepEqual(stats, { files: 3, documents: 4, parsedFiles: 3 });
  assert.equal(desired?.cluster.name, 'prod');
  assert.deepEqual(desired?.commits, { config: 'worktree' });
  assert.deepEqual(
    desired?.workloads.map(({ id, declaredAt }) => [id, declaredAt]),
    [['default/a', 'workloads/a.yaml:1']],
  );
  assert.deepEqual(
    desired?.nodes.map(({ name, portDomain, capacity }) => [name, portDomain, capacity]),
    [['n1', 'localhost', { cpuMillis: 4000, memoryBytes: 8_589_934_592 }]],
  );
});

test('files that were loaded before are not parsed again, and give the same desired state', async (t) => {
  const where = folders(t, repo);
  const cold = await load(where);
  const warm = await load(where);
  assert.equal(warm.stats.parsedFiles, 0);
  assert.deepEqual(warm.desired, cold.desired);
  writeFiles(where.repo, { 'workloads/a.yaml': workload('a', ', replicas: 2') });
  const changed = await load(where);
  assert.equal(changed.stats.parsedFiles, 1);
  assert.equal(changed.desired?.workloads[0]?.replicas, 2);
});

test('a file with a mistake is looked at again every time, and its mistake is still placed', async (t) => {
  const where = folders(t, { ...repo, 'workloads/a.yaml': workload('a', ', replica: 2') });
  for (const _ of [1, 2]) {
    const { desired, diagnostics, stats } = await load(where);
    assert.equal(desired, undefined);
    assert.deepEqual(
      diagnostics.map(({ code, file, range, hint }) => [code, file, range?.line, range?.column, hint]),
      [['MUS1003', 'workloads/a.yaml', 4, 41, 'did you mean "replicas"?']],
    );
    assert.ok(stats.parsedFiles >= 1);
  }
});

test('mistakes between documents are placed although their files come from the cache', async (t) => {
  const where = folders(t, repo);
  await load(where);
  rmSync(join(where.repo, 'pods.yaml'));
  const { diagnostics, stats } = await load(where);
  assert.equal(stats.parsedFiles, 0);
  assert.deepEqual(diagnostics, []);
  writeFiles(where.repo, { 'pods.yaml': `${pod.replace('web', 'wbe')}---\n${node}` });
  const { diagnostics: dangling } = await load(where);
  assert.deepEqual(
    dangling.map(({ code, file, range, hint }) => [code, file, range?.line, hint]),
    [['MUS1304', 'pods.yaml', 8, 'did you mean "wbe"?']],
  );
});

test('without a Cluster document there is nothing to load, and the message says what to add', async (t) => {
  const { 'cluster.yaml': _, ...rest } = repo;
  const { desired, diagnostics } = await load(folders(t, rest));
  assert.equal(desired, undefined);
  assert.deepEqual(
    diagnostics.map(({ code, hint }) => [code, hint?.includes('kind: Cluster')]),
    [['MUS1301', true]],
  );
});

test('a directory that is not there is a diagnostic, not a crash', async (t) => {
  const result = await loadDesired({
    location: { kind: 'directory', path: join(temporaryDirectory(t), 'none') },
    cacheDir: temporaryDirectory(t),
  });
  assert.equal(result.desired, undefined);
  assert.deepEqual(codesOf(result), ['MUS1106']);
});

test('a commit of a git repo loads without a work tree', async (t) => {
  const base = temporaryDirectory(t);
  const commit = createRepository(join(base, 'ops'), repo);
  const result = await loadDesired({
    location: { kind: 'git', url: join(base, 'ops'), ref: 'main', path: '.' },
    cacheDir: join(base, 'cache'),
  });
  assert.deepEqual(result.diagnostics, []);
  assert.deepEqual(result.desired?.commits, { config: commit });
});

function clusterWithPayments(url: string): string {
  const payments = `{name: payments, url: "${url}", allow: {namespaces: [payments], kinds: [Workload]}}`;
  return cluster.replace('spec: {}', `spec: {sources: [{name: platform}, ${payments}]}`);
}

const paid = (name: string, namespace = 'payments') =>
  workload(name).replace(`{name: ${name}}`, `{name: ${name}, namespace: ${namespace}}`);

test('several sources make one desired state, each with its commit', async (t) => {
  const base = temporaryDirectory(t);
  const commit = createRepository(join(base, 'payments'), { 'deploy/pay.yaml': paid('pay') });
  writeFiles(join(base, 'repo'), {
    ...repo,
    'cluster.yaml': clusterWithPayments(pathToFileURL(join(base, 'payments')).href),
  });
  const { desired, diagnostics } = await load({ repo: join(base, 'repo'), cacheDir: join(base, 'cache') });
  assert.deepEqual(diagnostics, []);
  assert.deepEqual(desired?.commits, { platform: 'worktree', payments: commit });
  assert.deepEqual(desired?.incompleteSources, []);
  assert.deepEqual(
    desired?.workloads.map(({ id, declaredAt }) => [id, declaredAt]),
    [
      ['default/a', 'workloads/a.yaml:1'],
      ['payments/pay', 'payments:deploy/pay.yaml:1'],
    ],
  );
});

test('a source declares only what it is allowed to', async (t) => {
  const base = temporaryDirectory(t);
  createRepository(join(base, 'payments'), { 'pay.yaml': paid('pay', 'shop'), 'pod.yaml': pod.replace('web', 'own') });
  writeFiles(join(base, 'repo'), {
    ...repo,
    'cluster.yaml': clusterWithPayments(pathToFileURL(join(base, 'payments')).href),
  });
  const { desired, diagnostics } = await load({ repo: join(base, 'repo'), cacheDir: join(base, 'cache') });
  assert.equal(desired, undefined);
  assert.deepEqual(
    diagnostics.map(({ code, file, pointer, found }) => [code, file, pointer, found]),
    [
      ['MUS1319', 'payments:pay.yaml', '/metadata/namespace', 'shop'],
      ['MUS1319', 'payments:pod.yaml', '/kind', 'Pod'],
    ],
  );
});

test('a source that cannot be read is a warning, and is named as incomplete', async (t) => {
  const base = temporaryDirectory(t);
  const url = pathToFileURL(join(base, 'gone')).href;
  writeFiles(join(base, 'repo'), { ...repo, 'cluster.yaml': clusterWithPayments(url) });
  const { desired, diagnostics } = await load({ repo: join(base, 'repo'), cacheDir: join(base, 'cache') });
  assert.deepEqual(
    diagnostics.map(({ code, severity, file, pointer }) => [code, severity, file, pointer]),
    [['MUS1322', 'warning', 'cluster.yaml', '/spec/sources/1']],
  );
  assert.deepEqual(desired?.incompleteSources, ['payments']);
  assert.equal(desired?.workloads.length, 1);
});

test('offline, remote sources count as unreadable', async (t) => {
  const base = temporaryDirectory(t);
  createRepository(join(base, 'payments'), { 'pay.yaml': paid('pay') });
  writeFiles(join(base, 'repo'), {
    ...repo,
    'cluster.yaml': clusterWithPayments(pathToFileURL(join(base, 'payments')).href),
  });
  const location = { kind: 'directory', path: join(base, 'repo') } as const;
  const { desired } = await loadDesired({ location, cacheDir: join(base, 'cache'), offline: true });
  assert.deepEqual(desired?.incompleteSources, ['payments']);
});

test('includes are loaded and patches change them, warm as well as cold', async (t) => {
  const base = temporaryDirectory(t);
  const { 'cluster.yaml': _, ...shared } = repo;
  const files = Object.fromEntries(Object.entries(shared).map(([path, text]) => [`base/${path}`, text]));
  const spec = 'spec: {include: [../base], patches: [{target: {kind: Workload}, merge: {spec: {replicas: 5}}}]}';
  createRepository(join(base, 'repo'), { ...files, 'prod/cluster.yaml': cluster.replace('spec: {}', spec) });
  for (const parsedFiles of [3, 0]) {
    const result = await load({ repo: join(base, 'repo', 'prod'), cacheDir: join(base, 'cache') });
    assert.deepEqual(result.diagnostics, []);
    assert.equal(result.stats.parsedFiles, parsedFiles);
    assert.equal(result.desired?.workloads[0]?.replicas, 5);
  }
  commitAll(join(base, 'repo'));
});

test('environment values are kept as they are written', async (t) => {
  const env = ', env: {VERSION: 1.10, ON: True, HEX: 0x1F, ID: 12345678901234567890, EMPTY: "", TEXT: yes}';
  const { desired, diagnostics } = await load(folders(t, { ...repo, 'workloads/a.yaml': workload('a', env) }));
  assert.deepEqual(diagnostics, []);
  assert.deepEqual(desired?.workloads[0]?.revision.env, {
    EMPTY: '',
    HEX: '0x1F',
    ID: '12345678901234567890',
    ON: 'True',
    TEXT: 'yes',
    VERSION: '1.10',
  });
});

test('aliases may be used as templates', async (t) => {
  const text = workload('a', ', args: &args [x, y], env: {A: b}').replace('[run]', '&run [run]');
  const { diagnostics } = await load(folders(t, { ...repo, 'workloads/a.yaml': text.replace('[x, y]', '*run') }));
  assert.deepEqual(
    diagnostics.map(({ code }) => code),
    ['MUS1001'],
    'an anchor on an alias is a syntax error of YAML',
  );
  const good = workload('a', ', args: *run').replace('[run]', '&run [run]');
  const { desired } = await load(folders(t, { ...repo, 'workloads/a.yaml': good }));
  assert.deepEqual(desired?.workloads[0]?.revision.args, ['run']);
});

test('hostile text ends in a diagnostic, quickly', async (t) => {
  const bomb = (levels: number) =>
    `a0: &a0 [x, x]\n${Array.from({ length: levels }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i}, *a${i}]`).join('\n')}\n`;
  const files = {
    ...repo,
    'deep.yaml': `a: ${'['.repeat(100_000)}${']'.repeat(100_000)}\n`,
    'dashes.yaml': `${'- '.repeat(50_000)}x\n`,
    'indented.yaml': Array.from({ length: 1000 }, (_, i) => `${' '.repeat(i)}k:\n`).join(''),
    'loop.yaml': 'a: &a [*a]\n',
    'bomb.yaml': bomb(40),
    'wide.yaml': `${Array.from({ length: 5000 }, (_, i) => `k${i}: v`).join('\n')}\n`,
    'many.yaml': '---\na: 1\n'.repeat(1001),
    'proto.yaml': '__proto__: {a: 1}\n',
  };
  const { desired, diagnostics } = await load(folders(t, files));
  assert.equal(desired, undefined);
  assert.deepEqual(
    new Set(diagnostics.map(({ file, code }) => `${file} ${code}`)),
    new Set([
      'bomb.yaml MUS1010',
      'dashes.yaml MUS1010',
      'deep.yaml MUS1010',
      'indented.yaml MUS1010',
      'loop.yaml MUS1010',
      'many.yaml MUS1010',
      'proto.yaml MUS1003',
      'wide.yaml MUS1010',
    ]),
  );
});
