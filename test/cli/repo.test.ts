import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { copyExample, muster, scratch } from './muster.ts';
import { edit } from './processes.ts';

const git = (cwd: string, ...args: readonly string[]): string =>
  execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.org', ...args], {
    cwd,
    encoding: 'utf8',
  }).trim();

/** The datacenter as a git repository, in a folder of it. */
async function repository(dir: string): Promise<string> {
  await copyExample('datacenter', join(dir, 'clusters'));
  git(dir, 'init', '--quiet', '--initial-branch=main');
  git(dir, 'add', '--all');
  git(dir, 'commit', '--quiet', '--message=first');
  return dir;
}

describe('a pull request preview from git', () => {
  test('--repo, --ref and --path plan a commit without a work tree; --base resolves "current" of a hand-made snapshot', async (t) => {
    const repo = await repository(await scratch(t));
    const path = 'clusters/datacenter';
    const state = join(repo, 'snapshot.json');
    await writeFile(
      state,
      JSON.stringify({
        formatVersion: '1.0',
        cluster: 'datacenter',
        takenAt: '2026-11-01T00:00:00Z',
        storeRevision: 7,
        nodes: [],
        instances: [0, 1, 2, 3].map((ordinal) => ({
          id: `shop/images/${ordinal}`,
          generation: 1,
          node: `web-a-0${ordinal + 2}`,
          revision: 'current',
        })),
      }),
    );
    git(repo, 'checkout', '--quiet', '-b', 'change');
    await edit(join(repo, path, 'workloads/shop/images.yaml'), (text) => text.replace('images:1.0', 'images:1.1'));
    git(repo, 'commit', '--quiet', '--all', '--message=second');
    const commit = git(repo, 'rev-parse', 'change');
    git(repo, 'checkout', '--quiet', 'main');

    const common = ['plan', '--repo', repo, '--path', path, '--state', state];
    const changed = await muster([...common, '--ref', 'change', '--base', 'main', '-o', 'json']);
    assert.equal(changed.code, 0, changed.stderr);
    const plan = JSON.parse(changed.stdout) as {
      summary: { replace: number };
      basis: { commits: Record<string, string> };
      steps: { unit: string; changes: { path: string }[] }[];
    };
    assert.equal(plan.summary.replace, 4);
    assert.deepEqual(Object.values(plan.basis.commits), [commit]);
    assert.deepEqual(
      plan.steps.find(({ unit }) => unit === 'shop/images')?.changes.map(({ path }) => path),
      ['/image'],
    );

    const same = await muster([...common, '--ref', 'change', '-o', 'json']);
    assert.equal(
      (JSON.parse(same.stdout) as typeof plan).summary.replace,
      0,
      'without --base "current" is the planned tree',
    );

    const unknown = await muster([...common, '--ref', 'nowhere']);
    assert.equal(unknown.code, 1);
    assert.match(unknown.stderr, /nowhere/);
    assert.equal(unknown.stdout, '');
  });

  test('mistakes are told in the format that was asked for, all of them, with file and line', async (t) => {
    const dir = await scratch(t);
    const cluster = await copyExample('quickstart', dir);
    await edit(join(cluster, 'workloads/web.yaml'), (text) =>
      text.replace('replicas: 3', 'replicsa: 3').replace('memory: 128MiB', 'memory: 128MX'),
    );
    const annotations = await muster(['plan', cluster, '-o', 'github']);
    assert.equal(annotations.code, 1);
    assert.equal(annotations.stdout.match(/^::error file=.*web\.yaml,line=\d+/gm)?.length, 2, annotations.stdout);
    const text = await muster(['validate', cluster]);
    assert.equal(text.code, 1);
    assert.match(text.stdout, /replicas/);
    assert.match(text.stderr, /^Not valid: 2 errors\./m);
    const json = JSON.parse((await muster(['validate', cluster, '-o', 'json'])).stdout) as unknown;
    assert.ok(typeof json === 'object' && json !== null);
  });
});
