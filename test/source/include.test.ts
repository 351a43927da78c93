import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Desired } from '../../src/model/desired.ts';
import { type LoadResult, loadDesired } from '../../src/source/load.ts';
import { commitAll, createRepository, temporaryDirectory, writeFiles } from './repos.ts';

const document = (kind: string, name: string, spec: string): string =>
  `apiVersion: muster/v1\nkind: ${kind}\nmetadata: {name: ${name}}\nspec: ${spec}\n`;

const base = {
  'base/pod.yaml': document('Pod', 'web', '{}'),
  'base/node.yaml': document('Node', 'n1', '{pod: web, engines: {process: {root: n1}}}'),
  'base/shop.yaml': document(
    'Workload',
    'shop',
    '{engine: process, command: [./serve], replicas: 1, env: {LEVEL: info}}',
  ),
};

async function loadDirectory(t: TestContext, files: Readonly<Record<string, string>>, at: string): Promise<LoadResult> {
  const folder = temporaryDirectory(t);
  mkdirSync(join(folder, 'repo', '.git'), { recursive: true });
  writeFiles(join(folder, 'repo'), files);
  return loadDesired({
    location: { kind: 'directory', path: join(folder, 'repo', at) },
    cacheDir: join(folder, 'cache'),
  });
}

function desiredOf({ desired, diagnostics }: LoadResult): Desired {
  assert.deepEqual(diagnostics, []);
  assert.ok(desired !== undefined);
  return desired;
}

test('two clusters share a base, each with its own patches', async (t) => {
  const files = {
    ...base,
    'prod/cluster.yaml': document(
      'Cluster',
      'prod',
      '{include: [../base], patches: [{target: {kind: Workload, name: shop}, merge: {spec: {replicas: 5, env: {LEVEL: warn}}}}]}',
    ),
    'test/cluster.yaml': document('Cluster', 'test', '{include: [../base]}'),
  };
  const [prod] = desiredOf(await loadDirectory(t, files, 'prod')).workloads;
  const [unpatched] = desiredOf(await loadDirectory(t, files, 'test')).workloads;
  assert.deepEqual([prod?.replicas, prod?.revision.env], [5, { LEVEL: 'warn' }]);
  assert.deepEqual([unpatched?.replicas, unpatched?.revision.env], [1, { LEVEL: 'info' }]);
  assert.match(prod?.declaredAt ?? '', /^\.\.\/base\/shop\.yaml:1$/);
});

test('a base may include and patch for itself; the outer patch comes last', async (t) => {
  const desired = desiredOf(
    await loadDirectory(
      t,
      {
        ...base,
        'europe/cluster.yaml': document(
          'Cluster',
          'europe',
          '{include: [../base], patches: [{target: {kind: Workload}, merge: {spec: {replicas: 2, priority: 7}}}]}',
        ),
        'prod/cluster.yaml': document(
          'Cluster',
          'prod',
          '{include: [../europe], patches: [{target: {kind: Workload}, merge: {spec: {replicas: 3}}}]}',
        ),
      },
      'prod',
    ),
  );
  assert.equal(desired.cluster.name, 'prod');
  assert.deepEqual([desired.workloads[0]?.replicas, desired.workloads[0]?.priority], [3, 7]);
});

test('patches hold for what comes from the cache too, and never get into it', async (t) => {
  const folder = temporaryDirectory(t);
  mkdirSync(join(folder, 'repo', '.git'), { recursive: true });
  const load = async (replicas: number) => {
    const spec = `{include: [../base], patches: [{target: {kind: Workload}, merge: {spec: {replicas: ${replicas}}}}]}`;
    writeFiles(join(folder, 'repo'), { ...base, 'prod/cluster.yaml': document('Cluster', 'prod', spec) });
    const result = await loadDesired({
      location: { kind: 'directory', path: join(folder, 'repo', 'prod') },
      cacheDir: join(folder, 'cache'),
    });
    return [desiredOf(result).workloads[0]?.replicas, result.stats.parsedFiles];
  };
  assert.deepEqual(await load(4), [4, 4]);
  assert.deepEqual(await load(4), [4, 0], 'all from the cache');
  assert.deepEqual(await load(6), [6, 1], 'only the Cluster document is parsed again');
});

test('includes are read from the same commit of a git source', async (t) => {
  const folder = temporaryDirectory(t);
  const repo = join(folder, 'repo');
  createRepository(repo, { ...base, 'prod/cluster.yaml': document('Cluster', 'prod', '{include: [../base]}') });
  const load = async () => {
    const location = { kind: 'git', url: repo, ref: 'main', path: 'prod' } as const;
    return desiredOf(await loadDesired({ location, cacheDir: join(folder, 'cache') })).workloads.length;
  };
  assert.equal(await load(), 1);
  writeFiles(repo, { 'base/more.yaml': document('Workload', 'more', '{engine: process, command: [x]}') });
  assert.equal(await load(), 1, 'what is not committed does not count');
  commitAll(repo);
  assert.equal(await load(), 2);
});
